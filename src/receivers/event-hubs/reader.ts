/** One subscription of the SDK: events in, slices committed in order, partitions dropped and watched. Lives until it is closed or replaced. */
import type { EventHubConsumerClient, ReceivedEventData, Subscription } from '@azure/event-hubs';
import type { Signal } from '#src/core/signal.ts';
import type { HubCheckpoints, HubKey, HubStore } from './checkpoint-store.ts';
import { trimCredit } from './credit.ts';
import { classifyFailure, PartitionDroppedError, type Failure } from './failure.ts';
import {
  gapBefore,
  noteEnds,
  noteProgress,
  watchPartition,
  type Finding,
  type WatchedPartition,
} from './partition-watch.ts';
import { sliceBatch, type HubEvent, type Slice } from './slices.ts';
import { backoff, batchSize, type HubTuning } from './tuning.ts';

export interface ReaderOptions {
  client: EventHubConsumerClient;
  checkpoints: HubCheckpoints;
  store: HubStore;
  key: HubKey;
  ownerId: string;
  recordsMax: number;
  tuning: HubTuning;
  read(event: HubEvent, partitionId: string): Signal[];
  /** Stores a slice with the position. `lost`: the partition is no longer ours. Throws: try again. */
  commit(slice: Slice, partition: { id: string; from: number | null }): Promise<'stored' | 'lost'>;
  onFailure(failure: Failure, partitionId: string | null): void;
  /** So many events were removed by retention before they were read. */
  onExpired(partitionId: string, events: number): void;
  /** Something came through: the hub can be reached, and with an id that partition is read. */
  onContact(partitionId: string | null): void;
  onPartition(what: 'taken' | 'left', partitionId: string, reason: string | null): void;
}

export interface Reader {
  /** Partitions that this process reads now. */
  readonly partitions: ReadonlyMap<string, WatchedPartition>;
  /** Asks the hub for the ends of our partitions. */
  look(nowMs: () => number): Promise<{ partitionId: string; finding: Finding }[]>;
  /** Stops reading, waits for a commit under way, lets go of the partitions; at most the tuning's closeMs and a second. */
  close(): Promise<void>;
}

/** A store that does not answer within this lets the claims expire instead. */
const RELEASE_MS = 1_000;

