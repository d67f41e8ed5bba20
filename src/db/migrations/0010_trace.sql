-- W3C traceparent of the signal that made the newest news of a delivery, so that its attempts join that trace. Filled only
-- while traces are on; nothing depends on it.
alter table deliveries add column trace text;
