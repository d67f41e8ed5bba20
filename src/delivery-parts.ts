/** The delivery side of a process that has one: lanes with their heartbeat, upkeep, and what both tell of themselves. */
import type { Part } from './api/deps.ts';
import type { Environment } from './config/env.ts';
import type { RelayConfig } from './config/types.ts';
import type { EstateView } from './core/estate-facts.ts';
import { releaseStandby } from './db/peer.ts';
import type { Pools } from './db/pools.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { AdapterCaller } from './pipeline/call-adapter.ts';
import { createDelivery, type Delivery } from './pipeline/delivery.ts';
import type { Ingest } from './pipeline/ingest.ts';
import type { ScopeCache } from './pipeline/scope-cache.ts';
import { createPeer, type PeerState } from './pipeline/standby/peer.ts';
import { createUpkeep } from './pipeline/upkeep.ts';

export interface DeliveryPartsOptions {
  env: Environment;
  pools: Pools;
  config: () => RelayConfig;
  scopes: ScopeCache;
  estate(): EstateView;
  caller: AdapterCaller;
  ingest: Ingest;
  ring(destinations: Iterable<string>): void;
  metrics: Metrics;
  log: Log;
  onError: (error: Error, context?: Record<string, unknown>) => void;
  now: () => Date;
}

export interface DeliveryParts {
  delivery: Delivery;
  /** Needs the database. May be called again after it failed. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What `/readyz` says of the peer, where there is one. */
  parts(): Part[];
  refreshMetrics(): void;
}

const STOP_MS = 6_000;

/** Sets both up; nothing runs before `start`. */
export function createDeliveryParts(options: DeliveryPartsOptions): DeliveryParts {
  const { env, pools, config, scopes, caller, ingest, metrics, log, onError, now } = options;
  let orphans = 0;
  const shared = {
    config,
    estate: () => options.estate(),
    onError,
    now,
  };
  const peer = createPeer({
    config,
    pool: pools.delivery,
    onLook(state, before) {
      if (state.is !== before)
        log[state.is === 'well' ? 'info' : 'warn'](
          { fault: state.fault, before },
          state.is === 'well' ? 'peer.well' : 'peer.missing',
        );
      if (state.is === 'missing') void takeOver(state);
    },
  });

  /** At every look: what was held back in the moment in which it went missing must not wait either. */
  async function takeOver({ fault }: PeerState): Promise<void> {
    const summary = `The peer is missing (${fault}): what was left to it is told by this relay`;
    try {
      options.ring(
        await releaseStandby(pools.delivery, { summary, data: { decision: 'standby', peer: 'missing', fault } }),
      );
    } catch (error) {
      onError(error as Error, { what: 'standby' });
    }
  }

  const delivery = createDelivery({
    ...shared,
    peer,
    onUntold: (destination, incidents) => log.info({ destination, incidents }, 'peer.untold'),
    pool: pools.delivery,
    heart: pools.heart,
    scopes,
    role: env.role,
    // The folder of the embedded database is locked: whoever held something before us is dead.
    alone: env.databaseUrl === null,
    call: caller.call,
    onReconciled: (destinations) => destinations.forEach((destination) => metrics.reconciled.inc({ destination })),
    onAttempt: (attempt) => {
      metrics.attempts.inc({ destination: attempt.destination, reason: attempt.reason });
      if (attempt.firstPageS !== null) metrics.firstPage.observe(attempt.firstPageS);
      log.info({ ...attempt, durationMs: Math.round(attempt.durationMs) }, 'delivery.attempted');
    },
  });
  const upkeep = createUpkeep({
    ...shared,
    ask: caller.ask,
    pool: pools.delivery,
    ingest,
    ring: (destinations) => options.ring(destinations),
    onOrphans: (count) => {
      if (count > 0 && count !== orphans) log.error({ deliveries: count }, 'destination.orphaned');
      orphans = count;
      metrics.orphans.set(count);
    },
  });
  return {
    delivery,
    async start() {
      peer.start();
      await delivery.start();
      upkeep.start();
    },
    async stop() {
      upkeep.stop();
      await peer.stop();
      await delivery.stop(STOP_MS);
    },
    parts() {
      const state = peer.state();
      if (state === null) return [];
      const detail = state.fault ?? (state.is === 'unknown' ? 'not asked yet' : null);
      return [
        { name: 'peer', status: state.is === 'missing' ? 'degraded' : 'ok', ...(detail === null ? {} : { detail }) },
      ];
    },
    refreshMetrics() {
      const { peer: section } = config();
      metrics.peerUp.reset();
      if (section !== null)
        metrics.peerUp.set({ peer: new URL(section.url).host }, peer.state()?.is === 'well' ? 1 : 0);
    },
  };
}
