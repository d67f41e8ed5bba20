-- Back-fill: when we were there, which gaps there were, how far we have looked. Estate: our own resources as last read.

-- One row per minute and process in which the process was alive and this database took its word.
create table relay_seen (
  minute timestamptz not null,
  process text not null,
  first_at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  primary key (minute, process)
);

-- Spans in which Azure could not reach us, and news that did not reach us.
create table gaps (
  id bigint generated always as identity primary key,
  -- what makes it the same gap: the start of a span, or cause and incident
  key text not null unique,
  from_at timestamptz not null,
  to_at timestamptz not null,
  cause text not null,
  recorded_at timestamptz not null default now(),
  -- communications that a pull has found, and when the last of them was
  found int not null default 0,
  found_at timestamptz,
  tracking_ids text[] not null default '{}',
  subscriptions int not null default 0
);
create index gaps_recent on gaps (to_at desc, id desc);

-- The last round of back-fill, of whichever replica.
create table backfill_state (
  one boolean primary key default true check (one),
  kind text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  -- everything that Azure published before was compared
  covered_until timestamptz,
  ok_at timestamptz,
  calls int not null default 0,
  events int not null default 0,
  found int not null default 0,
  subscriptions int not null default 0,
  faults text[] not null default '{}'
);

-- Our own resources as Resource Graph last told them: one document, read whole by every process.
create table estate (
  one boolean primary key default true check (one),
  version bigint not null,
  taken_at timestamptz not null,
  tried_at timestamptz not null default now(),
  fault text,
  data jsonb
);
