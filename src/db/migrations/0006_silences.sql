-- Windows in which routes keep quiet, and the switch that turns off all holding back.

create table silences (
  id text primary key,
  from_at timestamptz not null,
  until_at timestamptz not null,
  -- key -> patterns, as in the match of a route
  match jsonb not null,
  -- null: every destination
  destinations text[],
  author text not null,
  reason text not null default '',
  created_at timestamptz not null default now(),
  -- lifted before its end, and by whom
  ended_at timestamptz,
  ended_by text,
  check (until_at > from_at)
);
-- each look for what is due reads those that are not over
create index silences_until on silences (until_at) where ended_at is null;

-- Every turn of the switch; the newest row is how it stands.
create table pass_through (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  turned_on boolean not null,
  author text not null,
  reason text not null default ''
);

-- What a delivery that is held back remembers: the kind of cause, the words for its message, the revision and the rows of
-- scope that it was judged on, and until when it was held, or waited for its policy's time, the last time.
alter table deliveries add column held_why text;
alter table deliveries add column held_mark text;
alter table deliveries add column held_revision int;
alter table deliveries add column held_scope int;
alter table deliveries add column held_until timestamptz;
