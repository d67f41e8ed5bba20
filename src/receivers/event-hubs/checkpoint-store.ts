/** The SDK's view of our tables: claims by etag, positions to start from. Positions are not moved here but with the signals. */
import type { Checkpoint, CheckpointStore, PartitionOwnership } from '@azure/event-hubs';

/** A hub as one consumer group sees it. */
export interface HubKey {
  namespace: string;
  hub: string;
  consumerGroup: string;
}

/** What the receivers need of the database. Each call may throw; the SDK comes again at its next cycle. */
export interface HubStore {
  listOwnership(key: HubKey): Promise<{ partitionId: string; ownerId: string; etag: string; ageMs: number }[]>;
  claimOwnership(
    key: HubKey,
    claim: { partitionId: string; ownerId: string; etag: string | null },
  ): Promise<string | null>;
  /** Null: of all partitions, of all owners. */
  releaseOwnership(key: HubKey, claim: { ownerId: string | null; partitionId: string | null }): Promise<void>;
  /** All claims of an owner count from now on again. */
  renewOwnership(key: HubKey, ownerId: string): Promise<void>;
  listPositions(
    key: HubKey,
  ): Promise<{ partitionId: string; sequenceNumber: number; offset: string; enqueuedAt: string | null }[]>;
  forgetPosition(key: HubKey, position: { partitionId: string; sequenceNumber: number }): Promise<void>;
}

export type StartPosition = Awaited<ReturnType<HubStore['listPositions']>>[number];

export interface HubCheckpoints extends CheckpointStore {
  /** The position that the SDK was last told to start a partition from; null: from the earliest event. */
  startOf(partitionId: string): StartPosition | null;
  /** When the SDK last looked for partitions; its balancing loop has died when this stands still. */
  readonly lastCycleAt: number;
}

/** A store for one hub and one process. */
export function createCheckpoints(store: HubStore, key: HubKey): HubCheckpoints {
  let started = new Map<string, StartPosition>();
  let lastCycleAt = Date.now();
  const names = { fullyQualifiedNamespace: key.namespace, eventHubName: key.hub, consumerGroup: key.consumerGroup };
  return {
    startOf: (partitionId) => started.get(partitionId) ?? null,
    get lastCycleAt() {
      return lastCycleAt;
    },
    async listOwnership(): Promise<PartitionOwnership[]> {
      lastCycleAt = Date.now();
      const rows = await store.listOwnership(key);
      // The SDK compares with this machine's clock; the age is the database's, so a wrong clock takes nothing away.
      return rows.map(({ partitionId, ownerId, etag, ageMs }) => ({
        ...names,
        partitionId,
        ownerId,
        etag,
        lastModifiedTimeInMs: Date.now() - ageMs,
      }));
    },
    async claimOwnership(claims): Promise<PartitionOwnership[]> {
      const won: PartitionOwnership[] = [];
      // One statement each: a claim that is lost must not undo the others.
      for (const claim of claims) {
        const { partitionId, ownerId } = claim;
        const etag = await store.claimOwnership(key, { partitionId, ownerId, etag: claim.etag || null });
        if (etag !== null) won.push({ ...claim, etag, lastModifiedTimeInMs: Date.now() });
      }
      return won;
    },
    async listCheckpoints(): Promise<Checkpoint[]> {
      const rows = await store.listPositions(key);
      started = new Map(rows.map((row) => [row.partitionId, row]));
      return rows.map(({ partitionId, offset, sequenceNumber }) => ({ ...names, partitionId, offset, sequenceNumber }));
    },
    updateCheckpoint: () => Promise.reject(new Error('positions move with the signals')),
  };
}
