/**
 * While Postgres is away, pagers that dedup by our key are opened directly (design 3.7): only outages and security
 * posts in stage Active that are not known as over, once per identity and destination, the intent on disk before the
 * call. Never an update, never a resolve: those wait for the truth.
 */
import type { Outcome, Step } from '#src/core/adapter.ts';
import { headline } from '#src/core/headline.ts';
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

export interface FailOpenOptions {
  config(): RelayConfig;
  call: CallAdapter;
  over: OverCache;
  /** Intents and outcomes. */
  journal: Journal;
  onError(error: Error, context: Record<string, unknown>): void;
  onOpened(destination: string): void;
}

export interface FailOpen {
  /** Looks at spooled signals; returns at once, the calls go on. */
  consider(signals: readonly Signal[]): void;
  /** Openings made or attempted for these identities, to be entered with their signals. */
  attemptsFor(identities: ReadonlySet<string>): DirectAttempt[];
  /** The truth knows all: forget. */
  clear(): void;
  /** Waits for running calls, at most `limitMs`. */
  settle(limitMs: number): Promise<void>;
}

const RETRY_MS = [1_000, 2_000, 5_000, 10_000];
const TRIES_MAX = 200;

/** Reads what an earlier process had begun. */
export function createFailOpen(options: FailOpenOptions): FailOpen {
  const attempts = new Map<string, DirectAttempt>();
  const running = new Set<Promise<void>>();
  const stop = new AbortController();
  for (const line of options.journal.read(Number.MAX_SAFE_INTEGER).lines) {
    try {
      const attempt = JSON.parse(line) as DirectAttempt;
      attempts.set(`${attempt.identity}\n${attempt.destination}`, attempt);
    } catch (error) {
      // Damaged on the disk. Without it the page may be opened once more, under the same vendor key; the relay must start.
      options.onError(error as Error, { what: 'fail-open', damagedBytes: line.length });
    }
  }

  function consider(signals: readonly Signal[]): void {
    for (const signal of signals) {
      if (signal.phase === 'close' || signal.retracted) options.over.add(signal.identity);
      const speaks =
        (signal.kind === 'outage' || signal.kind === 'security') &&
        signal.phase === 'open' &&
        signal.state === 'active' &&
        !signal.test;
      if (!speaks || options.over.has(signal.identity)) continue;
      const scope = {
        impacts: signal.impacts,
        subscriptions: signal.subscriptions,
        resources: signal.resources,
        sources: [signal.source],
      };
      for (const { destination: name } of judgeRoutes(options.config(), signal, scope).destinations) {
        const destination = options.config().destinations.find((d) => d.name === name);
        if (!destination?.failOpen || attempts.has(`${signal.identity}\n${name}`)) continue;
        const opening = open(destination, signal).catch((error: unknown) =>
          options.onError(error as Error, { destination: name, what: 'fail-open' }),
        );
        running.add(opening);
        void opening.finally(() => running.delete(opening));
      }
    }
  }

  async function open(destination: Destination, signal: Signal): Promise<void> {
    const attempt: DirectAttempt = {
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
    attempts.set(`${attempt.identity}\n${attempt.destination}`, attempt);
    await options.journal.append([JSON.stringify(attempt)]);
    const step = directStep(options.config(), signal);
    const key = vendorKey(options.config().relayId, { identity: signal.identity, episode: 1 }, destination.id);
    for (let tries = 0; tries < TRIES_MAX && !stop.signal.aborted && !options.over.has(signal.identity); tries++) {
      const outcome: Outcome = await options.call(destination, step, {
        vendorKey: key,
        stepKey: `direct_${attempt.deliveryId}`,
        memo: {},
        settling: tries > 0,
        signal: stop.signal,
      });
      attempt.status = outcome.status ?? null;
      attempt.detail = outcome.detail ?? null;
      attempt.memo = outcome.memo ?? null;
      if (outcome.outcome === 'accepted') {
        Object.assign(attempt, { outcome: 'accepted', finishedAt: new Date().toISOString(), receipt: outcome.receipt });
        await options.journal.append([JSON.stringify(attempt)]);
        return options.onOpened(destination.name);
      }
      if (outcome.outcome === 'permanent')
        return options.onError(new Error(outcome.detail ?? outcome.reason), {
          destination: destination.name,
          what: 'fail-open',
        });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]).unref());
    }
  }

  return {
    consider,
    attemptsFor: (identities) => [...attempts.values()].filter((attempt) => identities.has(attempt.identity)),
    clear() {
      attempts.clear();
      options.journal.advance(options.journal.read(Number.MAX_SAFE_INTEGER).next);
    },
    async settle(limitMs) {
      stop.abort(new Error('the relay is stopping'));
      await Promise.race([Promise.allSettled(running), new Promise((resolve) => setTimeout(resolve, limitMs).unref())]);
    },
  };
}

/** What can be said from one signal alone, without the record. */
function directStep(config: RelayConfig, signal: Signal): Step {
  const { identity, trackingId, kind, severity, title, stage, impacts, resources, startedAt, subscriptions } = signal;
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
          team: null,
        })),
        total: subscriptions.length,
      },
      links: { timeline: null, portal: portalLink(trackingId, subscriptions[0]) },
    },
  );
}
