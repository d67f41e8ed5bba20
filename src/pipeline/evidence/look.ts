/** One look at one incident: what of ours it hits, what metrics and logs say of that, and the record of it. */
import type { GatherOptions } from './gather.ts';
import { gather } from './gather.ts';
import { tellLook, type Look, type TellOptions, type ToldLook } from './tell.ts';
import { blastRadius, type Hit } from '#src/core/estate.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import type { NearbyAlert, ResourceEvidence } from '#src/core/evidence.ts';
import { resourceEvidence, unknownEvidence } from '#src/core/evidence-resource.ts';
import { PAST_MS, windowsOf } from '#src/core/evidence-window.ts';
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
/** After the end, while Azure cannot answer: with `every` at 5 minutes an hour. Then what is unknown stays so. */
const TRIES_MAX = 12;
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
  if (index === null && !(over && nowMs - Date.parse(incident.endedAt!) > PAST_MS)) {
    await later(Math.min(AGAIN_MS, everyMs));
    return null;
  }
  const startedAt = incident.startedAt ?? incident.firstSeenAt;
  // A maintenance that was called off has no time that could be asked for.
  if (over && startedAt >= incident.endedAt!) {
    await later(everyMs, true);
    return null;
  }
  const nextInMs = everyMs * (1 + Math.random() * JITTER);
  const hits = index === null ? [] : blastRadius(index, await readPlace(options.pool, incident.id));
  if (hits.length === 0) {
    await later(nextInMs, over);
    return null;
  }
  const windows = windowsOf({ startedAt, endedAt: incident.endedAt }, nowMs);
  const early = typeof windows === 'string';
  const alerts = await alertsOf(hits, options, {
    from: new Date(Date.parse(startedAt) - EARLIER_MS).toISOString(),
    to: incident.endedAt ?? new Date(nowMs).toISOString(),
  });
  const wholeBudget = options.gather.metrics.budget.calls === 0;
  const { found, kept, left, again } = early
    ? {
        found: hits.map((hit) => unknownEvidence(hit, windows, alerts.get(hit.resource.id) ?? [])),
        kept: [],
        left: 0,
        again: new Map<string, number>(),
      }
    : await ask(hits, { incident, windows, alerts }, options);
  // Whom a whole budget does not reach, the next one will not reach either.
  const last = over && again.size === 0 && (left === 0 || (wholeBudget && found.length === 0));
  options.stopping.throwIfAborted();
  const told = await tellLook(
    {
      incident,
      found,
      kept,
      again,
      window: early ? null : windows.during,
      last,
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
): Promise<Pick<Look, 'found' | 'kept' | 'again'> & { left: number }> {
  const { id: incidentId, endedAt } = known.incident;
  const rows = new Map((await readEvidence(options.pool, incidentId)).map((row) => [row.resource, row]));
  // After the end once is enough: should the budget not reach everyone, the next look asks the others only.
  const asked = (hit: Hit): boolean => endedAt !== null && rows.get(hit.resource.id)?.memory?.endedAt === endedAt;
  const wanted = hits.filter((hit) => !asked(hit));
  // Whoever was asked longest ago goes first, so that a small budget reaches everyone in turn.
  const age = (hit: Hit): string => rows.get(hit.resource.id)?.takenAt ?? '';
  const gathered = await gather(
    wanted.toSorted((a, b) => (age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : 0)),
    known.windows,
    options.gather,
  );
  const found: ResourceEvidence[] = [];
  const kept = hits.filter(asked).map((hit) => rows.get(hit.resource.id)!.data);
  const again = new Map<string, number>();
  let left = 0;
  for (const hit of wanted) {
    const { id } = hit.resource;
    const { skipped, failed, ...told } = gathered.get(id)!;
    const tries = (rows.get(id)?.memory?.tries ?? 0) + 1;
    if (endedAt !== null && failed && !skipped && tries < TRIES_MAX) again.set(id, tries);
    const alerts = known.alerts.get(id) ?? [];
    const evidence = resourceEvidence({ hit, windows: known.windows, ...told, alerts });
    // What was not asked this time keeps the word of last time, and its age.
    if (skipped) kept.push(rows.get(id)?.data ?? evidence);
    else found.push(evidence);
    left += skipped ? 1 : 0;
  }
  return { found, kept, left, again };
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
