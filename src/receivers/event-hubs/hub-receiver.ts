/** One configured hub: opens a reader, opens it again when it fails or a partition stands still, and tells how it is. */
import { randomUUID } from 'node:crypto';
import type { EventHubConfig } from '#src/config/types.ts';
import type { Signal } from '#src/core/signal.ts';
import { createCheckpoints, type HubCheckpoints, type HubKey, type HubStore } from './checkpoint-store.ts';
import { clientOpener, hubKey, type OpenClient } from './client.ts';
import { classifyFailure, type Failure } from './failure.ts';
import { createFaults } from './faults.ts';
import { isStalled, partitionState, type PartitionState } from './partition-watch.ts';
import { openReader, pause, type Reader } from './reader.ts';
import { keepRenewing } from './renewal.ts';
import { readEvent, type HubEvent } from './slices.ts';
import { backoff, DEFAULT_TUNING, type HubTuning } from './tuning.ts';

/** A step forward in a partition, to be written with its signals. */
export interface HubMove {
  key: HubKey;
  partitionId: string;
  ownerId: string;
  from: number | null;
  to: { sequenceNumber: number; offset: string; enqueuedAt: string | null };
}

export interface HubLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface HubReceiverOptions {
  store: HubStore;
  /** Stores signals and, with a move, the position in one transaction. `lost`: the move did not fit. Throws: try again. */
  commit(signals: Signal[], move: HubMove | null, hub: EventHubConfig): Promise<'stored' | 'lost'>;
  log: HubLog;
  now(): Date;
  /** Why a reader was opened again, or events were lost to retention; for metrics. */
  onEvent?(what: 'restarted' | 'dropped' | 'expired', hub: string): void;
  tuning?: Partial<HubTuning>;
  open?: OpenClient;
  /** No other process can read these hubs with this store: claims that stand there at the start are those of the dead. */
  alone?: boolean;
}

export interface HubState {
  name: string;
  source: string;
  hub: string;
  consumerGroup: string;
  status: 'ok' | 'degraded';
  /** What is wrong; null while nothing is. */
  detail: string | null;
  restarts: number;
  partitions: PartitionState[];
}

export interface HubReceiver {
  state(): HubState;
  /** Bounded by the tuning's closeMs and a second. */
  stop(): Promise<void>;
}

/** The same failure is logged again after this long. */
const REPEAT_LOG_MS = 60_000;

