/**
 * Counts of what succeeds and fails (pulls, pushes, sign-ins): more failures in the time of the incident than chance
 * and the time before explain? Pure. A registry always has some failures (a job that asks for a tag that is gone), so
 * never the number alone decides, but its rise.
 */
import { clockOf, countInWords, type Tally, type Verdict } from './evidence.ts';
import { GRAIN_MS, isWithin, lengthMs, windowOf, type Window, type Windows } from './evidence-window.ts';

/** One point of a series; null where either half is missing. */
export interface CountPoint {
  atMs: number;
  total: number | null;
  failed: number | null;
}

export interface Judgement {
  verdict: Verdict;
  reason: string;
  during: Tally;
  before: Tally;
  /** From the first to the last stretch with too many failures. */
  span: Window | null;
}

/** Fewer say nothing about a region. */
const TOTAL_MIN = 10;
const FAILED_MIN = 3;
/** Two percentage points above the time before. */
const RISE_MIN = 0.02;
/** Standard deviations above chance: of the whole window, and of one of its many stretches. */
const SURE = 3;
const SURE_OF_ONE = 4;
/** With nothing to compare with. */
const SHARE_MIN_ALONE = 0.1;
/** A stretch: long enough for some pulls, short enough to find an hour within days. */
const STRETCH_MS = 15 * 60_000;
const STRETCHES_MAX = 480;
/** A pause must be so many times the longest one of before. */
const QUIET_TIMES = 2;
const RUN_GAP_MS = 60 * 60_000;

/** Pairs two metrics point by point. A point that only one of them has is missing, not a failure. */
export function pairCounts(total: readonly Value[], successful: readonly Value[]): CountPoint[] {
  const ok = new Map(successful.map((point) => [point.atMs, point.value]));
  return total.map(({ atMs, value }) => {
    const good = ok.get(atMs) ?? null;
    // The two are counted apart, and the second may run ahead by one at the edge of a minute.
    return {
      atMs,
      total: good === null ? null : value,
      failed: value === null || good === null ? null : Math.max(0, value - good),
    };
  });
}

export interface Value {
  atMs: number;
  value: number | null;
}

/** Judges a series that covers both windows. `noun` in the plural: `pulls`. */
export function judgeCounts(points: readonly CountPoint[], windows: Windows, noun: string): Judgement {
  const inside = known(points, windows.during);
  const outside = known(points, windows.before);
  const [during, before] = [tally(inside), tally(outside)];
  const base = { during, before, span: null };
  if (inside.length === 0) {
    const then = outside.length > 0 ? `, and ${countInWords(before.total)} ${noun} in the same time before` : '';
    return { ...base, verdict: 'unknown', reason: `no data on ${noun} in the time of the incident${then}` };
  }
  const worst = worstRun(inside, before, windows);
  if (worst !== null || isExcess(during, before, SURE)) {
    const shown = worst?.span ?? windows.during;
    const then = known(
      points,
      windowOf(Date.parse(windows.during.from) - lengthMs(shown), Date.parse(windows.during.from)),
    );
    const numbers = { during: tally(known(inside, shown)), before: tally(then) };
    const more = worst && worst.others > 0 ? `, and at ${worst.others} other time${worst.others === 1 ? '' : 's'}` : '';
    return { ...numbers, span: shown, verdict: 'hit', reason: `${hitWords(numbers, shown, noun)}${more}` };
  }
  const share = coverage(inside, windows.during, windows);
  if (share < 0.6 && share < 0.75 * coverage(outside, windows.before, windows))
    return {
      ...base,
      verdict: 'unknown',
      reason: `data on ${noun} for ${Math.round(share * 100)} % of the time only`,
    };
  if (during.total < TOTAL_MIN) return { ...base, verdict: 'unknown', reason: fewWords(during, before, noun) };
  const silent = silence(inside, outside, windows);
  if (silent !== null) {
    const when = `from ${clockOf(silent.from, silent.to)} to ${clockOf(silent.to)} UTC`;
    return { ...base, verdict: 'unknown', reason: `no ${noun} at all ${when}; ${fewWords(during, before, noun)}` };
  }
  const compared = `${failedOf(during, noun)} (${failedOf(before, noun, true)} in the same time before)`;
  if (during.failed >= FAILED_MIN && rise(during, before) >= RISE_MIN)
    return { ...base, verdict: 'unknown', reason: `${compared}: more, but too few to tell from chance` };
  return { ...base, verdict: 'not seen', reason: compared };
}

function known(points: readonly CountPoint[], window: Window): CountPoint[] {
  return points.filter((point) => point.total !== null && point.failed !== null && isWithin(point.atMs, window));
}

function tally(points: readonly CountPoint[]): Tally {
  return points.reduce(
    (sum, point) => ({ total: sum.total + (point.total ?? 0), failed: sum.failed + (point.failed ?? 0) }),
    { total: 0, failed: 0 },
  );
}

/** What share of its points a window has. */
function coverage(points: readonly CountPoint[], window: Window, { grain }: Windows): number {
  const expected = Math.round(lengthMs(window) / GRAIN_MS[grain]);
  return expected === 0 ? 0 : Math.min(1, points.length / expected);
}

