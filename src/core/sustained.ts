/**
 * `sustained: 3 of 5 in 10m`: an own alert notifies once 3 of its last 5 observations within 10 minutes were firing.
 * Azure reports a stateful alert when it changes and is silent in between (azure-signals 3), so silence while it is open
 * counts too: every period (window / of, here 2 minutes) without a word is one more firing observation. So what stays
 * open is told after (times - 1) periods, here 4 minutes: always before the window is over.
 */
import { inOrder, spansOf, type Report, type Span } from './alert-history.ts';

export interface SustainedRule {
  /** So many firing observations, */
  times: number;
  /** out of so many of the newest, */
  of: number;
  /** none of them older than this. */
  inMs: number;
  /** Holds for Sev0 and Sev1 as well. */
  severe: boolean;
}

export type SustainedVerdict =
  | { sustained: true; atMs: number }
  /** `untilMs`: when it will be, should it stay as it is; null where it is over. */
  | { sustained: false; untilMs: number | null; firing: number; seen: number };

interface Observation {
  atMs: number;
  firing: boolean;
}

/**
 * Judges the newest span of an episode. An episode that the history does not hold counts as sustained: we cannot say
 * that it is not (design 3.7).
 */
export function judgeSustained(
  reports: readonly Report[],
  rule: SustainedRule,
  { episode, nowMs }: { episode: number; nowMs: number },
): SustainedVerdict {
  const ordered = inOrder(reports);
  const spans = spansOf(ordered);
  const span = spans.findLast((one) => one.episode === episode);
  if (!span) return { sustained: true, atMs: nowMs };
  const seen = observations(ordered, spans, { span, rule });
  const found = seen.find((one) => isSustained(one.atMs, seen, rule) && one.atMs >= span.fromMs);
  // Arithmetic says that there always is one while the span lasts; should it be wrong, the window's end decides.
  const atMs = Math.min(found?.atMs ?? Infinity, span.fromMs + rule.inMs);
  if (atMs <= Math.min(nowMs, span.toMs)) return { sustained: true, atMs };
  const now = newest(Math.min(nowMs, span.toMs), seen, rule);
  const over = span.toMs <= nowMs;
  return {
    sustained: false,
    untilMs: over ? null : atMs,
    firing: now.filter((one) => one.firing).length,
    seen: now.length,
  };
}

/** Reports, and a firing observation for every period of silence within a span; up to one window after this span began. */
function observations(
  ordered: readonly Report[],
  spans: readonly Span[],
  { span, rule }: { span: Span; rule: SustainedRule },
): Observation[] {
  const periodMs = rule.inMs / rule.of;
  const [fromMs, toMs] = [span.fromMs - rule.inMs, span.fromMs + rule.inMs];
  const told = ordered.filter((one) => one.atMs > fromMs && one.atMs <= toMs);
  const silent = spans.flatMap((one) => {
    const beats = [
      one.fromMs,
      ...ordered.filter((r) => !r.turn && r.atMs > one.fromMs && r.atMs < one.toMs).map((r) => r.atMs),
    ];
    return beats.flatMap((beat, index) => {
      const end = Math.min(beats[index + 1] ?? one.toMs, toMs + 1);
      // What lies before the window is skipped by arithmetic: a span may be months long.
      const skipped = Math.max(0, Math.floor((fromMs - beat) / periodMs));
      const made: Observation[] = [];
      for (let n = skipped + 1; beat + n * periodMs < end; n++) made.push({ atMs: beat + n * periodMs, firing: true });
      return made;
    });
  });
  return [...told, ...silent.filter((one) => one.atMs > fromMs)].sort((a, b) => a.atMs - b.atMs);
}

function newest(atMs: number, seen: readonly Observation[], rule: SustainedRule): Observation[] {
  return seen.filter((one) => one.atMs <= atMs && one.atMs > atMs - rule.inMs).slice(-rule.of);
}

function isSustained(atMs: number, seen: readonly Observation[], rule: SustainedRule): boolean {
  return newest(atMs, seen, rule).filter((one) => one.firing).length >= rule.times;
}
