/**
 * The delivery lane of one destination: finds what is due, claims it, calls the adapter, writes the outcome; until
 * nothing is due (design 3.3 to 3.6). Lanes share nothing but the database, so a destination that hangs holds nobody
 * else's slots. A lane is drained by a ring, by the reconciler, or by itself when a call has ended and more is wanted.
 */
import type { Outcome, Step } from '#src/core/adapter.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { failpoint } from '#src/failpoint.ts';
import { BREAKER_AFTER, recordFailure, recordSuccess } from '#src/db/destinations.ts';
import { claim, postpone, hold, skip, type Completed, type Completion } from '#src/db/deliveries.ts';
import { findDue, type DueDelivery } from '#src/db/due.ts';
import type { Pool } from 'pg';
import { completionFor } from './completion.ts';
import { judge, type Claimable } from './judge.ts';
import { createPacer, type Pacer } from './pacer.ts';
import { buildStep, stepKey, vendorKey } from './step.ts';
import { loadScope } from '#src/db/ingest.ts';
import { scopeOf, type ScopeCache } from './scope-cache.ts';

/** What an adapter call needs from outside; app.ts brings it. */
export type CallAdapter = (
  destination: Destination,
  step: Step,
  call: {
    vendorKey: string;
    stepKey: string;
    memo: DueDelivery['memo'];
    settling: boolean;
    signal: AbortSignal;
    /** False once the lease may be another's: then no further request may go out. Absent: there is no lease. */
    held?: () => boolean;
  },
) => Promise<Outcome>;

export interface LaneOptions {
  pool: Pool;
  config(): RelayConfig;
  scopes: ScopeCache;
  /** What is known of our own resources; absent: nothing. */
  estate?(): EstateView;
  holder: string;
  /** The process's leases hold, as far as it can know. */
  holds(): boolean;
  call: CallAdapter;
  /** Batched with the completions of all lanes. */
  complete(completion: Completion): Promise<Completed | null>;
  onAttempt(attempt: AttemptNews): void;
  onError(error: Error, context: Record<string, unknown>): void;
  now(): Date;
}

export interface AttemptNews {
  destination: string;
  type: string;
  delivery: string;
  incident: string;
  number: number;
  action: string;
  covers: readonly [number, number];
  outcome: Outcome['outcome'];
  reason: string;
  durationMs: number;
  /** From the first sight of the incident to its first accepted receipt at this destination, seconds; else null. */
  firstPageS: number | null;
}

export interface Lane {
  /** Works until nothing is due or `limitMs` is over; calls that are under way go on. */
  drain(limitMs: number): Promise<void>;
  /** Breaks off the calls under way: their leases are lost. */
  abort(reason: Error): void;
  /** Aborts calls that are under way and waits for their outcomes, at most `limitMs`. */
  stop(limitMs: number): Promise<void>;
  readonly inFlight: number;
}

/** Later tries are left to the reconciler: by then this process may not be the one that lives. */
const WAKE_MAX_MS = 60_000;

