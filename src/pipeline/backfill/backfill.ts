/**
 * Push and pull reconciled (design 3.7): at the start, after every span in which Azure could not reach us, and every few
 * minutes, what Azure has published is compared with what we hold.
 */
import { beat, forgetBeats, recordGap } from '#src/db/gaps.ts';
import type { Asked } from './azure-list.ts';
import { runRound, type Round, type RoundOptions, type RoundResult } from './round.ts';

export interface BackfillTimes {
  /** Between beats; a row holds a minute of them. */
  beatMs: number;
  /** A span of 503 is over when none was answered for this long. */
  refusedQuietMs: number;
  /** Pause after a round that failed, and while another replica is at it. */
  againMs: number;
}

export interface BackfillOptions extends Omit<RoundOptions, 'signal' | 'listsAsked'> {
  /** Names this process among the beats. */
  process: string;
  onRound: (result: RoundResult, durationMs: number) => void;
  onError: (error: Error, context: Record<string, unknown>) => void;
  times?: Partial<BackfillTimes>;
}

export interface Backfill {
  start(): void;
  stop(): Promise<void>;
  /** A sender was answered 503. */
  refused(): void;
  /** Asks for a whole round now; resolves when it has begun or waits its turn. `since` in ISO 8601 UTC. */
  request(since: string | null): void;
  /** Why the last round was not whole, or null; null before the first. */
  readonly fault: string | null;
  /** A round is under way or waits. */
  readonly busy: boolean;
  /** When this process last compared everything, milliseconds since 1970; 0 before. */
  readonly okAtMs: number;
}

const TIMES: BackfillTimes = { beatMs: 20_000, refusedQuietMs: 10_000, againMs: 30_000 };
const BEATS_KEPT_DAYS = 40;
/** An hour of beats. */
const FORGET_EVERY = 180;
/** Rounds of several replicas shall not start at once. */
const JITTER = 0.1;

/** Sets everything up; nothing runs before `start`. Beats go on without `azure`, so that gaps are known from then on. */
export function createBackfill(options: BackfillOptions): Backfill {
  const times = { ...TIMES, ...options.times };
  const abort = new AbortController();
  const listsAsked: Asked = new Map();
  let beating: NodeJS.Timeout | undefined;
  let next: NodeJS.Timeout | undefined;
  let refusedSpan: { fromMs: number; toMs: number } | null = null;
  let wanted: Round | null = { kind: 'full', since: null, only: null, begunAt: null };
  let left: { only: readonly string[]; begunAt: string } | null = null;
  let running: Promise<void> | null = null;
  /** A round was asked for since the last one began. */
  let asked = false;
  let fault: string | null = null;
  let okAtMs = 0;
  let pulses = 0;

  async function pulse(): Promise<void> {
    try {
      await beat(options.pool, options.process);
      await noteRefused();
      if (pulses++ % FORGET_EVERY === 0) await forgetBeats(options.pool, BEATS_KEPT_DAYS);
    } catch (error) {
      options.onError(error as Error, { what: 'beat' });
    }
    if (!abort.signal.aborted) beating = setTimeout(() => void pulse(), times.beatMs);
  }

  async function noteRefused(): Promise<void> {
    const span = refusedSpan;
    if (span === null || options.now().getTime() - span.toMs < times.refusedQuietMs) return;
    const [from, to] = [new Date(span.fromMs).toISOString(), new Date(span.toMs).toISOString()];
    await recordGap(options.pool, { key: `refused/${from}`, from, to, cause: 'refused' });
    if (refusedSpan === span) refusedSpan = null;
    request(null);
  }

  function request(since: string | null): void {
    wanted = { kind: 'full', since: earlier(wanted?.since ?? null, since), only: null, begunAt: null };
    asked = true;
    schedule(0);
  }

  function schedule(delayMs: number): void {
    clearTimeout(next);
    if (!abort.signal.aborted) next = setTimeout(() => void tick(), delayMs);
  }

  async function tick(): Promise<void> {
    if (running) return;
    const { backfill } = options.config();
    if (backfill === null) return schedule(times.againMs);
    const rest: Round =
      left === null
        ? { kind: 'quick', since: null, only: null, begunAt: null }
        : { kind: 'full', since: null, ...left };
    const round = wanted ?? rest;
    wanted = null;
    asked = false;
    const attempted = attempt(round);
    running = attempted.then(() => undefined).finally(() => (running = null));
    const usualMs = backfill.everyMs * (1 + Math.random() * JITTER);
    const soonMs = Math.min(times.againMs, backfill.everyMs);
    const usual = (await attempted) === 'again' ? soonMs : usualMs;
    schedule(asked ? 0 : usual);
  }

  async function attempt(round: Round): Promise<'done' | 'again'> {
    const started = performance.now();
    try {
      const result = await runRound({ ...options, listsAsked, signal: abort.signal }, round);
      if (result !== null) {
        left = result.left.length > 0 ? { only: result.left, begunAt: result.begunAt } : null;
        fault = result.faults.length > 0 ? result.faults.join('; ') : null;
        if (!result.incomplete) okAtMs = Date.now();
        options.onRound(result, performance.now() - started);
        return result.soon ? 'again' : 'done';
      }
    } catch (error) {
      if (abort.signal.aborted) return 'done';
      fault = (error as Error).message;
      options.onError(error as Error, { what: 'back-fill' });
    }
    // Another replica is at it, which may not do what was wanted here; or it failed.
    if (round.kind === 'full')
      wanted = wanted === null ? round : { ...wanted, since: earlier(wanted.since, round.since) };
    return 'again';
  }

  return {
    start() {
      void pulse().then(() => schedule(0));
    },
    async stop() {
      abort.abort();
      clearTimeout(beating);
      clearTimeout(next);
      await running;
    },
    refused() {
      const nowMs = options.now().getTime();
      refusedSpan = { fromMs: refusedSpan?.fromMs ?? nowMs, toMs: nowMs };
    },
    request,
    get fault() {
      return fault;
    },
    get busy() {
      return running !== null || wanted !== null;
    },
    get okAtMs() {
      return okAtMs;
    },
  };
}

function earlier(a: string | null, b: string | null): string | null {
  return a === null || b === null ? (a ?? b) : a < b ? a : b;
}
