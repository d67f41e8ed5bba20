-- The canary: marked signals through the whole chain, and what the auditor last found.

-- One row per canary that was sent. Kept for an hour.
create table canaries (
  -- what the signal carries as its mark
  id text primary key,
  receiver text not null,
  sent_at timestamptz not null default now(),
  -- the door took it
  received_at timestamptz,
  -- the built-in destination heard it
  returned_at timestamptz,
  -- what the door answered where it did not take it
  fault text
);
create index canaries_sent on canaries (sent_at);

-- The last canary that passed each hop, by receiver: ages grow from the first hop that is broken.
create table canary_hops (
  receiver text not null,
  hop text not null,
  -- null until the first canary has passed
  passed_at timestamptz,
  took_ms int,
  since timestamptz not null default now(),
  primary key (receiver, hop)
);

-- Who sends canaries at the moment, and what came of the last round. One row.
create table canary_watch (
  one boolean primary key default true check (one),
  holder text not null,
  since timestamptz not null default now(),
  lease_until timestamptz not null,
  round_at timestamptz,
  -- null before the first round is over
  passed boolean,
  faults text[] not null default '{}',
  audited_at timestamptz,
  findings jsonb not null default '{}',
  beat_at timestamptz,
  beat_tried_at timestamptz,
  beat_fault text
);

-- Canaries leave whole; nobody lists them.
create index incidents_canaries on incidents (first_seen_at) where kind = 'canary';

-- The auditor looks at the newest signals only. Rows come in the order of time, so a range index of a few pages does,
-- and an insert pays next to nothing for it.
create index signals_received on signals using brin (received_at) with (pages_per_range = 16, autosummarize = on);
