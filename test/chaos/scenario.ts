/** What a scenario is, what it may ask of the harness, and what it reports. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from './random.ts';

export interface Scenario {
  name: string;
  /** Where it runs, in words for the table. */
  footings: string;
  /** Why it cannot run on this machine; null when it can. */
  missing?(): string | null;
  run(context: Context): Promise<void>;
}

export interface Context {
  readonly long: boolean;
  readonly seed: number;
  readonly random: Random;
  /** The first number in the short form, the second in the long one; a share of the long form is never less than the short one. */
  size(short: number, long: number): number;
  /** A promise, whether it was kept, and what was seen if not. */
  promise(words: string, kept: boolean, seen?: unknown): void;
  /** Adds to a sum: `lost`, `duplicates`, `repeats`, `cycles`. */
  add(sum: keyof Sums, count: number): void;
  /** Kept if it is the longest so far. */
  recovery(ms: number): void;
  /** A figure that is reported and never judged. */
  figure(name: string, value: number | string): void;
  /** Run at the end of the scenario, in reverse order, whatever happens. */
  onEnd(cleanup: () => Promise<unknown>): void;
  /** Progress for people, on standard error. */
  say(words: string): void;
}

export interface Sums {
  cycles: number;
  /** Signals that were answered with 2xx and are not on the record, and deliveries that did not become level. */
  lost: number;
  /** Second pages and tickets. */
  duplicates: number;
  /** Cards and mails that came twice and say so. */
  repeats: number;
}

export interface ScenarioResult {
  scenario: string;
  footings: string;
  skipped: string | null;
  kept: boolean;
  /** `seen` is of the first time. */
  broken: { promise: string; times: number; seen: unknown }[];
  promises: number;
  sums: Sums;
  worstRecoveryMs: number | null;
  figures: Record<string, number | string>;
  durationMs: number;
}

/** Longest that a scenario may take, short and long form; beyond that something hangs, which is a finding. */
const LIMIT_MS = { short: 600_000, long: 3 * 3_600_000 };

/** Runs one scenario and takes down what it put up. Never throws: an exception is a broken promise. */
export async function runScenario(
  scenario: Scenario,
  { seed, long, share }: { seed: number; long: boolean; share: number },
): Promise<ScenarioResult> {
  const started = performance.now();
  const cleanups: (() => Promise<unknown>)[] = [];
  const kept = new Set<string>();
  const result: ScenarioResult = {
    scenario: scenario.name,
    footings: scenario.footings,
    skipped: scenario.missing?.() ?? null,
    kept: true,
    broken: [],
    promises: 0,
    sums: { cycles: 0, lost: 0, duplicates: 0, repeats: 0 },
    worstRecoveryMs: null,
    figures: {},
    durationMs: 0,
  };
  const promise = (words: string, held: boolean, seen?: unknown): void => {
    kept.add(words);
    if (held) return;
    const known = result.broken.find((one) => one.promise === words);
    if (known) known.times++;
    else result.broken.push({ promise: words, times: 1, seen: seen ?? null });
  };
  const context: Context = {
    seed,
    long,
    random: createRandom(seed),
    size: (short, inLong) => (long ? Math.max(short, Math.round(inLong * share)) : short),
    promise,
    add: (sum, count) => void (result.sums[sum] += count),
    recovery: (ms) => void (result.worstRecoveryMs = Math.max(result.worstRecoveryMs ?? 0, Math.round(ms))),
    figure: (name, value) => void (result.figures[name] = typeof value === 'number' ? rounded(value) : value),
    onEnd: (cleanup) => void cleanups.push(cleanup),
    say: (words) => void process.stderr.write(`  ${scenario.name}: ${words}\n`),
  };
  if (result.skipped === null) {
    const limitMs = long ? LIMIT_MS.long : LIMIT_MS.short;
    const timer = new AbortController();
    const late = sleep(limitMs, null, { signal: timer.signal }).then(() => {
      throw new Error(`did not end within ${limitMs / 1000} s`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([scenario.run(context), late]);
    } catch (error) {
      promise('the scenario ends by itself', false, (error as Error).stack ?? String(error));
    }
    timer.abort();
    for (const cleanup of cleanups.toReversed()) {
      await cleanup().catch((error: unknown) => promise('nothing is left behind', false, String(error)));
    }
  }
  result.promises = kept.size;
  result.kept = result.broken.length === 0;
  result.durationMs = Math.round(performance.now() - started);
  return result;
}

function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

/** Waits until `ready` says yes, looking every `everyMs`; false when it did not within `limitMs`. */
export async function until(ready: () => boolean | Promise<boolean>, limitMs: number, everyMs = 50): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!(await ready())) {
    if (performance.now() >= end) return false;
    await sleep(everyMs);
  }
  return true;
}
