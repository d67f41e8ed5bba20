/** Azure's own list of hit resources, taken into the scope of open incidents: it may add owners, it silences nobody. */
import { listImpacted, queryImpacted, type ImpactedResource } from '#src/azure/events.ts';
import { AzureError, type AzureSession } from '#src/azure/session.ts';
import { AZURE_LIST, readAzureList } from '#src/db/estate.ts';
import { findOpenHealth, type HeldIncident } from '#src/db/gaps.ts';
import type { FeedOptions } from './feed.ts';
import { heldSignal, resourcesSignal } from './signals.ts';

/** A signal takes at most 1000 resources. */
const CHUNK = 500;
/** Without Resource Graph every subscription is a call of its own. */
const ASKED_MAX = 20;

/** Asks for the lists of all open incidents and stores what is new. Returns faults in words. */
export async function takeAzureLists(
  options: FeedOptions,
  { session, subscriptions }: { session: AzureSession; subscriptions: readonly string[] | null },
): Promise<string[]> {
  const open = (await findOpenHealth(options.pool)).filter((incident) => incident.trackingId !== null);
  if (open.length === 0) return [];
  const faults: string[] = [];
  let listed: ImpactedResource[];
  try {
    listed = await queryImpacted(session, { subscriptions, trackingIds: open.map((incident) => incident.trackingId!) });
  } catch (error) {
    if (!(error instanceof AzureError)) throw error;
    listed = await askEach(session, open, faults);
  }
  const groups = Map.groupBy(listed, (one) => one.trackingId.toLowerCase());
  for (const incident of open) await take(options, incident, groups.get(incident.trackingId!.toLowerCase()) ?? []);
  return faults;
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

async function askEach(
  session: AzureSession,
  open: readonly HeldIncident[],
  faults: string[],
): Promise<ImpactedResource[]> {
  const found: ImpactedResource[] = [];
  const pairs = open.flatMap((incident) =>
    incident.subscriptions.map((subscription) => ({ subscription, trackingId: incident.trackingId! })),
  );
  for (const { subscription, trackingId } of pairs.slice(0, ASKED_MAX)) {
    try {
      found.push(...(await listImpacted(session, subscription, trackingId)));
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      // Not every subscription that we know of has the event; that says nothing of the others.
      if (error.status === 404) continue;
      faults.push(`Azure's list of hit resources could not be read (${error.message})`);
      break;
    }
  }
  return found;
}
