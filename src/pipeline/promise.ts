/** Who is promised what: routes are judged on the whole of each incident that a batch has touched. */
import { whyUnknown, type EstateView } from '#src/core/estate-facts.ts';
import { isOpen, type Growth, type Incident, type Scope, type TimelineDraft } from '#src/core/incident.ts';
import { matchesGlob } from '#src/core/route-condition.ts';
import { severityRank, type Signal } from '#src/core/signal.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { loadDestinations, type IngestBatch } from '#src/db/ingest.ts';
import type { Queryable } from '#src/db/pools.ts';
import type { newId } from '#src/ids.ts';
import { judgeRoutes } from './routing.ts';
import type { ScopeCache } from './scope-cache.ts';

export interface FoldBatchOptions {
  config(): RelayConfig;
  scopes: ScopeCache;
  /** What is known of our own resources; absent: nothing. */
  estate?(): EstateView;
  newId: typeof newId;
  now(): Date;
  /** Turns a signal that the store refused into one that it takes, with the reason. */
  quarantine(signal: Signal, error: Error): Signal;
}

/** An incident as the batch works on it. */
export interface Work {
  incident: Incident;
  scope: Scope;
  keys: Set<string>;
  addedScope: IngestBatch['scope'];
  created: boolean;
  material: boolean;
  grown: Growth;
  entries: TimelineDraft[];
  contextOnly: boolean;
  /** `traceparent` of the newest signal that was news; null without traces. */
  trace: string | null;
  /** A signal of this batch was folded into it; exact repeats leave it as it was. */
  touched: boolean;
}

/** Judges the routes on the whole of each incident, after the fold, scope growth included (design section 6). */
export async function promiseDeliveries(
  db: Queryable,
  works: Work[],
  batch: IngestBatch,
  { options, receivedAt }: { options: FoldBatchOptions; receivedAt: string },
): Promise<Set<string>> {
  const config = options.config();
  const older = works.filter((work) => !work.created).map((work) => work.incident.id);
  // By id: a destination that was renamed has been promised already (design section 4).
  const promised = new Map<string, Map<string, string>>();
  for (const row of older.length > 0 ? await loadDestinations(db, older) : []) {
    promised.set(row.incidentId, (promised.get(row.incidentId) ?? new Map()).set(row.destinationId, row.destination));
  }
  const rung = new Set<string>();
  for (const work of works) {
    const { incident } = work;
    const already = promised.get(incident.id) ?? new Map<string, string>();
    if (work.material && already.size > 0) {
      batch.wanted.push({
        incident_id: incident.id,
        revision: incident.revision,
        priority: priorityOf(work),
        ...(work.trace === null ? {} : { trace: work.trace }),
      });
      for (const destination of already.values()) rung.add(destination);
    }
    // Context such as an image push is told only where a route asks for changes by name.
    if (
      work.contextOnly &&
      !config.routes.some((route) => route.match.kind?.some((pattern) => matchesGlob(pattern, 'change')))
    )
      continue;
    const estate = options.estate?.();
    const decision = judgeRoutes(config, incident, work.scope, estate);
    const targets = decision.destinations.map((match) =>
      config.destinations.find((d) => d.name === match.destination)!,
    );
    const added = targets.filter((target) => !already.has(target.id));
    for (const target of added) {
      batch.deliveries.push({
        id: options.newId('dlv'),
        incident_id: incident.id,
        destination: target.name,
        destination_id: target.id,
        type: target.type,
        wanted_revision: incident.revision,
        priority: priorityOf(work),
        fallback_of: null,
        ...(work.trace === null ? {} : { trace: work.trace }),
      });
      rung.add(target.name);
    }
    if (added.length > 0 && decision.estateUnknown === true && config.estate !== null)
      work.entries.push(
        unknownEntry(incident, {
          why: estate
            ? (whyUnknown(estate, { kind: incident.kind, ...work.scope }) ?? '')
            : 'the estate has not been read yet',
          at: receivedAt,
        }),
      );
    if (added.length > 0 && (decision.unrouted || already.size > 0))
      work.entries.push(
        routedEntry(
          incident,
          added.map((target) => target.name),
          { unrouted: decision.unrouted, at: receivedAt },
        ),
      );
  }
  return rung;
}

function routedEntry(
  incident: Incident,
  destinations: string[],
  { unrouted, at }: { unrouted: boolean; at: string },
): TimelineDraft {
  const names = destinations.join(', ');
  const summary = unrouted ? `No route takes this incident: told to ${names}` : `Matched for the first time: ${names}`;
  return {
    at,
    kind: 'decision',
    revision: incident.revision,
    summary,
    data: { decision: unrouted ? 'unrouted' : 'routed', destinations },
    snapshot: null,
  };
}

/** Fail open, and say so (design 3.7). */
function unknownEntry(incident: Incident, { why, at }: { why: string; at: string }): TimelineDraft {
  const summary = `Whether our own resources are hit is unknown (${why}): everyone that the routes name is told`;
  return {
    at,
    kind: 'decision',
    revision: incident.revision,
    summary,
    data: { decision: 'estate-unknown', why },
    snapshot: null,
  };
}

/** Opens and resolves go before updates, severe before mild; 0 is the most pressing (design 3.6). */
function priorityOf(work: Work): number {
  const changes = work.entries.flatMap((entry) => (entry.snapshot ? [entry.snapshot.change] : []));
  const turns =
    work.created || changes.some((change) => change === 'open' || change === 'close' || change === 'reopen');
  return (
    (turns ? 0 : 10) +
    (3 - severityRank(work.incident.severity)) +
    (isOpen(work.incident.state) || !work.created ? 0 : 5)
  );
}
