-- Event Hub consumers share partitions and keep their positions here (design section 3, azure-local 2.2). All names in lower case.

-- Who reads a partition. A claim wins only with the etag that it last saw.
create table event_hub_ownership (
  namespace text not null,
  hub text not null,
  consumer_group text not null,
  partition_id text not null,
  -- '' once released
  owner_id text not null,
  etag uuid not null,
  modified_at timestamptz not null default now(),
  primary key (namespace, hub, consumer_group, partition_id)
);

-- The last event of a partition whose signals are durable; moved in the transaction that stores them.
create table event_hub_positions (
  namespace text not null,
  hub text not null,
  consumer_group text not null,
  partition_id text not null,
  sequence_number bigint not null,
  event_offset text not null,
  enqueued_at timestamptz,
  moved_at timestamptz not null default now(),
  primary key (namespace, hub, consumer_group, partition_id)
);
