/**
 * The auditor: no accepted signal may be without its deliveries. It judges the routes again, on what the store holds, and looks
 * for deliveries that are due and that nobody comes for. It reads only; what it finds is for people.
 */
import type { RelayConfig } from '#src/config/types.ts';
import { matchesGlob } from '#src/core/route-condition.ts';
import { OWNERS, type Route } from '#src/core/route.ts';
import { readForAudit, type AuditedIncident } from '#src/db/audit.ts';
import type { Queryable } from '#src/db/pools.ts';
import { judgeRoutes } from '../routing.ts';

/** What can be wrong, each with the ids of at most 20 examples. */
export interface Findings {
  /** Signals that were accepted and are in no incident. */
  lost: string[];
  /** Incidents of which a destination that the routes name was promised nothing, as `destination incident`. */
  unpromised: string[];
  /** Incidents whose newest revision a delivery does not want, as `destination incident`. */
  behind: string[];
  /** Deliveries that are due and that nobody works on, as `destination delivery`. */
  overdue: string[];
}

export const FINDINGS = ['lost', 'unpromised', 'behind', 'overdue'] as const satisfies readonly (keyof Findings)[];

export interface AuditTimes {
  /** How far back signals are looked at, milliseconds. */
  backMs: number;
  /** Younger signals are left alone. */
  graceMs: number;
  /** A delivery may be due for so long. */
  dueMs: number;
  /** And for so long while its destination answers others. */
  busyMs: number;
}

/** Signals of one audit, at most: the newest count. */
const SIGNALS_MAX = 1_000;
const EXAMPLES_MAX = 20;

/** One audit. `configAgeMs`: since the config came into force here; what was judged before was judged by another. */
export async function audit(
  db: Queryable,
  config: RelayConfig,
  { times, configAgeMs }: { times: AuditTimes; configAgeMs: number },
): Promise<Findings> {
  const { backMs, graceMs, dueMs, busyMs } = times;
  const read = await readForAudit(
    db,
    { fromMs: backMs, untilMs: graceMs, dueMs, busyMs, limit: SIGNALS_MAX },
    {
      destinations: config.destinations.map((destination) => destination.name),
      paced: config.destinations.filter((one) => one.rate !== null).map((one) => one.name),
    },
  );
  const judged = routesThatBind(config);
  const findings: Findings = { lost: read.lost, unpromised: [], behind: [], overdue: read.overdue };
  for (const incident of read.incidents) {
    for (const delivery of incident.deliveries)
      if (delivery.wantedRevision < incident.revision) findings.behind.push(`${delivery.destinationId} ${incident.id}`);
    if (incident.newestAgeMs >= configAgeMs) continue;
    const promised = new Set(incident.deliveries.map((delivery) => delivery.destinationId));
    for (const name of owed(judged, incident)) {
      const { id } = config.destinations.find((destination) => destination.name === name)!;
      if (!promised.has(id)) findings.unpromised.push(`${name} ${incident.id}`);
    }
  }
  for (const kind of FINDINGS) findings[kind] = findings[kind].slice(0, EXAMPLES_MAX);
  return findings;
}

interface Binding {
  config: RelayConfig;
  /** Whether some routes were left out, so that a match of none says nothing. */
  partial: boolean;
  /** Whether changes that are mere context are told at all (pipeline/promise.ts). */
  tellsChanges: boolean;
}

/**
 * The routes whose verdict now is that of the fold: those that ask the estate may have been answered otherwise then, and
 * what comes after one of them that stops cannot be known.
 */
function routesThatBind(config: RelayConfig): Binding {
  const routes: Route[] = [];
  for (const route of config.routes) {
    const asks = route.match.tag !== undefined || route.match.estate !== undefined || route.to.includes(OWNERS);
    if (!asks) routes.push(route);
    else if (route.stop) break;
  }
  return {
    config: { ...config, routes },
    partial: routes.length < config.routes.length,
    tellsChanges: config.routes.some((route) => route.match.kind?.some((pattern) => matchesGlob(pattern, 'change'))),
  };
}

function owed({ config, partial, tellsChanges }: Binding, incident: AuditedIncident): string[] {
  if (incident.kind === 'change' && !tellsChanges) return [];
  const all = <T>(pick: (row: AuditedIncident['scope'][number]) => T | null): T[] =>
    incident.scope.map(pick).filter((value) => value !== null);
  const scope = {
    impacts: all(({ service, region }) => (service === '' ? null : { service, region })),
    subscriptions: [...new Set(all(({ subscription }) => subscription || null))],
    resources: [...new Set(all(({ resource }) => resource || null))],
    sources: [...new Set(all(({ source }) => source || null))],
  };
  const { destinations, unrouted } = judgeRoutes(config, incident, scope);
  return unrouted && partial ? [] : destinations.map((match) => match.destination);
}
