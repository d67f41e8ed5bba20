/** Rows of the logs to checks: what registries answered by region and code, and which pods could not get their image. Pure. */
import type { Check } from './evidence.ts';
import { chartOf } from './evidence-chart.ts';
import { judgeCounts, type CountPoint } from './evidence-counts.ts';
import { judgeLevels, type LevelPoint } from './evidence-levels.ts';
import type { RegionPulls } from './evidence-regions.ts';
import { GRAIN_MS, type Windows } from './evidence-window.ts';

/** Requests of one registry with the same answer around one moment. */
export interface RegistryRow {
  /** Lower-cased id. */
  resource: string;
  atMs: number;
  region: string;
  operation: 'pull' | 'push' | 'login';
  /** HTTP status as the logs write it, a text. */
  code: string;
  count: number;
}

/** Pods of one cluster, or of any cluster that pulls from one registry, around one moment. */
export interface PodRow {
  resource: string;
  atMs: number;
  /** Null where only the failing ones are known. */
  pods: number | null;
  failed: number;
}

const NOUNS = { pull: 'pulls', push: 'pushes', login: 'sign-ins' } as const;

/** Only what the service itself is to blame for: an unknown tag (404) or a wrong password (401) is no outage. */
export function isServiceFailure(code: string): boolean {
  return /^5\d\d$/.test(code.trim()) || code.trim() === '429';
}

/** One check per operation that was seen at all. A moment without a request is a moment with none, not without data. */
export function registryChecks(rows: readonly RegistryRow[], windows: Windows, query: string): Check[] {
  return (['pull', 'push', 'login'] as const).flatMap((operation): Check[] => {
    const some = rows.filter((row) => row.operation === operation);
    if (some.length === 0) return [];
    const points = everyPoint(windows).map((atMs): CountPoint => ({ atMs, total: 0, failed: 0 }));
    const byTime = new Map(points.map((point) => [point.atMs, point]));
    for (const row of some) {
      const point = byTime.get(row.atMs);
      if (!point) continue;
      point.total! += row.count;
      if (isServiceFailure(row.code)) point.failed! += row.count;
    }
    const judged = judgeCounts(points, windows, NOUNS[operation]);
    const codes = codesInWords(some, judged.span);
    const drawn = chartOf(points, { windows, span: judged.span, how: 'sum' });
    const reason = judged.verdict === 'hit' && codes !== '' ? `${judged.reason}: ${codes}` : judged.reason;
    return [{ ...judged, reason, what: NOUNS[operation], source: 'logs', query, points: drawn }];
  });
}

/** Successful pulls by region. */
export function regionPulls(rows: readonly RegistryRow[]): RegionPulls[] {
  return rows
    .filter((row) => row.operation === 'pull' && /^[23]\d\d$/.test(row.code.trim()) && row.region !== '')
    .map(({ atMs, region, count }) => ({ atMs, region, pulls: count }));
}

/** Pods that cannot get their image. */
export function podCheck(rows: readonly PodRow[], windows: Windows, query: string): Check {
  const byTime = Map.groupBy(rows, (row) => row.atMs);
  const points = everyPoint(windows).map((atMs): LevelPoint => {
    const some = byTime.get(atMs) ?? [];
    const pods = some.map((row) => row.pods).filter((count) => count !== null);
    return {
      atMs,
      bad: some.reduce((sum, row) => sum + row.failed, 0),
      of: pods.length === 0 ? null : pods.reduce((sum, count) => sum + count, 0),
    };
  });
  const judged = judgeLevels(points, windows, { noun: 'pods', bad: 'without their image', rise: 1 });
  const drawn = points.map(({ atMs, bad, of }) => ({ atMs, total: of, failed: bad }));
  return {
    ...judged,
    what: 'pods',
    source: 'logs',
    query,
    points: chartOf(drawn, { windows, span: judged.span, how: 'highest' }),
  };
}

function everyPoint({ before, during, grain }: Windows): number[] {
  const [fromMs, toMs, width] = [Date.parse(before.from), Date.parse(during.to), GRAIN_MS[grain]];
  return Array.from({ length: Math.ceil((toMs - fromMs) / width) }, (_, index) => fromMs + index * width);
}

const CODES_MAX = 3;
const REGIONS_MAX = 3;

/** `503 in westeurope`: the commonest first. */
function codesInWords(rows: readonly RegistryRow[], span: { from: string; to: string } | null): string {
  const bad = rows.filter(
    (row) =>
      isServiceFailure(row.code) &&
      (span === null || (row.atMs >= Date.parse(span.from) && row.atMs < Date.parse(span.to))),
  );
  const most = (key: (row: RegistryRow) => string, max: number): string[] =>
    [...Map.groupBy(bad, key)]
      .map(([word, some]) => ({ word, count: some.reduce((sum, row) => sum + row.count, 0) }))
      .filter(({ word }) => word !== '')
      .sort((a, b) => b.count - a.count)
      .slice(0, max)
      .map(({ word }) => word);
  const [codes, regions] = [most((row) => row.code, CODES_MAX), most((row) => row.region, REGIONS_MAX)];
  if (codes.length === 0) return '';
  return regions.length === 0 ? codes.join(', ') : `${codes.join(', ')} in ${regions.join(', ')}`;
}
