/**
 * Canary, auditor and heartbeat (design section 2). One process at a time sends canaries, for all: a lease in Postgres says
 * which. While Postgres is away nobody sends and nobody beats, and whoever waits for the beat outside hears of it by its absence.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { HeartbeatConfig, RelayConfig } from '#src/config/types.ts';
import { CANARY_HOPS } from '#src/core/canary.ts';
import {
  dropCanaryLease,
  forgetCanaries,
  forgetReceivers,
  holdCanaryLease,
  readWatch,
  recordAudit,
  recordBeat,
  type CanaryWatch,
} from '#src/db/canary.ts';
import { createHttpClient } from '#src/http/client.ts';
import { audit, type AuditTimes, type Findings } from './audit.ts';
import { doorsOf } from './doors.ts';
import { runRound, type RunResult } from './round.ts';
import { whyNotWell, withAge } from './verdict.ts';

export interface CanaryTimes extends AuditTimes {
  /** Between two looks at the lease, at most. */
  tickMs: number;
  /** A process that has not looked for so long is no longer the sender. */
  leaseMs: number;
  /** Canaries are kept for so long. */
  keepMs: number;
}

export const CANARY_TIMES: CanaryTimes = {
  tickMs: 2_000,
  leaseMs: 10_000,
  keepMs: 3_600_000,
  backMs: 10 * 60_000,
  graceMs: 5_000,
  dueMs: 60_000,
  busyMs: 15 * 60_000,
};

export interface CanaryOptions {
  pool: Pool;
  /** With the built-in destination. */
  config: () => RelayConfig;
  /** Name of this process in the lease. */
  process: string;
  /** Where this process listens; null before it does. */
  own: () => string | null;
  now: () => Date;
  onRun(run: RunResult): void;
  onAudit(findings: Findings): void;
  /** `withheld`: not well, so none was sent. */
  onBeat(result: 'sent' | 'failed' | 'withheld', detail: string | null): void;
  onError: (error: Error, context: Record<string, unknown>) => void;
  times?: Partial<CanaryTimes>;
}

export interface Canary {
  start(): void;
  /** Lets another process go on at once. */
  stop(): Promise<void>;
  /** The config has changed: what older signals were promised was judged by another. */
  renew(): void;
  /** What is known, as of now; null before the first round or without a canary. */
  view(): CanaryWatch | null;
  /** Why the last look failed; null when it did not. */
  fault(): string | null;
}

const FORGET_MAX = 500;
/** Longer than a beat may take. */
const LOOK_MS = 15_000;
/** A ping is a word, not a transfer. */
const BEAT_TIMEOUT_MS = 10_000;
/** A beat that failed, or was withheld, is tried again so soon. */
const BEAT_AGAIN_MS = 10_000;