/** Starts to receive; a hub that cannot be reached is tried for ever. */
export function startHubReceiver(hub: EventHubConfig, options: HubReceiverOptions): HubReceiver {
  const tuning: HubTuning = { ...DEFAULT_TUNING, ...options.tuning };
  const { log, store } = options;
  const key = hubKey(hub);
  const ownerId = randomUUID();
  const stopping = new AbortController();
  const open = options.open ?? clientOpener();
  const origin = { hub: hub.name, source: hub.source, subscription: hub.subscription };
  const told = new Map<string, number>();
  let reader: Reader | null = null;
  const faults = createFaults(2 * tuning.stallMs);
  let restarts = 0;
  let cleared = options.alone !== true;

  function onFailure({ kind, message }: Failure, partitionId: string | null): void {
    if (kind === 'stopped' || stopping.signal.aborted) return;
    const fields = { hub: hub.name, partition: partitionId, kind, error: message };
    if (kind === 'handover') return log.info(fields, 'hub.handover');
    if (kind === 'dropped') {
      options.onEvent?.('dropped', hub.name);
      return log.info(fields, 'hub.dropped');
    }
    faults.set(partitionId, `${kind}: ${message}`);
    const lastMs = told.get(`${kind} ${partitionId}`) ?? 0;
    if (Date.now() - lastMs < REPEAT_LOG_MS) return;
    told.set(`${kind} ${partitionId}`, Date.now());
    log.warn(fields, 'hub.failed');
  }

  function onExpired(partition: string, events: number): void {
    options.onEvent?.('expired', hub.name);
    log.error({ hub: hub.name, partition, events }, 'hub.expired');
  }

  /** Tries to open until it works or we stop; a client that fails is closed in the background. */
  async function connect(): Promise<{ reader: Reader; checkpoints: HubCheckpoints } | null> {
    for (let tries = 0; !stopping.signal.aborted; tries++) {
      const checkpoints = createCheckpoints(store, key);
      let client;
      try {
        if (!cleared) await store.releaseOwnership(key, { ownerId: null, partitionId: null });
        cleared = true;
        client = await open(hub, { ownerId, checkpoints, tuning });
        const opened = await openReader({
          client,
          checkpoints,
          store,
          key,
          ownerId,
          recordsMax: hub.maxRecords,
          tuning,
          read: (event: HubEvent, partitionId) =>
            readEvent(event, { ...origin, partitionId }, options.now().toISOString()),
          commit: ({ signals, upTo }, partition) =>
            options.commit(signals, upTo === null ? null : move(upTo, partition), hub),
          onFailure,
          onExpired,
          onContact: (partitionId) => faults.clear(partitionId),
          onPartition: (what, partition, reason) =>
            log.info(
              { hub: hub.name, partition, reason },
              what === 'taken' ? 'hub.partition.taken' : 'hub.partition.left',
            ),
        });
        return { reader: opened, checkpoints };
      } catch (error) {
        const failure = classifyFailure(error);
        // Our own time limit shows as an abort.
        onFailure(failure.kind === 'stopped' ? { kind: 'unavailable', message: 'no answer in time' } : failure, null);
        void client?.close().catch(() => undefined);
        await pause(backoff(tuning.reconnectMs, tries), stopping.signal);
      }
    }
    return null;
  }

  function move(event: HubEvent, partition: { id: string; from: number | null }): HubMove {
    const { sequenceNumber, offset, enqueuedTimeUtc } = event;
    const to = { sequenceNumber, offset, enqueuedAt: enqueuedTimeUtc.toISOString() };
    return { key, partitionId: partition.id, ownerId, from: partition.from, to };
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const opened = await connect();
      if (!opened) return;
      reader = opened.reader;
      if (stopping.signal.aborted) return reader.close();
      const renewing = keepRenewing({ store, key, ownerId, checkpoints: opened.checkpoints, tuning });
      const reason = await watch(opened.reader, opened.checkpoints).finally(() => renewing.stop());
      await opened.reader.close();
      if (reason === null) return;
      restarts++;
      options.onEvent?.('restarted', hub.name);
      log.warn({ hub: hub.name, reason }, 'hub.restarted');
    }
  }

  /** Returns why the reader must be replaced, or null when we stop. */
  async function watch(current: Reader, checkpoints: HubCheckpoints): Promise<string | null> {
    for (;;) {
      await pause(tuning.watchMs, stopping.signal);
      if (stopping.signal.aborted) return null;
      const reason = await look(current).catch((error: unknown) => {
        onFailure(classifyFailure(error), null);
        return null;
      });
      if (reason !== null) return reason;
      const nowMs = Date.now();
      const still = [...current.partitions.values()].filter((one) => isStalled(one, nowMs, tuning.stallMs));
      if (still.length > 0) return `no progress on partition ${still.map((one) => one.id).join(', ')}`;
      // The slowest honest cycle waits for every retry of the SDK.
      const cycleMs = tuning.stallMs + tuning.updateIntervalMs + tuning.sdkRetry.timeoutInMs;
      if (nowMs - checkpoints.lastCycleAt > cycleMs) return 'partitions are no longer shared out';
    }
  }

  async function look(current: Reader): Promise<string | null> {
    let reason: string | null = null;
    for (const { partitionId, finding } of await current.look(Date.now)) {
      if (finding.kind === 'expired') onExpired(partitionId, finding.events);
      else if (finding.kind === 'recreated') {
        await store.forgetPosition(key, { partitionId, sequenceNumber: finding.position });
        reason = `the hub was made anew: partition ${partitionId} ends before ${finding.position}`;
      }
    }
    return reason;
  }

  const running = run().catch((error: unknown) => log.error({ hub: hub.name, error: String(error) }, 'hub.bug'));

  return {
    state() {
      const nowMs = Date.now();
      const watched = [...(reader?.partitions.values() ?? [])];
      const waiting = watched.find((one) => one.waiting !== null);
      const still = watched.filter((one) => isStalled(one, nowMs, tuning.stallMs));
      const detail =
        faults.current() ??
        (waiting ? `a batch of partition ${waiting.id} waits to be stored: ${waiting.waiting}` : null) ??
        (still.length > 0 ? `no progress on partition ${still.map((one) => one.id).join(', ')}` : null);
      return {
        name: hub.name,
        source: hub.source,
        hub: key.hub,
        consumerGroup: hub.consumerGroup,
        status: detail === null ? 'ok' : 'degraded',
        detail,
        restarts,
        partitions: watched.map((one) => partitionState(one, nowMs)).sort((a, b) => a.id.localeCompare(b.id)),
      };
    },
    async stop() {
      stopping.abort();
      await Promise.race([Promise.all([running, reader?.close()]), pause(tuning.closeMs + 1_500)]);
    },
  };
}
