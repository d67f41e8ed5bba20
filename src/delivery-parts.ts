/** The delivery side of a process that has one: lanes with their heartbeat, upkeep, and what both tell of themselves. */
import type { Environment } from './config/env.ts';
import type { RelayConfig } from './config/types.ts';
import type { EstateView } from './core/estate-facts.ts';
import type { Pools } from './db/pools.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { AdapterCaller } from './pipeline/call-adapter.ts';
import { createDelivery, type Delivery } from './pipeline/delivery.ts';
import type { Ingest } from './pipeline/ingest.ts';
import type { ScopeCache } from './pipeline/scope-cache.ts';
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
  const delivery = createDelivery({
    ...shared,
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
      await delivery.start();
      upkeep.start();
    },
    async stop() {
      upkeep.stop();
      await delivery.stop(STOP_MS);
    },
  };
}