/** Nothing runs before `start`. */
export function createCanary(options: CanaryOptions): Canary {
  const { pool, config, process, onError } = options;
  const times = { ...CANARY_TIMES, ...options.times };
  const ending = new AbortController();
  let known: { watch: CanaryWatch; atMs: number } | null = null;
  let fault: string | null = null;
  let configSince = performance.now();
  let cleanAt = 0;
  let round: Promise<void> | null = null;
  let looping: Promise<void> | null = null;

  async function look(): Promise<void> {
    const now = config();
    const own = options.own();
    if (now.canary === null) {
      known = null;
      // What an earlier config has sent leaves at once, for its destination is gone; later what other relays send to a hub of ours.
      if (performance.now() >= cleanAt && (await forgetCanaries(pool, { keepMs: 0, limit: FORGET_MAX })) === 0)
        cleanAt = performance.now() + times.keepMs / 6;
      return;
    }
    if (own === null) return;
    cleanAt = 0;
    const beatEveryMs = now.heartbeat?.everyMs ?? now.canary.everyMs;
    const lease = await holdCanaryLease(pool, process, {
      leaseMs: times.leaseMs,
      everyMs: now.canary.everyMs,
      beatEveryMs,
      retryMs: Math.min(BEAT_AGAIN_MS, beatEveryMs),
    });
    if (lease.mine && lease.roundDue && round === null)
      round = runWhole(now, own).finally(() => {
        round = null;
      });
    await see();
    if (lease.mine && lease.beatDue && now.heartbeat !== null && known !== null)
      await beat(now, now.heartbeat, known.watch);
  }

  /** A database that takes connections and says nothing must not stop the looking for good. */
  async function inTime(looking: Promise<void>): Promise<void> {
    looking.catch(() => undefined);
    const late = new AbortController();
    const limit = sleep(LOOK_MS, undefined, { signal: late.signal, ref: false }).then(() => {
      throw new Error('the database does not answer');
    });
    limit.catch(() => undefined);
    await Promise.race([looking, limit]).finally(() => late.abort());
  }

  async function see(): Promise<void> {
    const watch = await readWatch(pool);
    known = watch === null ? null : { watch, atMs: performance.now() };
  }

  /** One canary by each door, then the audit, then out with what is old. */
  async function runWhole(now: RelayConfig, own: string): Promise<void> {
    try {
      const doors = doorsOf(now, { own, now: options.now });
      await forgetReceivers(
        pool,
        doors.map((door) => door.receiver),
      );
      const runs = doors.map((door) => ({ door, id: randomBytes(12).toString('hex') }));
      const limits = {
        withinMs: now.canary!.withinMs,
        builtIn: now.canary!.destination === null,
        signal: ending.signal,
      };
      for (const result of await runRound(pool, runs, { ...limits, hops: CANARY_HOPS })) options.onRun(result);
      const findings = await audit(pool, now, { times, configAgeMs: performance.now() - configSince });
      await recordAudit(pool, { ...findings });
      options.onAudit(findings);
      await forgetCanaries(pool, { keepMs: times.keepMs, limit: FORGET_MAX });
    } catch (error) {
      if (!ending.signal.aborted) onError(error as Error, { part: 'canary' });
    }
  }

  async function beat(now: RelayConfig, heartbeat: HeartbeatConfig, watch: CanaryWatch): Promise<void> {
    const why = whyNotWell(watch, now.canary!);
    // The first round is still under way: neither well nor unwell.
    if (why === 'pending') return;
    if (why !== null) {
      await recordBeat(pool, `withheld: ${why}`);
      return options.onBeat('withheld', why);
    }
    const failed = await ping(heartbeat, now);
    await recordBeat(pool, failed);
    options.onBeat(failed === null ? 'sent' : 'failed', failed);
  }

  /** Null where the other side has taken it. */
  async function ping({ url, method }: HeartbeatConfig, { egress }: RelayConfig): Promise<string | null> {
    const client = createHttpClient({ egress });
    try {
      const call = client.call({ signal: ending.signal, deadlineMs: BEAT_TIMEOUT_MS });
      const answer = await call({ method, url });
      if (!answer.answered) return `no answer: ${answer.reason}`;
      return answer.status >= 200 && answer.status < 300 ? null : `it answered ${answer.status}`;
    } finally {
      await client.close();
    }
  }

  async function loop(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        await inTime(look());
        fault = null;
      } catch (error) {
        // Said once: the same every two seconds says no more.
        if (fault === null && !ending.signal.aborted) onError(error as Error, { part: 'canary' });
        fault = 'the database does not answer: no canary is sent';
      }
      const everyMs = config().canary?.everyMs ?? Infinity;
      await sleep(Math.min(times.tickMs, everyMs / 2), undefined, { signal: ending.signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  return {
    start() {
      looping ??= loop();
    },
    async stop() {
      ending.abort();
      await looping;
      await round;
      await dropCanaryLease(pool, process).catch(() => undefined);
    },
    renew() {
      configSince = performance.now();
    },
    view: () => (known === null ? null : withAge(known.watch, (performance.now() - known.atMs) / 1000)),
    fault: () => fault,
  };
}
