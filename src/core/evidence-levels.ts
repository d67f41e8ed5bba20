/** Levels: how many nodes are not ready, how many pods cannot get their image. Pure. */
import { clockOf, countInWords, type Tally } from './evidence.ts';
import type { Judgement } from './evidence-counts.ts';
import { GRAIN_MS, isWithin, lengthMs, windowOf, type Window, type Windows } from './evidence-window.ts';

/** How many are bad, out of how many where that is known. Null: no data for this point. */
export interface LevelPoint {
  atMs: number;
  bad: number | null;
  of: number | null;
}

export interface LevelWords {
  /** In the plural: `nodes`. */
  noun: string;
  /** `not ready`. */
  bad: string;
  /** Rise above the highest of before that counts. */
  rise: number;
}

/** A single high point is a restart; two in a row are a state. */
const IN_A_ROW = 2;

/**
 * Judges a series that covers both windows: hit when more were bad, at two points in a row, than ever in the same time
 * before. The tallies are the highest level of each window, not sums.
 */
export function judgeLevels(points: readonly LevelPoint[], windows: Windows, words: LevelWords): Judgement {
  const [inside, outside] = [known(points, windows.during), known(points, windows.before)];
  const [during, before] = [highest(inside), highest(outside)];
  const base = { during, before, span: null };
  const { noun, bad, rise } = words;
  if (inside.length === 0)
    return { ...base, verdict: 'unknown', reason: `no data on ${noun} in the time of the incident` };
  const over = inside.map((point) => point.bad! >= before.failed + rise);
  const runs = over.flatMap((high, index) =>
    high && over.slice(index, index + IN_A_ROW).every(Boolean) && index + IN_A_ROW <= over.length ? [index] : [],
  );
  if (runs.length > 0) {
    const [first, last] = [inside[runs[0]!]!, inside[runs.at(-1)! + IN_A_ROW - 1]!];
    const span = windowOf(first.atMs, Math.min(last.atMs + GRAIN_MS[windows.grain], Date.parse(windows.during.to)));
    const most = highest(inside.filter((point) => isWithin(point.atMs, span)));
    const when = `from ${clockOf(span.from, span.to)} to ${clockOf(span.to)} UTC`;
    const reason = `up to ${level(most, noun)} ${bad} ${when} (at most ${countInWords(before.failed)} in the same time before)`;
    return { during: most, before, span, verdict: 'hit', reason };
  }
  const expected = Math.max(1, Math.round(lengthMs(windows.during) / GRAIN_MS[windows.grain]));
  const share = inside.length / expected;
  if (share < 0.6)
    return { ...base, verdict: 'unknown', reason: `data on ${noun} for ${Math.round(share * 100)} % of the time only` };
  const reason = `at most ${level(during, noun)} ${bad} (${countInWords(before.failed)} in the same time before)`;
  return { ...base, verdict: 'not seen', reason };
}

function known(points: readonly LevelPoint[], window: Window): LevelPoint[] {
  return points.filter((point) => point.bad !== null && isWithin(point.atMs, window)).sort((a, b) => a.atMs - b.atMs);
}

function highest(points: readonly LevelPoint[]): Tally {
  return {
    total: points.reduce((most, point) => Math.max(most, point.of ?? 0), 0),
    failed: points.reduce((most, point) => Math.max(most, point.bad ?? 0), 0),
  };
}

function level({ total, failed }: Tally, noun: string): string {
  return total > 0 ? `${countInWords(failed)} of ${countInWords(total)} ${noun}` : `${countInWords(failed)} ${noun}`;
}
