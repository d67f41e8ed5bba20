/** Everything that was read about one resource, joined to its evidence. Pure. */
import type { Hit } from './estate.ts';
import {
  healthCheck,
  joinChecks,
  unknownCheck,
  type Check,
  type NearbyAlert,
  type ResourceEvidence,
  type Serving,
} from './evidence.ts';
import { metricChecks, type MetricSeries } from './evidence-metrics.ts';
import { geoAdvice, replicasOf, servingOf } from './evidence-regions.ts';
import { podCheck, registryChecks, regionPulls, type PodRow, type RegistryRow } from './evidence-rows.ts';
import { coarser, type Windows } from './evidence-window.ts';

/** Logs come in bins of at least this width, nodes too: a bin of a minute of every node of a month would be too many. */
export const LOG_GRAIN = 'PT5M';

/** What one source told of one resource, or why it could not. Null: the source is not asked at all. */
export interface Told<T> {
  rows: readonly T[];
  fault: string | null;
  /** As a person would ask. */
  query: string;
}

export interface ResourceFacts {
  hit: Hit;
  windows: Windows;
  /** Null where metrics are turned off. */
  metrics: Pick<Told<MetricSeries>, 'rows' | 'fault'> | null;
  /** Null where no workspace is configured, or the resource is none for it. */
  requests: Told<RegistryRow> | null;
  pods: Told<PodRow> | null;
  alerts: readonly NearbyAlert[];
}

/** Never throws: a source that failed is an unknown check beside the others. */
export function resourceEvidence(facts: ResourceFacts): ResourceEvidence {
  const { hit, windows, alerts } = facts;
  const { resource } = hit;
  const wide = coarser(windows, LOG_GRAIN);
  const checks: Check[] = [
    ...healthCheck(alerts),
    ...(facts.metrics === null
      ? []
      : metricChecks(resource.kind, {
          series: facts.metrics.rows,
          windows: resource.kind === 'cluster' ? wide : windows,
          fault: facts.metrics.fault,
        })),
    ...(facts.requests === null ? [] : requestChecks(facts.requests, wide)),
    ...(facts.pods === null ? [] : podChecks(resource.kind === 'cluster', facts.pods, wide)),
  ];
  const replicas = replicasOf(resource);
  const serving = replicas.length === 0 ? null : servingIn(facts.requests, wide);
  const joined = joinChecks(checks);
  const regions = hit.impacts.map((impact) => impact.region);
  return {
    resource: resource.id,
    name: resource.name,
    kind: resource.kind,
    ...joined,
    checks,
    alerts,
    serving,
    replicas,
    // What helps nobody whose pulls work is left out.
    advice: joined.verdict === 'hit' || serving?.moved ? geoAdvice(resource, regions, serving) : [],
  };
}

/** The evidence of a resource about which nothing can be asked yet. */
export function unknownEvidence(hit: Hit, reason: string, alerts: readonly NearbyAlert[]): ResourceEvidence {
  const { id, name, kind } = hit.resource;
  const checks = healthCheck(alerts);
  const { verdict } = joinChecks(checks);
  const why = checks[0]?.reason ?? reason;
  return {
    resource: id,
    name,
    kind,
    verdict,
    reason: why,
    checks,
    alerts,
    serving: null,
    replicas: replicasOf(hit.resource),
    advice: [],
  };
}

/** Of a part of the logs no move is told: what is missing may be all that one region has answered. */
function servingIn(requests: Told<RegistryRow> | null, windows: Windows): Serving | null {
  const serving = requests === null ? null : servingOf(regionPulls(requests.rows), windows);
  return serving === null || requests?.fault === null ? serving : { ...serving, moved: null };
}

function requestChecks({ rows, fault, query }: Told<RegistryRow>, windows: Windows): Check[] {
  const what = 'requests';
  if (rows.length > 0) {
    const checks = registryChecks(rows, windows, query);
    // Half of the rows can show a hit, and cannot show that there was none.
    return fault === null
      ? checks
      : checks.map((check) =>
          check.verdict === 'not seen'
            ? {
                ...check,
                verdict: 'unknown' as const,
                reason: `${check.reason}, but only a part of the logs came (${fault})`,
              }
            : check,
        );
  }
  const reason = fault ?? 'no requests in the logs: perhaps no diagnostic setting sends them to these workspaces';
  return [unknownCheck({ what, source: 'logs', query, reason })];
}

function podChecks(own: boolean, { rows, fault, query }: Told<PodRow>, windows: Windows): Check[] {
  if (rows.length > 0) {
    const check = podCheck(rows, windows, query);
    return fault !== null && check.verdict === 'not seen' ? [{ ...check, verdict: 'unknown', reason: fault }] : [check];
  }
  // Of a registry only failing pods are known: that there are none says nothing where nobody reports any.
  if (!own && fault === null) return [];
  const reason = fault ?? 'no pods in the logs: perhaps Container insights does not send to these workspaces';
  return own || fault !== null ? [unknownCheck({ what: 'pods', source: 'logs', query, reason })] : [];
}