/** Subscribes. The number of partitions decides how much each may hold. */
export async function openReader(options: ReaderOptions): Promise<Reader> {
  const { client, checkpoints, store, key, ownerId, tuning } = options;
  const { earliestEventPosition } = await import('@azure/event-hubs');
  const ids = await client.getPartitionIds({ abortSignal: AbortSignal.timeout(tuning.sdkRetry.timeoutInMs * 2) });
  options.onContact(null);
  const size = batchSize(options.recordsMax, ids.length);
  const partitions = new Map<string, WatchedPartition>();
  const working = new Set<Promise<void>>();
  const ended = new AbortController();
  let unbounded = false;
  let closed: Promise<void> | null = null;
  const release = (partitionId: string | null): Promise<void> =>
    store.releaseOwnership(key, { ownerId, partitionId }).catch(() => undefined);

  async function take(partition: WatchedPartition, events: readonly HubEvent[]): Promise<void> {
    partition.busy = true;
    try {
      for (let tries = 0, left = events; left.length > 0;) {
        // Half the size after each failure: a slice too large for the store's time limit must not stand for ever.
        const rest = await takeSlices(partition, left, Math.max(1, tuning.signalsMax >> tries));
        if (rest.length === 0) return;
        tries = rest.length < left.length ? 0 : tries + 1;
        left = rest;
        await pause(backoff(tuning.retryMs, tries), ended.signal);
      }
    } finally {
      partition.busy = false;
      partition.waiting = null;
    }
  }

  /** Returns the events that could not be stored yet. */
  async function takeSlices(
    partition: WatchedPartition,
    events: readonly HubEvent[],
    signalsMax: number,
  ): Promise<readonly HubEvent[]> {
    let done = 0;
    for (const slice of sliceBatch(events, { read: (event) => options.read(event, partition.id), signalsMax })) {
      let result: 'stored' | 'lost';
      try {
        if (ended.signal.aborted || partitions.get(partition.id) !== partition) throw dropped('no longer read here');
        result = await options.commit(slice, { id: partition.id, from: partition.position });
      } catch (error) {
        if (error instanceof PartitionDroppedError) throw error;
        partition.waiting = (error as Error).message;
        return events.slice(done);
      }
      if (result === 'lost') throw dropped('its position was moved by another reader');
      partition.waiting = null;
      if (slice.upTo === null) continue;
      noteProgress(partition, slice.upTo, Date.now());
      done = events.indexOf(slice.upTo) + 1;
    }
    return [];
  }

  async function onEvents(events: ReceivedEventData[], partitionId: string): Promise<void> {
    const partition = partitions.get(partitionId);
    if (!partition || ended.signal.aborted) throw dropped('no longer read here');
    options.onContact(partitionId);
    const gap = events.length > 0 ? gapBefore(partition, events[0]!.sequenceNumber) : 0;
    if (gap > 0) options.onExpired(partitionId, gap);
    const work = take(partition, events);
    const tracked = work.catch(() => undefined);
    working.add(tracked);
    try {
      await work;
    } finally {
      working.delete(tracked);
    }
  }

  const subscription: Subscription = client.subscribe(
    {
      processInitialize: async ({ partitionId }) => {
        partitions.set(partitionId, watchPartition(partitionId, checkpoints.startOf(partitionId), Date.now()));
        options.onPartition('taken', partitionId, null);
      },
      processEvents: async (events, { partitionId, lastEnqueuedEventProperties }) => {
        const end = lastEnqueuedEventProperties?.sequenceNumber;
        const partition = partitions.get(partitionId);
        if (partition && end !== undefined) partition.end = Math.max(partition.end ?? -1, end);
        await onEvents(events, partitionId);
        if (!trimCredit(client, partitionId, size) && !unbounded) {
          unbounded = true;
          options.onFailure({ kind: 'unavailable', message: 'read-ahead cannot be bounded with this SDK' }, null);
        }
      },
      processError: async (error, { partitionId }) => {
        options.onFailure(classifyFailure(error), partitionId === '' ? null : partitionId);
      },
      processClose: async (reason, { partitionId }) => {
        partitions.delete(partitionId);
        options.onPartition('left', partitionId, reason);
        // Still ours after an error: without a release it would stand until the claim expires.
        await release(partitionId);
      },
    },
    {
      startPosition: earliestEventPosition,
      maxBatchSize: size,
      prefetchCount: size,
      maxWaitTimeInSeconds: tuning.maxWaitS,
      trackLastEnqueuedEventProperties: true,
      skipParsingBodyAsJson: true,
    },
  );

  return {
    partitions,
    async look(nowMs) {
      const findings: { partitionId: string; finding: Finding }[] = [];
      for (const partition of partitions.values()) {
        const before = partition.position;
        const ends = await client.getPartitionProperties(partition.id, {
          abortSignal: AbortSignal.timeout(tuning.sdkRetry.timeoutInMs),
        });
        options.onContact(null);
        const finding = noteEnds(partition, ends, { before, nowMs: nowMs() });
        if (finding.kind !== 'fine') findings.push({ partitionId: partition.id, finding });
      }
      return findings;
    },
    close: () => (closed ??= close()),
  };

  async function close(): Promise<void> {
    ended.abort();
    const closing = Promise.all([...working, subscription.close().then(() => client.close())]);
    await Promise.race([closing.catch(() => undefined), pause(tuning.closeMs)]);
    partitions.clear();
    await Promise.race([release(null), pause(RELEASE_MS)]);
  }
}

function dropped(reason: string): PartitionDroppedError {
  return new PartitionDroppedError(reason);
}

/** Ends early when the signal fires; never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
