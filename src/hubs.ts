/** Wires the Event Hub receivers to the store, the fold, the log and the metrics. */
import type { Pool } from 'pg';
import type { ApiDeps, Part } from './api/deps.ts';
import { reportSignals } from './api/receivers.ts';
import type { ConfigHolder } from './config/holder.ts';
import type { Signal } from './core/signal.ts';
import {
  claimOwnership,
  forgetPosition,
  listOwnership,
  listPositions,
  releaseOwnership,
  renewOwnership,
} from './db/event-hubs.ts';
import type { Metrics } from './metrics.ts';
import { commitHubSlice } from './pipeline/hub-commit.ts';
import { BusyError, UnavailableError, WAIT_MS, type Ingest, type SignalResult } from './pipeline/ingest.ts';
import type { Door } from './pipeline/spool/door.ts';
import { isUrgent } from './pipeline/spool/fail-open.ts';
import type { HubStore } from './receivers/event-hubs/checkpoint-store.ts';
import type { HubMove, HubReceiverOptions, HubState } from './receivers/event-hubs/hub-receiver.ts';
import { createHubReceivers, type HubReceivers } from './receivers/event-hubs/hub-receivers.ts';

export interface StartHubsOptions extends Pick<ApiDeps, 'metrics' | 'log' | 'onTest' | 'now' | 'tracing'> {
  holder: ConfigHolder;
  pool: Pool;
  ingest: Ingest;
  /** Hears of signals that the store does not take: it tells the severe ones directly (design 3.7). */
  door?: Pick<Door, 'active' | 'submit' | 'keep'> | null;
  tuning?: HubReceiverOptions['tuning'];
  /** Nobody else has this database: see {@link HubReceiverOptions}. */
  alone?: boolean;
}

/** More than all hubs together hold in memory by default. */
const APART_MAX = 50_000;

/** Starts what the config names, and follows its changes. Connects in the background. */
export function startHubs(options: StartHubsOptions): HubReceivers {
  const { holder, pool, ingest, metrics, log } = options;
  const hubs = createHubReceivers({
    store: hubStore(pool),
    log,
    now: options.now,
    onEvent: (what, hub) => metrics.hubEvents.inc({ hub, what }),
    tuning: options.tuning ?? {},
    alone: options.alone ?? false,
    async commit(signals, move, hub) {
      const started = performance.now();
      const work = (): Promise<SignalResult[] | 'lost'> => storeSlice(signals, move, hub.name);
      const partition = move?.partitionId ?? null;
      const receipt = { door: 'event-hub', source: hub.source, hub: hub.name, partition } as const;
      // A slice without signals only moves the position.
      const traced = options.tracing && signals.length > 0 ? options.tracing : null;
      const results = traced ? await traced.receive(receipt, signals, work) : await work();
      if (results === 'lost') return 'lost';
      const durationMs = Math.round((performance.now() - started) * 100) / 100;
      const fields = { hub: hub.name, partition, durationMs };
      reportSignals(options, { signals, results }, fields);
      return 'stored';
    },
  });
  const apart = new Set<string>();

  async function storeSlice(signals: Signal[], move: HubMove | null, hub: string): Promise<SignalResult[] | 'lost'> {
    // A store that hangs lets a slice wait for longer than a page may, or a sender of a webhook does.
    const urgent = signals.filter(isUrgent);
    const waited = setTimeout(() => void aside(urgent, hub, 'keep'), WAIT_MS);
    try {
      // What came by other doors meanwhile comes first; a hub keeps its events until then.
      if (options.door?.active) throw new UnavailableError('what was taken or told without the store is stored first');
      return await commitHubSlice(ingest, signals, move);
    } catch (error) {
      if (error instanceof UnavailableError) await aside(signals, hub, 'submit');
      throw error;
    } finally {
      clearTimeout(waited);
    }
  }

  /** Once per signal, for a batch is tried again and again. Its own commit then finds repeats. */
  async function aside(signals: Signal[], hub: string, how: 'submit' | 'keep'): Promise<void> {
    const fresh = signals.filter((signal) => !apart.has(signal.fingerprint));
    if (!options.door || fresh.length === 0) return;
    if (apart.size > APART_MAX) apart.clear();
    for (const signal of fresh) apart.add(signal.fingerprint);
    await options.door[how](fresh).then(
      (results) => reportSignals(options, { signals: fresh, results }, { hub }),
      (error: unknown) => {
        // Nobody has looked at them: the next try of the batch offers them again.
        if (error instanceof BusyError) for (const signal of fresh) apart.delete(signal.fingerprint);
        log.warn({ hub, error: (error as Error).message }, 'hub.not-spooled');
      },
    );
  }

  const apply = (): void => {
    hubs
      .apply(holder.current().receivers.eventHubs)
      .catch((error: unknown) => log.error({ error: (error as Error).message }, 'hubs.apply'));
  };
  apply();
  holder.onChange(apply);
  return hubs;
}

/** The store of ownership and positions on a pool. */
export function hubStore(pool: Pool): HubStore {
  return {
    listOwnership: (key) => listOwnership(pool, key),
    claimOwnership: (key, claim) => claimOwnership(pool, key, claim),
    releaseOwnership: (key, claim) => releaseOwnership(pool, key, claim),
    renewOwnership: (key, ownerId) => renewOwnership(pool, key, ownerId),
    listPositions: (key) => listPositions(pool, key),
    forgetPosition: (key, position) => forgetPosition(pool, key, position),
  };
}

/** Brings the gauges up to date. */
export function refreshHubMetrics(states: readonly HubState[], metrics: Metrics): void {
  for (const gauge of [metrics.hubLag, metrics.hubLagAge, metrics.hubProgressAge]) gauge.reset();
  for (const { name: hub, partitions } of states) {
    for (const { id: partition, lag, lagAgeS, lastProgressAt } of partitions) {
      metrics.hubLag.set({ hub, partition }, lag);
      metrics.hubLagAge.set({ hub, partition }, lagAgeS);
      metrics.hubProgressAge.set({ hub, partition }, Math.max(0, (Date.now() - Date.parse(lastProgressAt)) / 1000));
    }
  }
}

/** One part per hub for `/readyz`. */
export function hubParts(states: readonly HubState[]): Part[] {
  return states.map(({ name, status, detail }) => ({
    name: `event-hub ${name}`,
    status,
    ...(detail === null ? {} : { detail }),
  }));
}
