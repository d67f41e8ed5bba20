/** Who reads which partition of an Event Hub, and how far it was read (azure-local 2.2). */
import type { Queryable } from './pools.ts';

/** A hub as one consumer group sees it. Compared in lower case, as Event Hubs does. */
export interface HubKey {
  namespace: string;
  hub: string;
  consumerGroup: string;
}

export interface OwnershipRow {
  partitionId: string;
  ownerId: string;
  etag: string;
  /** By the database's clock: a replica's own clock may be wrong. */
  ageMs: number;
}

export interface PositionRow {
  partitionId: string;
  sequenceNumber: number;
  offset: string;
  enqueuedAt: string | null;
}

/** A step forward in a partition. */
export interface PositionMove {
  key: HubKey;
  partitionId: string;
  /** Loses unless this owner still holds the partition. */
  ownerId: string;
  /** Loses unless the position is still this one; null: there is none yet. */
  from: number | null;
  to: { sequenceNumber: number; offset: string; enqueuedAt: string | null };
}

const WHERE = 'namespace = $1 and hub = $2 and consumer_group = $3';

function keyValues({ namespace, hub, consumerGroup }: HubKey): string[] {
  return [namespace.toLowerCase(), hub.toLowerCase(), consumerGroup.toLowerCase()];
}

/** All claims on a hub, released ones included. */
export async function listOwnership(db: Queryable, key: HubKey): Promise<OwnershipRow[]> {
  const { rows } = await db.query<OwnershipRow>({
    name: 'hub-list-ownership',
    text: `select partition_id as "partitionId", owner_id as "ownerId", etag,
      (extract(epoch from clock_timestamp() - modified_at) * 1000)::float8 as "ageMs" from event_hub_ownership where ${WHERE}`,
    values: keyValues(key),
  });
  return rows;
}

/** Claims or renews one partition. Returns the new etag, or null when somebody else was faster. */
export async function claimOwnership(
  db: Queryable,
  key: HubKey,
  claim: { partitionId: string; ownerId: string; etag: string | null },
): Promise<string | null> {
  const values = [...keyValues(key), claim.partitionId, claim.ownerId];
  const { rows } =
    claim.etag === null
      ? await db.query<{ etag: string }>({
          name: 'hub-first-claim',
          text: `insert into event_hub_ownership (namespace, hub, consumer_group, partition_id, owner_id, etag)
            values ($1, $2, $3, $4, $5, gen_random_uuid()) on conflict do nothing returning etag`,
          values,
        })
      : await db.query<{ etag: string }>({
          name: 'hub-claim',
          text: `update event_hub_ownership set owner_id = $5, etag = gen_random_uuid(), modified_at = now()
            where ${WHERE} and partition_id = $4 and etag = $6 returning etag`,
          values: [...values, claim.etag],
        });
  return rows[0]?.etag ?? null;
}

/**
 * The owner lives: none of its claims expires now. Rows that a slice of its own has locked are left out, for their commit
 * must not hold up the others, and the next second comes soon.
 */
export async function renewOwnership(db: Queryable, key: HubKey, ownerId: string): Promise<void> {
  await db.query({
    name: 'hub-renew',
    text: `with own as (select ctid from event_hub_ownership where ${WHERE} and owner_id = $4 for no key update skip locked)
      update event_hub_ownership o set modified_at = clock_timestamp() from own where o.ctid = own.ctid`,
    values: [...keyValues(key), ownerId],
  });
}

/** Gives up one partition or all, of one owner or of all, so that nobody need wait for a claim to expire. */
export async function releaseOwnership(
  db: Queryable,
  key: HubKey,
  { ownerId, partitionId }: { ownerId: string | null; partitionId: string | null },
): Promise<void> {
  await db.query({
    name: 'hub-release',
    text: `update event_hub_ownership set owner_id = '', etag = gen_random_uuid(), modified_at = now()
      where ${WHERE} and owner_id <> '' and ($4::text is null or owner_id = $4) and ($5::text is null or partition_id = $5)`,
    values: [...keyValues(key), ownerId, partitionId],
  });
}

/** How far each partition was read. */
export async function listPositions(db: Queryable, key: HubKey): Promise<PositionRow[]> {
  const { rows } = await db.query<PositionRow>({
    name: 'hub-list-positions',
    text: `select partition_id as "partitionId", sequence_number as "sequenceNumber", event_offset as "offset", enqueued_at as "enqueuedAt"
      from event_hub_positions where ${WHERE}`,
    values: keyValues(key),
  });
  return rows;
}

/**
 * Compare-and-set of a position, inside the transaction that stores the signals. False: another owner has the
 * partition, or somebody has moved its position. A move that is already done counts as done (a lost COMMIT).
 */
export async function movePosition(db: Queryable, move: PositionMove): Promise<boolean> {
  const values = [
    ...keyValues(move.key),
    move.partitionId,
    move.to.sequenceNumber,
    move.to.offset,
    move.to.enqueuedAt,
    move.ownerId,
  ];
  const owned = `select $1, $2, $3, $4, $5::bigint, $6, $7::timestamptz from event_hub_ownership
    where ${WHERE} and partition_id = $4 and owner_id = $8 for share`;
  const { rowCount } =
    move.from === null
      ? await db.query({
          name: 'hub-first-position',
          text: `insert into event_hub_positions as p (namespace, hub, consumer_group, partition_id, sequence_number, event_offset, enqueued_at)
            ${owned}
            on conflict (namespace, hub, consumer_group, partition_id) do update set moved_at = now() where p.sequence_number = $5::bigint`,
          values,
        })
      : await db.query({
          name: 'hub-move-position',
          text: `update event_hub_positions p set sequence_number = o.sequence_number, event_offset = o.event_offset, enqueued_at = o.enqueued_at, moved_at = now()
            from (${owned}) o(namespace, hub, consumer_group, partition_id, sequence_number, event_offset, enqueued_at)
            where p.namespace = o.namespace and p.hub = o.hub and p.consumer_group = o.consumer_group and p.partition_id = o.partition_id
              and p.sequence_number in ($9::bigint, $5::bigint)`,
          values: [...values, move.from],
        });
  return rowCount === 1;
}

/** Forgets a position that lies beyond the end of the hub: the hub was deleted and made anew. */
export async function forgetPosition(
  db: Queryable,
  key: HubKey,
  { partitionId, sequenceNumber }: { partitionId: string; sequenceNumber: number },
): Promise<void> {
  await db.query({
    name: 'hub-forget-position',
    text: `delete from event_hub_positions where ${WHERE} and partition_id = $4 and sequence_number = $5`,
    values: [...keyValues(key), partitionId, sequenceNumber],
  });
}
