/** Series of the platform's metrics to checks (azure-signals 7.2). Pure. */
import type { ResourceKind } from './estate.ts';
import type { Check } from './evidence.ts';
import { unknownCheck } from './evidence.ts';
import { chartOf } from './evidence-chart.ts';
import { judgeCounts, pairCounts, type Value } from './evidence-counts.ts';
import { judgeLevels, type LevelPoint } from './evidence-levels.ts';
import type { Windows } from './evidence-window.ts';

/** One time series of one resource. */
export interface MetricSeries {
  /** Lower-cased id. */
  resource: string;
  metric: string;
  /** Lower-cased names and values of what the series is split by. */
  dimensions: Readonly<Record<string, string>>;
  points: readonly Value[];
  /** Why the metric could not be read for this resource; the series is empty then. */
  fault: string | null;
}

export const REGISTRY_METRICS = [
  'TotalPullCount',
  'SuccessfulPullCount',
  'TotalPushCount',
  'SuccessfulPushCount',
] as const;
export const NODE_METRIC = 'kube_node_status_condition';
/** Split by node: the mean over nodes of a level that is 1 would be 1, however many there are. */
export const NODE_FILTER = "condition eq 'Ready' and status2 eq '*' and node eq '*'";

/** Checks of a resource by its kind; `fault` is why nothing at all could be read. */
export function metricChecks(
  kind: ResourceKind,
  { series, windows, fault }: { series: readonly MetricSeries[]; windows: Windows; fault: string | null },
): Check[] {
  const what = kind === 'registry' ? 'pulls' : 'nodes';
  const query = kind === 'registry' ? pairName('Pull') : NODE_METRIC;
  if (fault !== null) return [unknownCheck({ what, source: 'metrics', query, reason: fault })];
  return kind === 'registry'
    ? [countCheck('Pull', series, windows), countCheck('Push', series, windows)].filter((check) => check !== null)
    : [nodeCheck(series, windows)];
}

function pairName(operation: 'Pull' | 'Push'): string {
  return `Total${operation}Count - Successful${operation}Count`;
}

/** There is no metric of failures: they are what is left of the total. Null for pushes where there were none to judge. */
function countCheck(operation: 'Pull' | 'Push', series: readonly MetricSeries[], windows: Windows): Check | null {
  const noun = operation === 'Pull' ? 'pulls' : 'pushes';
  const query = pairName(operation);
  const [total, successful] = [`Total${operation}Count`, `Successful${operation}Count`].map((name) =>
    series.find((one) => one.metric === name),
  );
  const fault = total?.fault ?? successful?.fault ?? null;
  if (fault !== null) return unknownCheck({ what: noun, source: 'metrics', query, reason: fault });
  const points = pairCounts(total?.points ?? [], successful?.points ?? []);
  const judged = judgeCounts(points, windows, noun);
  // Few people push in the middle of an outage; that nothing can be told of it is not worth a line.
  if (operation === 'Push' && judged.verdict === 'unknown') return null;
  return {
    ...judged,
    what: noun,
    source: 'metrics',
    query,
    points: chartOf(points, { windows, span: judged.span, how: 'sum' }),
  };
}

function nodeCheck(series: readonly MetricSeries[], windows: Windows): Check {
  const mine = series.filter((one) => one.metric === NODE_METRIC);
  const fault = mine.find((one) => one.fault !== null)?.fault ?? null;
  if (fault !== null) return unknownCheck({ what: 'nodes', source: 'metrics', query: NODE_METRIC, reason: fault });
  const seen = new Map<number, { bad: Set<string>; all: Set<string> }>();
  for (const { points, dimensions } of mine) {
    const node = dimensions['node'] ?? '';
    const ready = dimensions['status2'] === 'ready';
    for (const { atMs, value } of points) {
      if (value === null || value <= 0) continue;
      const at = seen.get(atMs) ?? { bad: new Set(), all: new Set() };
      seen.set(atMs, at);
      at.all.add(node);
      if (!ready) at.bad.add(node);
    }
  }
  const points = [...seen].map(([atMs, { bad, all }]): LevelPoint => ({ atMs, bad: bad.size, of: all.size }));
  const judged = judgeLevels(points, windows, { noun: 'nodes', bad: 'not ready', rise: 1 });
  const drawn = points.map(({ atMs, bad, of }) => ({ atMs, total: of, failed: bad }));
  return {
    ...judged,
    what: 'nodes',
    source: 'metrics',
    query: `${NODE_METRIC} (${NODE_FILTER})`,
    points: chartOf(drawn, { windows, span: judged.span, how: 'highest' }),
  };
}
