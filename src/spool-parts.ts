/**
 * Wires the door that signals come in by: the ingest, and behind it what holds while Postgres is away, which is the spool
 * where a folder is declared durable and the memory of direct pages where none is (design 3.7).
 */
import type { Environment } from './config/env.ts';
import type { RelayConfig } from './config/types.ts';
import type { Pools } from './db/pools.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { AdapterCaller } from './pipeline/call-adapter.ts';
import type { Ingest } from './pipeline/ingest.ts';
import type { Door } from './pipeline/spool/door.ts';
import type { DirectOptions } from './pipeline/spool/fail-open.ts';
import { createLastResort } from './pipeline/spool/last-resort.ts';
import { keepLearning } from './pipeline/spool/over-cache.ts';
import { openSpool, type Spool } from './pipeline/spool/spool.ts';

export interface DoorOptions {
  env: Pick<Environment, 'role' | 'spoolDir'>;
  pools: Pools;
  ingest: Ingest;
  config: () => RelayConfig;
  caller: AdapterCaller;
  metrics: Metrics;
  log: Log;
  onError: DirectOptions['onError'];
  /** Whether the database was reached and brought to our schema once. */
  broughtUp: () => boolean;
}

export interface DoorParts {
  /** Null in a worker, which takes nothing in. */
  door: Door | null;
  spool: Spool | null;
  stop(): Promise<void>;
}

/** Opens the door, and begins to store what an earlier process has left in the spool. */
export function createDoor({
  env,
  pools,
  ingest,
  config,
  caller,
  metrics,
  log,
  onError,
  broughtUp,
}: DoorOptions): DoorParts {
  if (env.role === 'worker') return { door: null, spool: null, stop: () => Promise.resolve() };
  const direct: DirectOptions = {
    config,
    call: caller.call,
    onError,
    onOpened: (destination) => {
      metrics.directOpenings.inc({ destination });
      log.warn({ destination }, 'fail-open.opened');
    },
  };
  const spool = env.spoolDir === null ? null : openSpool({ ...direct, folder: env.spoolDir, ingest, ready: broughtUp });
  const door = spool ?? createLastResort({ ...direct, ingest });
  door.start();
  const stopLearning = keepLearning(door.over, pools.read, () => broughtUp() && !door.active);
  return {
    door,
    spool,
    async stop() {
      stopLearning();
      await door.stop();
    },
  };
}
