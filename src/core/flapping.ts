/**
 * `flapping: { changes: 4, within: 30m, quiet: 15m }`: an own alert that opened and ended so often is told once as
 * flapping, and once more when it has been quiet. Changes are judged across the episodes of one identity, by our receipt
 * clock; those before a quiet span are not counted any more (docs/adr/sustained-and-flapping.md).
 */
import { inOrder, type Report } from './alert-history.ts';

export interface FlappingRule {
  /** Openings and ends together. */
  changes: number;
  withinMs: number;
  quietMs: number;
  /** Holds for Sev0 and Sev1 as well. */
  severe: boolean;
}

export type FlappingVerdict =
  | { state: 'calm' }
  /** `changes`: of the last `withinMs` before the newest one. `untilMs`: the quiet moment, if nothing more happens. */
  | { state: 'flapping' | 'stopped'; changes: number; sinceMs: number; untilMs: number };

/** Judges the newest run of changes: those with less than `quietMs` between them. */
export function judgeFlapping(reports: readonly Report[], rule: FlappingRule, nowMs: number): FlappingVerdict {
  const turns = inOrder(reports)
    .filter((report) => report.turn && report.atMs <= nowMs)
    .map((report) => report.atMs);
  const last = turns.at(-1);
  if (last === undefined) return { state: 'calm' };
  const cut = turns.findLastIndex((atMs, index) => index > 0 && atMs - turns[index - 1]! >= rule.quietMs);
  const run = turns.slice(Math.max(cut, 0));
  const begun = run.find((atMs, index) => {
    const first = run[index - rule.changes + 1];
    return first !== undefined && atMs - first <= rule.withinMs;
  });
  if (begun === undefined) return { state: 'calm' };
  const untilMs = last + rule.quietMs;
  return {
    state: nowMs >= untilMs ? 'stopped' : 'flapping',
    changes: run.filter((atMs) => last - atMs <= rule.withinMs).length,
    sinceMs: begun,
    untilMs,
  };
}
