/**
 * While Postgres is away, pagers that dedup by our key are opened directly (design 3.7): only outages and security
 * posts in stage Active that are not known as over, once per identity and destination, the intent on disk before the
 * call. Never an update, never a resolve: those wait for the truth.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome, Step } from '#src/core/adapter.ts';
import { headline } from '#src/core/headline.ts';
import type { RouteDecision } from '#src/core/route.ts';
import type { Signal } from '#src/core/signal.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import type { DirectAttempt } from '#src/db/spool.ts';
import { newId } from '#src/ids.ts';
import type { CallAdapter } from '../lane-calls.ts';
import { openingStep } from '../opening-step.ts';
import { judgeRoutes } from '../routing.ts';
import { portalLink, vendorKey } from '../step.ts';
import type { Journal } from './journal.ts';
import type { OverCache } from './over-cache.ts';

/** What a direct opening needs, wherever its intents are kept. */
export interface DirectOptions {
  config(): RelayConfig;
  call: CallAdapter;
  onError(error: Error, context: Record<string, unknown>): void;
  onOpened(destination: string): void;
}

export interface FailOpenOptions extends DirectOptions {
  over: OverCache;
  /** Intents and outcomes. */
  journal: Journal;
}

export interface FailOpen {
  /**
   * Looks at spooled signals; returns at once, the calls go on. Safe to repeat with the same ones: what is accepted or
   * under way is left alone, what an earlier process began is settled under the same key.
   */
  consider(signals: readonly Signal[]): void;
  /** Learns what is over from signals that are spooled, before any of them is considered. */
  noteEnds(signals: readonly Signal[]): void;
  /** The truth is away still or again: goes on with what was handed over, and with what failed for good under an earlier config. */
  resume(): void;
  /**
   * The truth takes over: ends calls and tries for these identities, or an opening would go out after the worker's
   * resolve. Resolves when none is under way, or after a second.
   */
  handOver(identities: ReadonlySet<string>): Promise<void>;
  /** Openings made or attempted for these identities, to be entered with their signals. */
  attemptsFor(identities: ReadonlySet<string>): DirectAttempt[];
  /** The truth knows these. */
  forget(identities: ReadonlySet<string>): void;
  /** The truth knows all: forget. */
  clear(): void;
  /** Waits for running calls, at most `limitMs`. */
  settle(limitMs: number): Promise<void>;
}

const RETRY_MS = [1_000, 2_000, 5_000, 10_000];
const TRIES_MAX = 200;
/** An aborted call ends at once; one that does not must not hold the transaction that waits for it. */
const HAND_OVER_MS = 1_000;

/** Reads what an earlier process had begun. */
export function createFailOpen(options: FailOpenOptions): FailOpen {
  const attempts = new Map<string, DirectAttempt>();
  const running = new Map<string, Running>();
  /** Failed for good, with the destination that it failed with, or handed over. */
  const waiting = new Map<string, { name: string; failedWith: Destination | null; signal: Signal }>();
  /** Identities that the truth has taken over. */
  const taken = new Set<string>();
  for (const line of options.journal.read(Number.MAX_SAFE_INTEGER).lines) {
    try {
      const attempt = JSON.parse(line) as DirectAttempt;
      attempts.set(keyOf(attempt.identity, attempt.destination), attempt);
    } catch (error) {
      // Damaged on the disk. Without it the page may be opened once more, under the same vendor key; the relay must start.
      options.onError(error as Error, { what: 'fail-open', damagedBytes: line.length });
    }
  }

  function noteEnds(signals: readonly Signal[]): void {
    for (const signal of signals) if (ends(signal)) options.over.add(signal.identity);
  }

  function consider(signals: readonly Signal[]): void {
    for (const signal of signals) {
      noteEnds([signal]);
      if (!isUrgent(signal) || options.over.has(signal.identity)) continue;
      for (const { destination: name } of routesFor(options.config(), signal)) tell(name, signal);
    }
  }

  function tell(name: string, signal: Signal): void {
    const destination = options.config().destinations.find((d) => d.name === name);
    const key = keyOf(signal.identity, name);
    if (!destination?.failOpen || taken.has(signal.identity) || running.has(key)) return;
    if (attempts.get(key)?.outcome === 'accepted' || waiting.get(key)?.failedWith === destination) return;
    waiting.delete(key);
    const stop = new AbortController();
    const done = open(destination, signal, stop.signal)
      .catch((error: unknown) => options.onError(error as Error, { destination: name, what: 'fail-open' }))
      .finally(() => running.delete(key));
    running.set(key, { name, signal, stop, done });
  }

  async function open(destination: Destination, signal: Signal, stop: AbortSignal): Promise<void> {
    const mapKey = keyOf(signal.identity, destination.name);
    const known = attempts.get(mapKey);
    const attempt: DirectAttempt = known ?? {
      identity: signal.identity,
      destination: destination.name,
      destinationId: destination.id,
      type: destination.type,
      deliveryId: newId('dlv'),
      startedAt: new Date().toISOString(),
      finishedAt: null,
      outcome: 'unknown',
      status: null,
      detail: null,
      receipt: null,
      memo: null,
      severity: signal.severity,
    };
    attempts.set(mapKey, attempt);
    if (!known) await note(attempt);
    const step = directStep(options.config(), signal, destination.name);
    const key = vendorKey(options.config().relayId, { identity: signal.identity, episode: 1 }, destination.id);
    for (let tries = 0; tries < TRIES_MAX && !stop.aborted && !options.over.has(signal.identity); tries++) {
      const outcome: Outcome = await options.call(destination, step, {
        vendorKey: key,
        stepKey: `direct_${attempt.deliveryId}`,
        memo: {},
        settling: tries > 0 || known !== undefined,
        signal: stop,
      });
      attempt.status = outcome.status ?? null;
      attempt.detail = outcome.detail ?? null;
      attempt.memo = outcome.memo ?? null;
      if (outcome.outcome === 'accepted') {
        Object.assign(attempt, { outcome: 'accepted', finishedAt: new Date().toISOString(), receipt: outcome.receipt });
        await note(attempt);
        return options.onOpened(destination.name);
      }
      if (outcome.outcome === 'permanent') {
        waiting.set(mapKey, { name: destination.name, failedWith: destination, signal });
        // As the truth would do it (design 3.7): a pager that is gone for good is news for its fallback.
        if (destination.fallback) tell(destination.fallback.to, signal);
        return options.onError(new Error(outcome.detail ?? outcome.reason), {
          destination: destination.name,
          what: 'fail-open',
        });
      }
      await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]!, stop);
    }
  }

  /** A disk that is full may be the very reason: a page that the next process makes again, under the same key, beats none. */
  async function note(attempt: DirectAttempt): Promise<void> {
    await options.journal
      .append([JSON.stringify(attempt)])
      .catch((error: unknown) =>
        options.onError(error as Error, { destination: attempt.destination, what: 'fail-open' }),
      );
  }

  return {
    consider,
    attemptsFor: (identities) => [...attempts.values()].filter((attempt) => identities.has(attempt.identity)),
    noteEnds,
    resume() {
      taken.clear();
      for (const { name, signal } of waiting.values()) tell(name, signal);
    },
    async handOver(identities) {
      for (const identity of identities) taken.add(identity);
      const ending = [...running].filter(([, { signal }]) => identities.has(signal.identity));
      for (const [key, { name, signal }] of ending) waiting.set(key, { name, failedWith: null, signal });
      await end(
        ending.map(([, one]) => one),
        'the database is back',
        HAND_OVER_MS,
      );
    },
    forget(identities) {
      for (const [key, { identity }] of attempts) if (identities.has(identity)) attempts.delete(key);
      for (const [key, { signal }] of waiting) if (identities.has(signal.identity)) waiting.delete(key);
      for (const identity of identities) taken.delete(identity);
    },
    clear() {
      attempts.clear();
      waiting.clear();
      taken.clear();
      options.journal.advance(options.journal.read(Number.MAX_SAFE_INTEGER).next);
    },
    settle: (limitMs) => end([...running.values()], 'the relay is stopping', limitMs),
  };
}

