-- What a list shows of where an incident is, kept with the incident: 50 outages of 500 subscriptions each were 25,000 rows
-- of scope to read for one page, 33 ms. Null until the incident is written again; the list then reads its scope, as before.
alter table incidents add column place jsonb;
