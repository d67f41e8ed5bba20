-- Coverage: what the last audit found, what changed in the ways to us, which weekly summaries went out.

-- One document, written by whichever replica audited.
create table coverage_state (
  one boolean primary key default true check (one),
  version bigint not null,
  -- of the audit in data; the last try may have failed since
  taken_at timestamptz not null,
  tried_at timestamptz not null default now(),
  fault text,
  data jsonb
);

create table coverage_changes (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  subscription text not null,
  detail text not null
);
create index coverage_changes_at on coverage_changes (at);

-- One row per week: whoever inserts it sends. Null outcome: being sent, or its process died while it was.
create table coverage_summaries (
  week text primary key,
  claimed_at timestamptz not null default now(),
  next_at timestamptz,
  tries int not null default 1,
  outcome text
);

-- Deadlines: the calendar looks at every maintenance and advisory. Kinds do not change, so updates stay as cheap as they are.
create index incidents_deadlines on incidents (kind, id) where kind in ('maintenance', 'advisory');
