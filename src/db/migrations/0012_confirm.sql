-- When to ask a vendor whether an accepted call took effect; null where there is nothing to ask.
alter table deliveries add column confirm_at timestamptz;
alter table deliveries add column confirm_tries int not null default 0;
create index deliveries_confirm on deliveries (confirm_at) where confirm_at is not null;
