/** One look at one incident: what of ours it hits, what metrics and logs say of that, and the record of it. */
import type { GatherOptions } from './gather.ts';
import { gather } from './gather.ts';
import { tellLook, type Look, type TellOptions, type ToldLook } from './tell.ts';
import { blastRadius, type Hit } from '#src/core/estate.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import type { NearbyAlert, ResourceEvidence } from '#src/core/evidence.ts';
import { resourceEvidence, unknownEvidence } from '#src/core/evidence-resource.ts';
import { windowsOf } from '#src/core/evidence-window.ts';
import { readPlace } from '#src/db/estate.ts';
import { findNearbyAlerts, noteEvidenceRound, readEvidence, type DueEvidence } from '#src/db/evidence.ts';

export interface LookOptions extends TellOptions {
  estate: () => EstateView;
  gather: GatherOptions;
  /** The process is to end: what could not be read for that reason says nothing. */
  stopping: AbortSignal;
}

export interface LookResult extends ToldLook {
  resources: number;
  /** Why something could not be told, each once. */
  faults: string[];
}

/** After the end: metrics have settled by then, and most logs are in. */
const FINAL_AFTER_MS = 5 * 60_000;
/** While the estate is not known. */
const AGAIN_MS = 30_000;
/** While it is too early to tell. */
const EARLY_MS = 60_000;
const JITTER = 0.1;
/** An alert may fire some minutes before Microsoft's start of impact. */
const EARLIER_MS = 15 * 60_000;

/** Looks, and writes what came of it. Null where there was nothing to look at, or it is not yet time. */
export async function lookAt(incident: DueEvidence, options: LookOptions): Promise<LookResult | null> {
  const { everyMs } = options.gather.config;
  const nowMs = options.now().getTime();
  const over = incident.endedAt !== null;
  const later = (nextInMs: number, end = false): Promise<void> =>
    noteEvidenceRound(options.pool, { incidentId: incident.id, nextInMs, over: end });
  if (over && nowMs - Date.parse(incident.endedAt!) < FINAL_AFTER_MS) {
    await later(Date.parse(incident.endedAt!) + FINAL_AFTER_MS - nowMs);
    return null;
  }
  const { index } = options.estate();
  if (index === null && !over) {
    await later(Math.min(AGAIN_MS, everyMs));
    return null;
  }
  const nextInMs = everyMs * (1 + Math.random() * JITTER);
  const hits = index === null ? [] : blastRadius(index, await readPlace(options.pool, incident.id));
  if (hits.length === 0) {
    await later(nextInMs, over);
    return null;
  }
  const startedAt = incident.startedAt ?? incident.firstSeenAt;
  const windows = windowsOf({ startedAt, endedAt: incident.endedAt }, nowMs);
  const early = typeof windows === 'string';
  const alerts = await alertsOf(hits, options, {
    from: new Date(Date.parse(startedAt) - EARLIER_MS).toISOString(),
    to: incident.endedAt ?? new Date(nowMs).toISOString(),
  });
  const { found, kept } = early
    ? { found: hits.map((hit) => unknownEvidence(hit, windows, alerts.get(hit.resource.id) ?? [])), kept: [] }
    : await ask(hits, { incident, windows, alerts }, options);
  options.stopping.throwIfAborted();
  const told = await tellLook(
    {
      incident,
      found,
      kept,
      window: early ? null : windows.during,
      over,
      nextInMs: early ? Math.min(EARLY_MS, nextInMs) : nextInMs,
    },
    options,
  );
  return { ...told, resources: hits.length, faults: faultsOf([...found, ...kept]) };
}

async function ask(
  hits: readonly Hit[],
  known: {
    incident: DueEvidence;
    windows: Exclude<ReturnType<typeof windowsOf>, string>;
    alerts: ReadonlyMap<string, NearbyAlert[]>;
  },
  options: LookOptions,
): Promise<Pick<Look, 'found' | 'kept'>> {
  // Whoever was asked longest ago goes first, so that a small budget reaches everyone in turn.
  const rows = new Map((await readEvidence(options.pool, known.incident.id)).map((row) => [row.resource, row]));
  const age = (hit: Hit): string => rows.get(hit.resource.id)?.takenAt ?? '';
  const gathered = await gather(
    hits.toSorted((a, b) => (age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : 0)),
    known.windows,
    options.gather,
  );
  const [found, kept]: [ResourceEvidence[], ResourceEvidence[]] = [[], []];
  for (const hit of hits) {
    const { id } = hit.resource;
    const { skipped, ...told } = gathered.get(id)!;
    const alerts = known.alerts.get(id) ?? [];
    const evidence = resourceEvidence({ hit, windows: known.windows, ...told, alerts });
    // What was not asked this time keeps the word of last time, and its age.
    if (skipped) kept.push(rows.get(id)?.data ?? evidence);
    else found.push(evidence);
  }
  return { found, kept };
}

async function alertsOf(
  hits: readonly Hit[],
  { pool }: LookOptions,
  span: { from: string; to: string },
): Promise<Map<string, NearbyAlert[]>> {
  const rows = await findNearbyAlerts(pool, { resources: hits.map((hit) => hit.resource.id), ...span });
  const found = new Map<string, NearbyAlert[]>();
  for (const { resource, ...alert } of rows) found.set(resource, [...(found.get(resource) ?? []), alert]);
  return found;
}

/** Only what could not be read; that there are too few pulls is nobody's fault. */
function faultsOf(found: readonly ResourceEvidence[]): string[] {
  const reasons = found
    .flatMap((one) => one.checks.filter((check) => check.verdict === 'unknown'))
    .map((check) => check.reason);
  return [...new Set(reasons)].filter((reason) => /could not be read|in part only|used up/.test(reason));
}
