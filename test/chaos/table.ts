/** The results as people read them. */
import type { ScenarioResult } from './scenario.ts';

const HEAD = ['scenario', 'footing', 'cycles', 'lost', 'duplicates', 'repeats', 'worst recovery', 'took', 'verdict'];

/** A plain table; broken promises and figures below it. */
export function resultTable(results: readonly ScenarioResult[]): string {
  const rows = results.map((one) => [
    one.scenario,
    one.footings,
    ...(one.skipped === null
      ? [
          String(one.sums.cycles),
          String(one.sums.lost),
          String(one.sums.duplicates),
          String(one.sums.repeats),
          one.worstRecoveryMs === null ? '-' : `${(one.worstRecoveryMs / 1000).toFixed(1)} s`,
        ]
      : ['-', '-', '-', '-', '-']),
    `${(one.durationMs / 1000).toFixed(1)} s`,
    one.skipped !== null
      ? `skipped: ${one.skipped}`
      : one.kept
        ? `kept (${one.promises} promises)`
        : `BROKEN (${one.broken.length})`,
  ]);
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  const details = results.flatMap((one) => [
    ...Object.entries(one.figures).map(([name, value]) => `${one.scenario}: ${name}: ${value}`),
    ...one.broken.map(
      ({ promise, times, seen }) => `${one.scenario}: BROKEN ${times} times: ${promise}: ${shorten(seen)}`,
    ),
  ]);
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line), '', ...details].join('\n');
}

function shorten(seen: unknown): string {
  const text = typeof seen === 'string' ? seen : (JSON.stringify(seen) ?? '');
  return text.length > 1_500 ? `${text.slice(0, 1_500)} ...` : text;
}
