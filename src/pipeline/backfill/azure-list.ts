/** Azure's own list of hit resources, taken into the scope of open incidents: it may add owners, it silences nobody. */
import { listImpacted, queryImpacted, type ImpactedResource } from '#src/azure/events.ts';
import { AzureError, BudgetError, type AzureSession } from '#src/azure/session.ts';
import { AZURE_LIST, readAzureList } from '#src/db/estate.ts';
import { findOpenHealth, type HeldIncident } from '#src/db/gaps.ts';
import type { FeedOptions } from './feed.ts';
import { heldSignal, resourcesSignal } from './signals.ts';

/** A signal takes at most 1000 resources. */
const CHUNK = 500;
/** Without Resource Graph every subscription is a call of its own: so many in a round, the next ones in the next. */
const ASKED_MAX = 20;
/** Lists of an outage grow by the minute, those of what is planned for later do not. */
const CALM_MS = 6 * 3_600_000;

/** When each subscription was last asked about each event, milliseconds since 1970; kept over the rounds of a process. */
export type Asked = Map<string, number>;

interface ListOptions {
  session: AzureSession;
  /** That queries name; null: all that the identity can see. */
  subscriptions: readonly string[] | null;
  asked: Asked;
}

interface Told {
  /** What could not be read, in words. */
  faults: string[];
  /** What we may not read. */
  notes: string[];
}

/** Asks for the lists of all open incidents and stores what is new. */
export async function takeAzureLists(
  options: FeedOptions,
  { session, subscriptions, asked }: ListOptions,
): Promise<Told> {
  const open = (await findOpenHealth(options.pool)).filter((incident) => incident.trackingId !== null);
  const told: Told = { faults: [], notes: [] };
  if (open.length === 0) return told;
  let listed: ImpactedResource[];
  try {
    listed = await queryImpacted(session, { subscriptions, trackingIds: open.map((incident) => incident.trackingId!) });
  } catch (error) {
    if (!(error instanceof AzureError)) throw error;
    listed = await askEach(session, inTurn(open, asked), { asked, told });
  }
  const groups = Map.groupBy(listed, (one) => one.trackingId.toLowerCase());
  for (const incident of open) await take(options, incident, groups.get(incident.trackingId!.toLowerCase()) ?? []);
  return told;
}

async function take(options: FeedOptions, incident: HeldIncident, listed: readonly ImpactedResource[]): Promise<void> {
  const post = incident.posts.at(-1);
  if (listed.length === 0 || !post) return;
  const known = new Set(
    (await readAzureList(options.pool, incident.id)).map((one) => `${one.resource}\n${one.status}`),
  );
  const fresh = listed.filter((one) => !known.has(`${one.resource}\n${one.status}`));
  const groups = Map.groupBy(fresh, (one) => `${one.subscription}\n${one.status}`);
  const base = heldSignal(incident, post);
  for (const [key, some] of groups) {
    const [subscription = '', status = ''] = key.split('\n');
    for (let at = 0; at < some.length; at += CHUNK) {
      const resources = [...new Set(some.slice(at, at + CHUNK).map((one) => one.resource))];
      const signals = [resourcesSignal(base, { subscription, resources, rule: `${AZURE_LIST}${status}` })];
      options.onStored(signals, await options.ingest.submit(signals));
    }
  }
}

interface Pair {
  key: string;
  subscription: string;
  trackingId: string;
  security: boolean;
}

/** Who was never asked first, outages before all others; then whoever was asked longest ago. Forgets what is over. */
function inTurn(open: readonly HeldIncident[], asked: Asked): Pair[] {
  const pairs = open.flatMap(({ kind, trackingId, subscriptions }) =>
    subscriptions.map((subscription) => ({
      key: `${trackingId!.toLowerCase()}\n${subscription}`,
      subscription,
      trackingId: trackingId!,
      security: kind === 'security',
      calmMs: kind === 'outage' ? 0 : CALM_MS,
    })),
  );
  const keys = new Set(pairs.map((pair) => pair.key));
  for (const key of asked.keys()) if (!keys.has(key)) asked.delete(key);
  const due = ({ key, calmMs }: (typeof pairs)[number]): number => (asked.get(key) ?? 0) + calmMs;
  return pairs.toSorted((a, b) => due(a) - due(b)).slice(0, ASKED_MAX);
}

async function askEach(
  session: AzureSession,
  pairs: readonly Pair[],
  { asked, told }: { asked: Asked; told: Told },
): Promise<ImpactedResource[]> {
  const found: ImpactedResource[] = [];
  for (const pair of pairs) {
    try {
      found.push(...(await listImpacted(session, pair)));
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      // Its turn is still to come.
      if (error instanceof BudgetError) break;
      const words = `Azure's list of hit resources of ${pair.trackingId} could not be read (${error.message})`;
      // Not every subscription that we know of has the event, or lets us read it; that says nothing of the others.
      if (error.status === 403) told.notes.push(words);
      else if (error.status !== 404) told.faults.push(words);
      // Where no answer came at all, or not after five tries, the others would wait for as long.
      if (error.status === null || error.status >= 500) {
        asked.set(pair.key, Date.now());
        break;
      }
    }
    asked.set(pair.key, Date.now());
  }
  told.notes = [...new Set(told.notes)];
  told.faults = [...new Set(told.faults)];
  return found;
}
