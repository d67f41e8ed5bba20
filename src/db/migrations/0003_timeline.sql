-- The record for the review: words to search by, what vendors called back, and the events that alerts are related to.

-- What a vendor told us about a person's doing. The key makes a repeated call harmless; a call that matches no incident
-- is kept with the reason.
create table callbacks (
  vendor text not null,
  event_key text not null,
  -- the vendor's own id of the record, so that a later call without our key finds the incident again
  record text,
  event text not null,
  actor text,
  at timestamptz not null,
  received_at timestamptz not null default now(),
  incident_id text,
  reason text,
  -- the start of the body where no incident was found
  raw text,
  primary key (vendor, event_key)
);
create index callbacks_record on callbacks (vendor, record) where incident_id is not null;
create index callbacks_unmatched on callbacks (received_at desc) where incident_id is null;

-- Words of titles and tracking IDs, of posts and notes. Signs between words are blanks, so that CNT1-0AR is two words
-- and is found by each; src/db/search.ts builds the same on the other side. 100,000 characters stay below what a tsvector takes.
create index incidents_words on incidents using gin (
  to_tsvector('simple', regexp_replace(left(headline || ' ' || title || ' ' || identity, 100000), '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]+', ' ', 'g'))
);
create index timeline_words on timeline using gin (
  to_tsvector('simple', regexp_replace(left(coalesce(data->>'text', ''), 100000), '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]+', ' ', 'g'))
) where kind in ('communication', 'note');

-- Few rows among many alerts: looked through for each alert that is shown.
create index incidents_events on incidents (first_seen_at desc) where kind in ('outage', 'maintenance', 'advisory', 'security');
create index incidents_own_alerts on incidents (first_seen_at desc) where kind in ('alert', 'resource');

-- The page of sources shows what was not understood. The index of 0001 held every duplicate of a storm as well, since
-- those have a reason too.
drop index signals_odd;
create index signals_unclear on signals (received_at desc)
  where outcome in ('unrecognised', 'test') or (reason is not null and outcome not in ('duplicate', 'noted'));

-- Filters by place ignore the case, and the index of 0001 did not: nothing could use it.
drop index incident_scope_place;
create index incident_scope_spot on incident_scope (lower(region), lower(service), incident_id);
-- Services and regions go together; without this the planner walks through all incidents for a pair that does not exist.
create statistics incident_scope_spots (ndistinct, dependencies, mcv) on lower(region), lower(service) from incident_scope;
