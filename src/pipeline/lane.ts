/**
 * The delivery lane of one destination: finds what is due, claims it, calls the adapter, writes the outcome; until
 * nothing is due (design 3.3 to 3.6). Lanes share nothing but the database, so a destination that hangs holds nobody
 * else's slots. A lane is drained by a ring, by the reconciler, or by itself when a call has ended and more is wanted.
 */
import type { Outcome } from '#src/core/adapter.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { traceFields } from '#src/core/trace.ts';
import { failpoint } from '#src/failpoint.ts';
import { nextDelayMs } from '#src/core/retry.ts';
import { BREAKER_AFTER } from '#src/db/destinations.ts';
import { claim, postpone, hold, skip, type Completed, type Completion } from '#src/db/deliveries.ts';
import { findDue, type DueDelivery } from '#src/db/due.ts';
import type { Pool } from 'pg';
import { completionFor } from './completion.ts';
import { judge, type Claimable } from './judge.ts';
import { markFlappingSteps, openDamping, settleFlapping, withRemark } from './damping.ts';
import { createGiveBack } from './give-back.ts';
import { createLaneCalls, type CallAdapter } from './lane-calls.ts';
import { createLaneHealth } from './lane-health.ts';
import { buildStep } from './step.ts';
import { loadScope } from '#src/db/ingest.ts';
import { scopeOf, type ScopeCache } from './scope-cache.ts';
import { openSilences } from './silence-of.ts';
import { openStandby, type StandingByOptions } from './standby/standing-by.ts';

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
  /** For whose sake standby destinations keep quiet; absent: there is none. */
  peer?: StandingByOptions['peer'];
  onUntold?: StandingByOptions['onUntold'];
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
  identity: string;
  traceId?: string;
  number: number;
  action: string;
  covers: readonly [number, number];
  outcome: Outcome['outcome'];
  reason: string;
  /** HTTP or SMTP status of the answer, where there was one. */
  status: number | null;
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
  /** More is due than it can start, and its vendor is not what it waits for. */
  readonly behind: boolean;
}

/** A vendor that answers within this is not what a lane waits for. */
const QUICK_MS = 100;
/** Later tries are left to the reconciler: by then this process may not be the one that lives. */
const WAKE_MAX_MS = 60_000;

/** What is held back is looked at again no sooner. */
const HOLD_LOOK_MS = 100;

