-- Retention looks by age at all of them; the index of 0003 holds those without an incident only.
create index callbacks_received on callbacks (received_at);
-- New words wait in a list until they are put into the index in bulk. At the default of 4 MB the commit that filled the list
-- did that for all before it: 150 to 180 ms, once in about 3,600 new incidents, while everybody waited. Upkeep does it now,
-- every few seconds; 64 MB (the unit is kB) is what 57,000 new incidents leave. Last, for it locks out whoever writes or
-- searches until the end of this transaction.
alter index timeline_words set (gin_pending_list_limit = 65536);
alter index incidents_words set (gin_pending_list_limit = 65536);
