/** Hub receivers over the real fold and store, without the HTTP side: as many replicas as a test wants, each with hooks. */
import { expect } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { createConfigHolder } from '#src/config/holder.ts';
import { formatFaults } from '#src/config/fault.ts';
import { loadConfig } from '#src/config/load.ts';
import { migrate } from '#src/db/migrate.ts';
import { openPools, type Pools } from '#src/db/pools.ts';
import { startHubs } from '#src/hubs.ts';
import { newId } from '#src/ids.ts';
import { createLog } from '#src/log.ts';
import { createMetrics, type Metrics } from '#src/metrics.ts';
import { createIngest, type Ingest } from '#src/pipeline/ingest.ts';
import { quarantined } from '#src/pipeline/quarantine.ts';
import { createScopeCache } from '#src/pipeline/scope-cache.ts';
import type { HubState } from '#src/receivers/event-hubs/hub-receiver.ts';
import type { HubTuning } from '#src/receivers/event-hubs/tuning.ts';
import { FAST } from './hub-relay.ts';

export interface ReplicaOptions {
  connectionString: string;
  maxRecords?: number;
  tuning?: Partial<HubTuning>;
  /** Nobody else has the store. */
  alone?: boolean;
  /** Stands before every commit. */
  before?: (signals: number) => Promise<void>;
}

export interface Replica {
  state(): HubState;
  /** Partitions read now, by id. */
  partitions(): string[];
  /** How often something happened to a reader: restarted, dropped, expired. */
  count(what: string): Promise<number>;
  stop(): Promise<void>;
}

export interface HubBench {
  pools: Pools;
  replica(options: ReplicaOptions): Promise<Replica>;
  /** Tracking IDs of all incidents. */
  trackingIds(): Promise<string[]>;
  /** Sequence numbers by partition id. */
  positions(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

/** Opens the store. */
export async function openHubBench(databaseUrl: string): Promise<HubBench> {
  await migrate(databaseUrl);
  const pools = openPools(databaseUrl, () => undefined);
  const replicas = new Set<Replica>();
  const { log } = await createLog({ level: process.env['TEST_LOG'] === 'info' ? 'info' : 'silent', pretty: false });

  async function replica(options: ReplicaOptions): Promise<Replica> {
    const yaml = `receivers: { eventHubs: [{ name: hub, source: hub, connectionString: "${options.connectionString}", maxRecords: ${options.maxRecords ?? 600} }] }\n`;
    const loaded = loadConfig(yaml, { file: 'relay.yaml', env: {}, adapters });
    if (!loaded.ok) throw new Error(formatFaults(loaded.faults, 'relay.yaml'));
    const holder = createConfigHolder(loaded.config);
    const metrics = createMetrics();
    const now = (): Date => new Date();
    const inner = createIngest({
      pool: pools.ingest,
      config: () => holder.current(),
      scopes: createScopeCache(),
      newId,
      now,
      quarantine: quarantined,
      onCommitted: () => undefined,
      onError: () => undefined,
    });
    const ingest: Ingest = {
      submit: (signals) => inner.submit(signals),
      async submitWith(signals, alongside) {
        await options.before?.(signals.length);
        return inner.submitWith(signals, alongside);
      },
      drain: () => inner.drain(),
      waiting: 0,
    };
    const hubs = startHubs({
      holder,
      pool: pools.read,
      ingest,
      metrics,
      log,
      now,
      onTest: () => undefined,
      tuning: { ...FAST, ...options.tuning },
      alone: options.alone ?? false,
    });
    const made: Replica = {
      state: () => hubs.states()[0]!,
      partitions: () => (hubs.states()[0]?.partitions ?? []).map((one) => one.id),
      count: (what) => counted(metrics, what),
      async stop() {
        replicas.delete(made);
        await hubs.stop();
      },
    };
    replicas.add(made);
    await expect.poll(() => hubs.states().length).toBe(1);
    return made;
  }

  return {
    pools,
    replica,
    async trackingIds() {
      const { rows } = await pools.read.query<{ id: string }>('select tracking_id as id from incidents order by 1');
      return rows.map((row) => row.id);
    },
    async positions() {
      const { rows } = await pools.read.query<{ id: string; at: number }>(
        'select partition_id as id, sequence_number as at from event_hub_positions order by 1',
      );
      return Object.fromEntries(rows.map((row) => [row.id, row.at]));
    },
    async stop() {
      await Promise.all([...replicas].map((one) => one.stop()));
      await pools.end();
    },
  };
}

async function counted({ hubEvents }: Metrics, what: string): Promise<number> {
  const { values } = await hubEvents.get();
  return values.filter((one) => one.labels.what === what).reduce((sum, one) => sum + one.value, 0);
}