/** Opens the lane of a destination. The destination's settings are read anew from the config for every batch. */
export function createLane(name: string, options: LaneOptions): Lane {
  const vendor = createLaneCalls(options);
  const health = createLaneHealth(options.pool, name);
  const giveBack = createGiveBack({
    pool: options.pool,
    holder: options.holder,
    stopping: () => stopping,
    onError: (error, context) => options.onError(error, { destination: name, ...context }),
  });
  const calls = new Set<Promise<void>>();
  let stopping = false;
  let running: Promise<void> | null = null;
  let again = false;
  let wake: { at: number; timer: NodeJS.Timeout } | null = null;
  /** The last look found as much as it asked for. */
  let full = false;
  /** Moving mean of the vendor's answers. */
  let callMs = 0;

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
    health.saw(found[0]?.failures ?? 0);
    // After failures in a row only one probe at a time goes out.
    const probing = (found[0]?.failures ?? 0) >= BREAKER_AFTER;
    full = !probing && found.length >= limit;
    if (probing && calls.size > 0) return 0;
    const due = probing ? found.slice(0, 1) : found;
    if (due.length === 0) return 0;
    const now = { config: options.config(), nowMs: options.now().getTime() };
    const silenceOf = await openSilences(target, due, { ...options, ...now, warm: () => warmScopes(due) });
    await openDamping(target, due, { ...options, ...now, warm: () => warmScopes(due) });
    if (target.standby) await openStandby(target, due, { ...options, ...now });
    const { skips, waits, holds, steps } = judge(target, due, { ...now, silenceOf });
    if (skips.length > 0) await skip(options.pool, skips);
    // What has to wait makes room for what is due behind it: that must not wait for the next look.
    const later =
      (waits.length > 0 ? await postpone(options.pool, waits) : 0) +
      (holds.length > 0 ? await hold(options.pool, holds) : 0);
    // The clock of the database decides: where it is behind ours we would look without a pause.
    for (const { until } of holds) wakeIn(Math.max(HOLD_LOOK_MS, Date.parse(until) - now.nowMs));
    if (steps.length === 0) return skips.length + later;
    const claims = steps.map(({ row, plan: p }) => ({
      id: row.id,
      fence: row.fence,
      action: p.action,
      covers_from: p.covers[0],
      covers_to: p.covers[1],
      is_repeat: p.repeat,
    }));
    await markFlappingSteps(options.pool, steps, (error, context) => options.onError(error, context));
    await warmScopes(steps.map(({ row }) => row));
    // From here on nothing may fail before the call: the process lives on, and what it holds nobody else may take.
    const fences = await claim(options.pool, options.holder, claims).catch((error: unknown) => {
      giveBack.perhaps(claims.map(({ id, fence }) => ({ id, fence: fence + 1 })));
      throw error;
    });
    for (const { row, plan: p } of steps) {
      const fence = fences.get(row.id);
      if (fence !== undefined) start(target, row, { plan: p, fence });
    }
    return fences.size + skips.length + later;
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
    const held = { id: row.id, fence: claimed.fence };
    giveBack.began(held);
    const running = attempt(target, row, claimed)
      .finally(() => giveBack.ended(held))
      .catch(async (error: unknown) => {
        options.onError(error as Error, { destination: name, delivery: row.id });
        const delayMs = nextDelayMs(target.retry, row.tries + 1, { random: Math.random() });
        await giveBack.now(held, delayMs);
        wakeIn(delayMs);
      })
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
    const built = buildStep(options.config(), row, { plan: planned, scope, ...(estate ? { estate } : {}) });
    const step = withRemark(built, row);
    const started = performance.now();
    failpoint('delivery.before-call');
    const outcome: Outcome =
      planned.do === 'giveUp'
        ? {
            outcome: 'permanent',
            reason: 'unexpected',
            detail: 'no answer twice and the vendor cannot tell: not sent a third time',
          }
        : await vendor.call(target, row, { step, settling: planned.settling });
    callMs += (performance.now() - started - callMs) / 16;
    failpoint('delivery.after-call');
    const completion = completionFor(target, row, { step, outcome, fence, nowMs: options.now().getTime() });
    const completed = await options.complete(completion);
    if (row.announced && outcome.outcome === 'accepted') await settleFlapping(options.pool, row, step);
    await health.remember(outcome);
    const firstPageS = completed?.firstAcceptedNow
      ? (options.now().getTime() - Date.parse(completed.createdAt)) / 1000
      : null;
    options.onAttempt({
      destination: name,
      type: target.type,
      delivery: row.id,
      incident: row.incidentId,
      identity: row.incident.identity,
      ...traceFields(row.trace),
      number: fence,
      action: step.action,
      covers,
      outcome: outcome.outcome,
      reason: outcome.outcome === 'accepted' ? 'ok' : outcome.reason,
      status: outcome.status ?? null,
      durationMs: performance.now() - started,
      firstPageS,
    });
    if (outcome.outcome !== 'accepted' && completion.state === 'retrying') wakeIn(completion.delay_ms);
    if (completed?.more && !stopping) {
      if (running) again = true;
      else void drain(5_000).catch((error: unknown) => options.onError(error as Error, { destination: name }));
    }
  }

  return {
    drain,
    abort: (reason) => vendor.abort(reason),
    async stop(limitMs) {
      stopping = true;
      if (wake) clearTimeout(wake.timer);
      vendor.abort(new Error('the relay is stopping'));
      const all = Promise.allSettled(calls);
      await Promise.race([all, new Promise((resolve) => setTimeout(resolve, limitMs).unref())]);
    },
    get inFlight() {
      return calls.size;
    },
    get behind() {
      return full && calls.size > 0 && callMs < QUICK_MS;
    },
  };
}