/** Opens the lane of a destination. The destination's settings are read anew from the config for every batch. */
export function createLane(name: string, options: LaneOptions): Lane {
  const aborts = new Set<AbortController>();
  const calls = new Set<Promise<void>>();
  let stopping = false;
  let running: Promise<void> | null = null;
  let again = false;
  let pacer: Pacer | null = null;
  let failing = false;
  let wake: { at: number; timer: NodeJS.Timeout } | null = null;
  let successWrittenMs = -Infinity;

  /** The next try is ours if we are still here; the reconciler would come a second late. One timer, for the earliest. */
  function wakeIn(delayMs: number): void {
    const at = performance.now() + delayMs + 5;
    if (stopping || delayMs > WAKE_MAX_MS || (wake && wake.at <= at)) return;
    if (wake) clearTimeout(wake.timer);
    const timer = setTimeout(() => {
      wake = null;
      void drain(5_000).catch((error: unknown) => options.onError(error as Error, { destination: name }));
    }, delayMs + 5);
    wake = { at, timer };
  }

  function destination(): Destination | undefined {
    return options.config().destinations.find((d) => d.name === name);
  }

  async function drain(limitMs: number): Promise<void> {
    again = true;
    running ??= work(limitMs).finally(() => (running = null));
    await running;
  }

  async function work(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs;
    while (again && !stopping && performance.now() < end) {
      again = false;
      const target = destination();
      if (!target)
        return options.onError(new Error(`deliveries for "${name}", which the config does not name`), {
          destination: name,
        });
      const free = target.concurrency - calls.size;
      // A quarter of the slots at a time: claims of one row each would cost more statements than calls.
      if (free < Math.max(1, target.concurrency / 4)) {
        await Promise.race(calls);
        again = true;
        continue;
      }
      if ((await startBatch(target, free)) > 0) again = true;
    }
  }

  /** Plans what is due and starts the calls. Returns how many deliveries moved. */
  async function startBatch(target: Destination, limit: number): Promise<number> {
    const found = await findDue(options.pool, name, limit);
    // Only a success that is written clears it: a look that finds nothing due says nothing about the destination.
    failing ||= (found[0]?.failures ?? 0) > 0;
    // After failures in a row only one probe at a time goes out.
    const probing = (found[0]?.failures ?? 0) >= BREAKER_AFTER;
    if (probing && calls.size > 0) return 0;
    const due = probing ? found.slice(0, 1) : found;
    if (due.length === 0) return 0;
    const { skips, waits, holds, steps } = judge(target, due, {
      config: options.config(),
      nowMs: options.now().getTime(),
    });
    if (skips.length > 0) await skip(options.pool, skips);
    if (waits.length > 0) await postpone(options.pool, waits);
    if (holds.length > 0) await hold(options.pool, holds);
    if (steps.length === 0) return skips.length;
    const claims = steps.map(({ row, plan: p }) => ({
      id: row.id,
      fence: row.fence,
      action: p.action,
      covers_from: p.covers[0],
      covers_to: p.covers[1],
      is_repeat: p.repeat,
    }));
    const fences = await claim(options.pool, options.holder, claims);
    await warmScopes(steps.map(({ row }) => row));
    for (const { row, plan: p } of steps) {
      const fence = fences.get(row.id);
      if (fence !== undefined) start(target, row, { plan: p, fence });
    }
    return fences.size + skips.length;
  }

  async function warmScopes(rows: DueDelivery[]): Promise<void> {
    const missing = rows
      .filter((row) => !options.scopes.getAtLeast(row.incidentId, row.incident.scopeCount))
      .map((row) => row.incidentId);
    if (missing.length === 0) return;
    const loaded = Map.groupBy(await loadScope(options.pool, [...new Set(missing)]), (row) => row.incidentId);
    for (const [id, scopeRows] of loaded) options.scopes.put(id, scopeOf(scopeRows));
  }

  function start(target: Destination, row: DueDelivery, claimed: { plan: Claimable; fence: number }): void {
    const running = attempt(target, row, claimed)
      .catch((error: unknown) => options.onError(error as Error, { destination: name, delivery: row.id }))
      .finally(() => calls.delete(running));
    calls.add(running);
  }

  async function attempt(
    target: Destination,
    row: DueDelivery,
    claimed: { plan: Claimable; fence: number },
  ): Promise<void> {
    const { plan: planned, fence } = claimed;
    const covers = planned.covers;
    const scope = options.scopes.getAtLeast(row.incidentId, row.incident.scopeCount)?.scope ?? scopeOf([]).scope;
    const estate = options.estate?.();
    const step = buildStep(options.config(), row, { plan: planned, scope, ...(estate ? { estate } : {}) });
    const started = performance.now();
    failpoint('delivery.before-call');
    const outcome: Outcome =
      planned.do === 'giveUp'
        ? {
            outcome: 'permanent',
            reason: 'unexpected',
            detail: 'no answer twice and the vendor cannot tell: not sent a third time',
          }
        : await call(target, row, { step, settling: planned.settling });
    failpoint('delivery.after-call');
    const completion = completionFor(target, row, { step, outcome, fence, nowMs: options.now().getTime() });
    const completed = await options.complete(completion);
    await remember(target, outcome);
    const firstPageS = completed?.firstAcceptedNow
      ? (options.now().getTime() - Date.parse(completed.createdAt)) / 1000
      : null;
    options.onAttempt({
      destination: name,
      type: target.type,
      delivery: row.id,
      incident: row.incidentId,
      number: fence,
      action: step.action,
      covers,
      outcome: outcome.outcome,
      reason: outcome.outcome === 'accepted' ? 'ok' : outcome.reason,
      durationMs: performance.now() - started,
      firstPageS,
    });
    if (outcome.outcome !== 'accepted' && completion.state === 'retrying') wakeIn(completion.delay_ms);
    if (completed?.more && !stopping) {
      if (running) again = true;
      else void drain(5_000).catch((error: unknown) => options.onError(error as Error, { destination: name }));
    }
  }

  async function call(
    target: Destination,
    row: DueDelivery,
    { step, settling }: { step: Step; settling: boolean },
  ): Promise<Outcome> {
    const abort = new AbortController();
    aborts.add(abort);
    try {
      pacer = target.rate && !options.config().passThrough ? (pacer ?? createPacer(target.rate)) : null;
      await pacer?.turn(abort.signal);
      return await options.call(target, step, {
        vendorKey: vendorKey(options.config().relayId, row.incident, target.id),
        stepKey: stepKey(row.id, step),
        memo: row.memo,
        settling,
        signal: abort.signal,
        held: () => options.holds(),
      });
    } finally {
      aborts.delete(abort);
    }
  }

  async function remember(target: Destination, outcome: Outcome): Promise<void> {
    if (outcome.outcome === 'accepted') {
      // One write in five seconds is enough to show health; after failures the first success is written at once.
      const nowMs = performance.now();
      if (!failing && nowMs - successWrittenMs < 5_000) return;
      successWrittenMs = nowMs;
      failing = false;
      return recordSuccess(options.pool, target.name);
    }
    failing = true;
    if (outcome.reason === 'aborted') return;
    const disable = outcome.outcome === 'permanent' && outcome.disableDestination === true;
    // A message that the vendor refuses says nothing about the destination.
    if (outcome.outcome === 'permanent' && !disable) return;
    const pauseMs =
      outcome.outcome === 'retryable' && outcome.reason === 'rate-limited' ? (outcome.retryAfterMs ?? 30_000) : 0;
    await recordFailure(options.pool, target.name, { reason: outcome.reason, pauseMs, disable });
  }

  return {
    drain,
    abort(reason) {
      for (const abort of aborts) abort.abort(reason);
    },
    async stop(limitMs) {
      stopping = true;
      if (wake) clearTimeout(wake.timer);
      for (const abort of aborts) abort.abort(new Error('the relay is stopping'));
      const all = Promise.allSettled(calls);
      await Promise.race([all, new Promise((resolve) => setTimeout(resolve, limitMs).unref())]);
    },
    get inFlight() {
      return calls.size;
    },
  };
}
