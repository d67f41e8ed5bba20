/** Drift: what changed in the ways to us since the last audit. Pure. New ways are no finding; lost and altered ones are. */
import type { Audit } from './coverage.ts';
import type { CoveragePath } from './coverage-paths.ts';

/** Sentences by subscription; only for those that both audits could tell something of. */
export function driftOf(before: Audit | null, after: Audit): Map<string, string[]> {
  const changes = new Map<string, string[]>();
  if (before === null) return changes;
  const known = new Map(before.subscriptions.map((row) => [row.subscription, row]));
  for (const row of after.subscriptions) {
    const old = known.get(row.subscription);
    // What could not be told has not changed; its ways are those of the last time.
    if (!old || row.status === 'unknown') continue;
    const now = new Map(row.paths.map((path) => [path.key, path]));
    const said = old.paths.flatMap((path) => pathChanges(path, now.get(path.key)));
    if (said.length > 0) changes.set(row.subscription, said);
  }
  return changes;
}

function pathChanges(before: CoveragePath, after: CoveragePath | undefined): string[] {
  const where = before.group === null ? before.rule : `${before.rule} by ${before.group}`;
  if (after === undefined) return [`${where}: no longer leads to us`];
  const pairs: [string, string, string][] = [
    ['address', before.to, after.to],
    ['secure webhook', yes(before.secure), yes(after.secure)],
    ['event types', listed(before.types), listed(after.types)],
    ['services', listed(before.services), listed(after.services)],
    ['regions', listed(before.regions), listed(after.regions)],
    ['other conditions', listed(before.narrowed) || 'none', listed(after.narrowed) || 'none'],
    ['obstacles', listed(before.obstacles) || 'none', listed(after.obstacles) || 'none'],
  ];
  return pairs.filter(([, old, now]) => old !== now).map(([what, old, now]) => `${where}: ${what} ${old} → ${now}`);
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** Order is no difference. */
function listed(values: readonly string[] | null): string {
  return values === null ? 'all' : values.toSorted().join(', ');
}
