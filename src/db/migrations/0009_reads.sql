-- Lists by place, subscription and state in the order in which they are shown, whatever the share of what is asked for:
-- at a million signals a region that nothing was in took 860,000 pages, and one subscription of 5,000 took 78,000.

-- The order of the list, beside what it is filtered by. Null only in rows that an older release writes beside this schema;
-- upkeep fills them in within a minute.
alter table incident_scope add column incident_seen_at timestamptz;
update incident_scope s set incident_seen_at = i.first_seen_at from incidents i where i.id = s.incident_id;
create index incident_scope_unplaced on incident_scope (incident_id) where incident_seen_at is null;

-- The last column is a condition that is checked in the index, without a look at the row.
create index incident_scope_by_region on incident_scope (lower(replace(region, ' ', '')), incident_seen_at, incident_id, lower(service));
create index incident_scope_by_service on incident_scope (lower(service), incident_seen_at, incident_id, lower(replace(region, ' ', '')));
create index incident_scope_by_subscription on incident_scope (subscription, incident_seen_at, incident_id);
drop index incident_scope_spot;
drop index incident_scope_subscription;
drop statistics incident_scope_spots;

create index incidents_by_state on incidents (state, first_seen_at desc, id desc);