/**
 * Who cannot reach a registry asks nothing of it, and nothing fails: a stretch without a single request that the time before
 * has not seen the like of, and in which requests were to be expected, shows no hit, and cannot show that there was none.
 */
function silence(inside: readonly CountPoint[], outside: readonly CountPoint[], windows: Windows): Window | null {
  const width = GRAIN_MS[windows.grain];
  const quiet = longestQuiet(inside, width);
  if (quiet === null || lengthMs(quiet) < STRETCH_MS) return null;
  const usual = longestQuiet(outside, width);
  if (usual !== null && lengthMs(quiet) < QUIET_TIMES * lengthMs(usual)) return null;
  const expected = (tally(outside).total / lengthMs(windows.before)) * lengthMs(quiet);
  return expected >= TOTAL_MIN ? quiet : null;
}

function longestQuiet(points: readonly CountPoint[], width: number): Window | null {
  let [longest, run]: [CountPoint[], CountPoint[]] = [[], []];
  for (const point of points.toSorted((a, b) => a.atMs - b.atMs)) {
    run = point.total === 0 ? [...run, point] : [];
    if (run.length > longest.length) longest = run;
  }
  const [first, last] = [longest[0], longest.at(-1)];
  return first && last ? windowOf(first.atMs, last.atMs + width) : null;
}

interface Worst {
  span: Window;
  /** Runs of bad stretches beside this one. */
  others: number;
}

/**
 * An hour in which every second pull failed is one per cent of four days: so it is looked for stretch by stretch. Bad
 * stretches within an hour of each other are one run; of several the one with the most failures is told.
 */
function worstRun(inside: readonly CountPoint[], before: Tally, { during: window, grain }: Windows): Worst | null {
  const width = Math.max(STRETCH_MS, Math.ceil(lengthMs(window) / STRETCHES_MAX / STRETCH_MS) * STRETCH_MS);
  const fromMs = Date.parse(window.from);
  const stretches = [...Map.groupBy(inside, (point) => Math.floor((point.atMs - fromMs) / width))]
    .filter(([, points]) => isExcess(tally(points), before, SURE_OF_ONE))
    .sort(([a], [b]) => a - b);
  const runs: { last: number; points: CountPoint[] }[] = [];
  for (const [index, points] of stretches) {
    const run = runs.at(-1);
    if (run && (index - run.last - 1) * width <= RUN_GAP_MS) {
      run.last = index;
      run.points.push(...points);
    } else runs.push({ last: index, points: [...points] });
  }
  const failures = ({ points }: { points: CountPoint[] }): number => tally(points).failed;
  const worst = runs.toSorted((one, other) => failures(other) - failures(one))[0];
  if (!worst) return null;
  // A stretch is cut where the clock cuts it; what people read begins and ends with the failures.
  const isBad = (point: CountPoint): boolean => shareOf(tally([point])) >= shareOf(before) + RISE_MIN / 2;
  const [first, last] = [worst.points.find(isBad)!, worst.points.findLast(isBad)!];
  const span = windowOf(first.atMs, Math.min(last.atMs + GRAIN_MS[grain], Date.parse(window.to)));
  return { span, others: runs.length - 1 };
}

/** Enough failures, enough more of them than before, and more than chance makes of two shares that are the same. */
function isExcess(now: Tally, before: Tally, sure: number): boolean {
  if (now.failed < FAILED_MIN) return false;
  if (before.total === 0) return now.total >= TOTAL_MIN && now.failed / now.total >= SHARE_MIN_ALONE;
  if (rise(now, before) < RISE_MIN) return false;
  const pooled = (now.failed + before.failed) / (now.total + before.total);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / now.total + 1 / before.total));
  // Everything failed, before as well: no rise, and never here.
  return deviation === 0 ? false : rise(now, before) / deviation >= sure;
}

function rise(now: Tally, before: Tally): number {
  return shareOf(now) - shareOf(before);
}

function shareOf({ total, failed }: Tally): number {
  return total === 0 ? 0 : failed / total;
}

function hitWords({ during, before }: { during: Tally; before: Tally }, span: Window, noun: string): string {
  const when = `from ${clockOf(span.from, span.to)} to ${clockOf(span.to)}`;
  const then =
    before.total === 0 ? 'nothing to compare with before' : `${failedOf(before, noun, true)} in the same time before`;
  return `${failedOf(during, noun)} ${when} UTC (${then})`;
}

function fewWords(during: Tally, before: Tally, noun: string): string {
  const some = during.total === 0 ? `no ${noun}` : `only ${countInWords(during.total)} ${noun}`;
  const then = `${countInWords(before.total)} in the same time before`;
  return `${some} in the time of the incident, ${then}`;
}

/** `412 of 1,900 pulls failed`; `short` leaves the noun out. */
function failedOf({ total, failed }: Tally, noun: string, short = false): string {
  return short
    ? `${countInWords(failed)} of ${countInWords(total)}`
    : `${countInWords(failed)} of ${countInWords(total)} ${noun} failed`;
}
