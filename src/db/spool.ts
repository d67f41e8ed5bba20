/** SQL around a time without Postgres: what is over, and what was told directly meanwhile. */
import type { Memo, Receipt } from '#src/core/adapter.ts';
import type { Queryable } from './pools.ts';

/** Newest outages and security posts, and whether they are over. */
export async function readEnded(db: Queryable, limit: number): Promise<{ identity: string; over: boolean }[]> {
  const { rows } = await db.query<{ identity: string; over: boolean }>({
    name: 'read-ended',
    text: `select identity, state in ('resolved', 'closed') as over from incidents
      where kind in ('outage', 'security') and latest order by first_seen_at desc limit $1`,
    values: [limit],
  });
  return rows;
}

/** An opening that was made without the database. */
export interface DirectAttempt {
  identity: string;
  destination: string;
  destinationId: string;
  type: string;
  deliveryId: string;
  startedAt: string;
  finishedAt: string | null;
  outcome: 'accepted' | 'unknown';
  status: number | null;
  detail: string | null;
  receipt: Receipt | null;
  memo: Memo | null;
  severity: string;
}

/**
 * Enters openings that were made directly, in the transaction that takes in the signals they were made for: the worker
 * finds them told and does not open again, and resolves what is over (design 3.7).
 */
export async function recordDirect(db: Queryable, attempts: readonly DirectAttempt[]): Promise<void> {
  if (attempts.length === 0) return;
  await db.query({
    name: 'record-direct',
    text: `with direct as (
        select i.id as incident_id, i.revision, a.* from json_to_recordset($1::json) as a(identity text, destination text, "destinationId" text, type text, "deliveryId" text,
          "startedAt" timestamptz, "finishedAt" timestamptz, outcome text, status int, detail text, receipt jsonb, memo jsonb, severity text)
        join incidents i on i.identity = a.identity and i.latest
      ), promised as (
        insert into deliveries (id, incident_id, destination, destination_id, type, wanted_revision, first_revision)
        select "deliveryId", incident_id, destination, "destinationId", type, revision, revision from direct order by 1
        on conflict (incident_id, destination) do update set fence = deliveries.fence
        returning id, incident_id, destination, fence, told
      )
      insert into attempts (delivery_id, number, action, covers_from, covers_to, started_at, finished_at, outcome, settled, reason, status, detail, receipt)
      select p.id, p.fence + 1, 'open', 1, 1, d."startedAt", coalesce(d."finishedAt", now()), d.outcome, d.outcome = 'accepted', case when d.outcome = 'unknown' then 'crashed' end,
        d.status, left(coalesce(d.detail, '') || ' (told directly while the database was away)', 500), d.receipt
      from promised p join direct d on d.incident_id = p.incident_id and d.destination = p.destination
      where p.told = 'nothing'
      on conflict do nothing`,
    values: [JSON.stringify(attempts)],
  });
  await db.query({
    name: 'record-direct-told',
    text: `with direct as (
        select i.id as incident_id, i.revision, a.* from json_to_recordset($1::json) as a(identity text, destination text, outcome text, memo jsonb, severity text, "finishedAt" timestamptz)
        join incidents i on i.identity = a.identity and i.latest
      ), told as (
        update deliveries d set fence = d.fence + 1, holder = null, told = 'open', told_severity = a.severity, memo = coalesce(a.memo, d.memo),
          delivered_revision = case when a.outcome = 'accepted' then greatest(d.delivered_revision, 1) else d.delivered_revision end,
          state = case when a.outcome = 'accepted' and d.wanted_revision = 1 then 'delivered' else 'pending' end, next_attempt_at = now(),
          first_accepted_at = case when a.outcome = 'accepted' then coalesce(d.first_accepted_at, a."finishedAt", now()) else d.first_accepted_at end,
          last_accepted_at = case when a.outcome = 'accepted' then coalesce(a."finishedAt", now()) else d.last_accepted_at end,
          -- the vendor may have dropped it like any other opening
          confirm_at = case when a.outcome = 'accepted' then now() end, confirm_tries = 0
        from direct a where d.incident_id = a.incident_id and d.destination = a.destination and d.told = 'nothing' returning d.incident_id, d.destination, a.revision
      )
      insert into timeline (incident_id, revision, at, kind, summary, data)
      select incident_id, revision, now(), 'decision', destination || ': opened directly while the database was away',
        jsonb_build_object('decision', 'fail-open', 'destination', destination) from told`,
    values: [JSON.stringify(attempts)],
  });
}
