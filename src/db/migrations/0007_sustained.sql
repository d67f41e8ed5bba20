-- Flap damping: one page of a vendor goes on over the episodes of an alert that flaps.

-- the episode whose vendor key the delivery goes on with; null: its own
alter table deliveries add column key_episode int;
-- since when what the destination has open says that it flaps
alter table deliveries add column flapping_since timestamptz;
-- when to say that it has stopped, where nothing else will make the delivery due
alter table deliveries add column flapping_until timestamptz;
create index deliveries_flapping on deliveries (flapping_until) where flapping_until is not null;
