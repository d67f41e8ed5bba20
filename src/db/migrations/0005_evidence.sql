-- Evidence: what metrics and logs say about our own resources in the time of an incident.

-- One row per incident that was looked at: when to look again, and how often we did.
create table evidence_rounds (
  incident_id text primary key,
  number int not null default 0,
  taken_at timestamptz not null default now(),
  next_at timestamptz not null default now(),
  -- looked at for the last time, after its end
  over boolean not null default false
);
create index evidence_rounds_open on evidence_rounds (next_at) where not over;

-- The newest word on each resource. The timeline keeps what it was before.
create table evidence (
  incident_id text not null,
  resource text not null,
  verdict text not null,
  reason text not null,
  -- the last verdict that destinations were told; null: none
  told text,
  -- checks with their numbers and points, serving regions, advice
  data jsonb not null,
  taken_at timestamptz not null,
  primary key (incident_id, resource)
);
