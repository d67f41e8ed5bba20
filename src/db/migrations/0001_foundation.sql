-- The tables of the design's section 5. Forward only; a later release may add, and drops what it no longer needs one release after.
-- Foreign keys are left out on the hot tables on purpose: rows are only ever written by the ingest and delivery
-- statements that know their parents, and each key check would cost a lock on the parent row per insert.

create table signals (
  id text primary key,
  fingerprint text not null unique,
  source text not null,
  schema text not null,
  type text not null,
  received_at timestamptz not null default now(),
  occurred_at timestamptz not null,
  incident_id text,
  outcome text not null,
  reason text,
  title text not null,
  -- null once retention has removed the body; the row stays as the tombstone of the fingerprint
  raw text
);
create index signals_incident on signals (incident_id, received_at);
create index signals_source on signals (source, received_at desc);
-- what was not understood, for the page of sources
create index signals_odd on signals (received_at desc) where outcome in ('unrecognised', 'test') or reason is not null;

create table incidents (
  id text primary key,
  identity text not null,
  episode int not null,
  latest boolean not null default true,
  tracking_id text,
  kind text not null,
  state text not null,
  severity text not null,
  title text not null,
  stage text,
  headline text not null,
  details jsonb not null default '{}',
  started_at timestamptz,
  mitigated_at timestamptz,
  resolved_at timestamptz,
  ends_at timestamptz,
  closed_at timestamptz,
  retracted boolean not null default false,
  revision int not null,
  -- what the fold needs: the set of posts, and the end of the episode before this one
  posts jsonb not null,
  after timestamptz,
  scope_count int not null default 0,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  unique (identity, episode)
);
create unique index incidents_latest on incidents (identity) where latest;
create index incidents_tracking on incidents (lower(tracking_id), episode desc) where tracking_id is not null;
create index incidents_recent on incidents (first_seen_at desc, id desc);
create index incidents_open on incidents (kind, first_seen_at desc) where state in ('planned', 'active');

create table incident_scope (
  incident_id text not null,
  -- hash of the other columns: a short key for rows that repeat thousands of times
  key text not null,
  subscription text not null,
  service text not null,
  region text not null,
  resource text not null,
  source text not null,
  rule text not null,
  schema text not null,
  first_seen_at timestamptz not null,
  primary key (incident_id, key)
);
create index incident_scope_subscription on incident_scope (subscription, incident_id);
create index incident_scope_place on incident_scope (service, region, incident_id);

create table timeline (
  id bigint generated always as identity primary key,
  incident_id text not null,
  revision int not null,
  at timestamptz not null,
  recorded_at timestamptz not null default now(),
  kind text not null,
  summary text not null,
  data jsonb not null default '{}',
  -- the incident as of this revision, on the one entry that stands for it
  snapshot jsonb
);
create index timeline_incident on timeline (incident_id, at, id);
create unique index timeline_revision on timeline (incident_id, revision) where snapshot is not null;

-- lz4 costs a fifth of the default's time; a server that was built without it keeps the default
do $$ begin
  alter table signals alter column raw set compression lz4;
  alter table timeline alter column data set compression lz4;
exception when feature_not_supported or syntax_error or invalid_parameter_value then null;
end $$;

create table deliveries (
  id text primary key,
  incident_id text not null,
  -- the name in the config; the id is what stays when a destination is renamed (null: they are the same)
  destination text not null,
  destination_id text,
  type text not null,
  state text not null default 'pending',
  wanted_revision int not null,
  delivered_revision int not null default 0,
  first_revision int not null,
  told text not null default 'nothing',
  told_severity text,
  memo jsonb not null default '{}',
  -- opens and resolves before updates, severe before mild (design 3.6)
  priority smallint not null default 0,
  next_attempt_at timestamptz not null default now(),
  -- tries of the present step, and when the first of them was
  tries int not null default 0,
  step_since timestamptz,
  -- the process that has claimed it; alive as long as its row in workers beats
  holder text,
  -- grows with each claim and is the number of that attempt
  fence int not null default 0,
  reason text,
  fallback_of text,
  -- the outage that speaks for this one while the state is `suppressed`
  held_by text,
  fallback_done boolean not null default false,
  wanted_at timestamptz not null default now(),
  last_accepted_at timestamptz,
  first_accepted_at timestamptz,
  created_at timestamptz not null default now(),
  unique (incident_id, destination)
);
-- the only rows that the claim and the reconciler look at, in the order of the claim: a backlog of any length costs the same
create index deliveries_due on deliveries (destination, priority, next_attempt_at) where state in ('pending', 'retrying', 'delivering', 'suppressed');
create index deliveries_held on deliveries (held_by, destination) where state = 'suppressed';
create index deliveries_failed on deliveries (destination) where state = 'failed';

create table attempts (
  delivery_id text not null,
  number int not null,
  action text not null,
  covers_from int not null,
  covers_to int not null,
  is_repeat boolean not null default false,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  -- null while the call is under way, and for ever when its process died: that is `unknown` (design 3.5)
  outcome text,
  -- an unknown outcome that a later try has settled
  settled boolean not null default false,
  reason text,
  status int,
  detail text,
  receipt jsonb,
  primary key (delivery_id, number)
);
create index attempts_open on attempts (delivery_id) where outcome is null or (outcome = 'unknown' and not settled);

-- One row per destination, shared by all replicas: pauses after 429, breaker (design 3.6).
create table destination_state (
  destination text primary key,
  paused_until timestamptz,
  pause_reason text,
  consecutive_failures int not null default 0,
  disabled boolean not null default false,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_reason text
);

-- Processes that hold leases; one that has not beaten for 5 s is dead (design 3.4).
create table workers (
  id text primary key,
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now(),
  host text not null,
  role text not null
);