/** Whether a pager is opened for it while Postgres is away, unless it is known as over (design 3.7). */
export function isUrgent({ kind, phase, state, test }: Signal): boolean {
  return (kind === 'outage' || kind === 'security') && phase === 'open' && state === 'active' && !test;
}

/** Whether a signal says that its incident is over. */
export function ends(signal: Signal): boolean {
  return signal.phase === 'close' || signal.retracted;
}

/** An opening that is called or tried again. `done` never rejects. */
interface Running {
  name: string;
  signal: Signal;
  stop: AbortController;
  done: Promise<void>;
}

/** Breaks these off; resolves when none is under way, or after `limitMs`. */
async function end(openings: readonly Running[], why: string, limitMs: number): Promise<void> {
  if (openings.length === 0) return;
  for (const { stop } of openings) stop.abort(new Error(why));
  await Promise.race([Promise.all(openings.map(({ done }) => done)), sleep(limitMs, undefined, { ref: false })]);
}

function keyOf(identity: string, destination: string): string {
  return `${identity}\n${destination}`;
}

/** Ends early when `stop` fires. */
async function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal: stop, ref: false }).catch(() => undefined);
}

/** Judged on what this one signal names. */
function routesFor(config: RelayConfig, signal: Signal): RouteDecision['destinations'] {
  const { impacts, subscriptions, resources, source } = signal;
  return judgeRoutes(config, signal, { impacts, subscriptions, resources, sources: [source] }).destinations;
}

/** What can be said from one signal alone, without the record; runbook and note are as much needed as ever. */
function directStep(config: RelayConfig, signal: Signal, destination: string): Step {
  const { identity, trackingId, kind, severity, title, stage, impacts, resources, startedAt, subscriptions } = signal;
  const match = routesFor(config, signal).find((one) => one.destination === destination);
  const details = { ...signal.details, Relay: 'sent while its database was away; the record follows' };
  return openingStep(
    {
      identity,
      trackingId,
      kind,
      severity,
      title,
      stage,
      impacts,
      resources,
      startedAt,
      details,
      headline: headline(signal),
    },
    {
      communication: signal.communication ? { ...signal.communication, at: signal.occurredAt } : null,
      audience: {
        subscriptions: subscriptions.map((id) => ({
          id,
          name: config.subscriptions.get(id)?.name ?? null,
          team: config.subscriptions.get(id)?.team ?? null,
        })),
        total: subscriptions.length,
      },
      route: { runbook: match?.runbook ?? null, note: match?.note ?? null, fields: match?.fields ?? {} },
      links: { timeline: null, portal: portalLink(trackingId, subscriptions[0]) },
    },
  );
}
