/** SQL of the delivery side: what is due, claims with a fence, outcomes. Workers never lock incidents (design 3.2). */
import type { Action, Memo, Receipt } from '#src/core/adapter.ts';
import type { Snapshot } from '#src/core/incident.ts';
import type { Told } from '#src/core/plan.ts';
import type { Severity } from '#src/core/signal.ts';
import type { IncidentRow } from './ingest.ts';
import type { Queryable } from './pools.ts';

/** A process that has not beaten for this long is dead and its leases are free (design 3.4). */
export const LEASE_DEAD_AFTER_MS = 5_000;
const DEAD = `interval '${LEASE_DEAD_AFTER_MS} milliseconds'`;
const FREE = `(d.holder is null or not exists (select 1 from workers w where w.id = d.holder and w.beat_at > now() - ${DEAD}))`;
const DUE = `d.state in ('pending', 'retrying', 'delivering', 'suppressed') and d.next_attempt_at <= now() and ${FREE}`;

export interface DueDelivery {
  id: string;
  destination: string;
  incidentId: string;
  fence: number;
  wantedRevision: number;
  deliveredRevision: number;
  firstRevision: number;
  told: Told;
  toldSeverity: Severity | null;
  memo: Memo;
  tries: number;
  stepSince: string | null;
  lastAcceptedAt: string | null;
  fallbackOf: string | null;
  incident: Omit<IncidentRow, 'posts' | 'after'>;
  revisions: { revision: number; recordedAt: string; snapshot: Snapshot; html: string | null }[] | null;
  unsettled: { action: Action; from: number; to: number; wasRepeat: boolean } | null;
  /** Highest revision of tries without an answer that were given up: what they told may have arrived. */
  doubtedRevision: number | null;
  /** An active outage on the same service and region that this destination has accepted; only for own alerts that were not told yet. */
  parent: { id: string; headline: string } | null;
  /** Alerts that are held back because of this incident, at this destination. */
  children: number;
  /** Failures in a row of the destination. */
  failures: number;
}

/**
 * Due deliveries of one destination, most pressing first, with all that planning and rendering needs. Takes no lock:
 * the claim that follows is what counts. Empty while the destination is paused or switched off.
 */
export async function findDue(db: Queryable, destination: string, limit: number): Promise<DueDelivery[]> {
  const { rows } = await db.query<DueDelivery>({
    name: 'find-due',
    text: `select d.id, d.destination, d.incident_id as "incidentId", d.fence, d.wanted_revision as "wantedRevision",
        d.delivered_revision as "deliveredRevision", d.first_revision as "firstRevision", d.told, d.told_severity as "toldSeverity",
        d.memo, d.tries, d.step_since as "stepSince", d.last_accepted_at as "lastAcceptedAt", d.fallback_of as "fallbackOf",
        json_build_object('id', i.id, 'identity', i.identity, 'episode', i.episode, 'trackingId', i.tracking_id, 'kind', i.kind,
          'state', i.state, 'severity', i.severity, 'title', i.title, 'stage', i.stage, 'headline', i.headline, 'details', i.details,
          'startedAt', i.started_at, 'mitigatedAt', i.mitigated_at, 'resolvedAt', i.resolved_at, 'endsAt', i.ends_at,
          'closedAt', i.closed_at, 'retracted', i.retracted, 'revision', i.revision, 'scopeCount', i.scope_count,
          'firstSeenAt', i.first_seen_at, 'lastSeenAt', i.last_seen_at) as incident,
        (select json_agg(json_build_object('revision', t.revision, 'recordedAt', t.recorded_at, 'snapshot', t.snapshot, 'html', t.data->>'html') order by t.revision)
          from timeline t where t.incident_id = d.incident_id and t.revision > d.delivered_revision and t.snapshot is not null) as revisions,
        (select json_build_object('action', a.action, 'from', a.covers_from, 'to', a.covers_to, 'wasRepeat', a.is_repeat)
          from attempts a where a.delivery_id = d.id and (a.outcome is null or (a.outcome = 'unknown' and not a.settled))
          order by a.number desc limit 1) as unsettled,
        (select max(a.covers_to) from attempts a where a.delivery_id = d.id and a.outcome = 'unknown' and a.settled
          and a.covers_to > d.delivered_revision) as "doubtedRevision",
        case when i.kind in ('alert', 'resource') and i.severity in ('warning', 'info') and d.told = 'nothing' then (
          select json_build_object('id', p.id, 'headline', p.headline) from incident_scope c
          join incident_scope s on s.service = c.service and s.region = c.region and s.incident_id <> c.incident_id
          join incidents p on p.id = s.incident_id and p.kind = 'outage' and p.state = 'active'
          join deliveries pd on pd.incident_id = p.id and pd.destination = d.destination and pd.told = 'open' and pd.first_accepted_at is not null
          where c.incident_id = d.incident_id and c.service <> '' and c.region <> '' limit 1) end as parent,
        case when i.kind = 'outage' then (select count(*) from deliveries h where h.held_by = i.id and h.destination = d.destination and h.state = 'suppressed') else 0 end::int as children,
        coalesce((select s.consecutive_failures from destination_state s where s.destination = $1), 0) as failures
      from deliveries d join incidents i on i.id = d.incident_id
      where d.destination = $1 and ${DUE}
        and not exists (select 1 from destination_state s where s.destination = $1 and (s.disabled or s.paused_until > now()))
      order by d.priority, d.next_attempt_at limit $2`,
    values: [destination, limit],
  });
  for (const row of rows) {
    for (const key of INCIDENT_TIMES) row.incident[key] = iso(row.incident[key]);
    row.incident.firstSeenAt = iso(row.incident.firstSeenAt)!;
    for (const revision of row.revisions ?? []) {
      revision.recordedAt = iso(revision.recordedAt)!;
      // The text stands beside the snapshot, not in it (db/ingest.ts).
      const { communication } = revision.snapshot;
      if (communication && communication.html === '') communication.html = revision.html ?? '';
    }
  }
  return rows;
}

const INCIDENT_TIMES = ['startedAt', 'mitigatedAt', 'resolvedAt', 'endsAt'] as const;

/** Inside JSON the server writes times with its own offset and precision. */
function iso(value: string | null): string | null {
  return value === null ? null : new Date(value).toISOString();
}

export interface Claim {
  id: string;
  fence: number;
  action: Action;
  covers_from: number;
  covers_to: number;
  is_repeat: boolean;
}

/**
 * Takes leases and starts the attempts, in one statement. Rows that another worker has claimed since they were read
 * are left out: the fence no longer fits. Tries of dead processes become `unknown`.
 * @returns the new fence, which is the number of the attempt, by delivery id
 */
export async function claim(db: Queryable, holder: string, claims: readonly Claim[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; fence: number }>({
    name: 'claim',
    text: `with want as (
        select * from json_to_recordset($1::json) as w(id text, fence int, action text, covers_from int, covers_to int, is_repeat boolean)
      ), free as (
        select d.id from deliveries d join want w on w.id = d.id and w.fence = d.fence where ${FREE}
        order by d.id for no key update of d skip locked
      ), taken as (
        update deliveries d set fence = d.fence + 1, holder = $2, state = 'delivering', tries = d.tries + 1, step_since = coalesce(d.step_since, now())
        from free where free.id = d.id returning d.id, d.fence
      ), lost as (
        update attempts a set outcome = 'unknown', reason = 'crashed', finished_at = now() from taken
        where a.delivery_id = taken.id and a.outcome is null and a.number < taken.fence
      ), started as (
        insert into attempts (delivery_id, number, action, covers_from, covers_to, is_repeat)
        select taken.id, taken.fence, w.action, w.covers_from, w.covers_to, w.is_repeat from taken join want w on w.id = taken.id
      )
      select id, fence from taken`,
    values: [JSON.stringify(claims), holder],
  });
  return new Map(rows.map((row) => [row.id, row.fence]));
}

export interface Completion {
  id: string;
  fence: number;
  outcome: 'accepted' | 'retryable' | 'permanent' | 'unknown';
  reason: string | null;
  status: number | null;
  detail: string | null;
  receipt: Receipt | null;
  /** New delivered revision; null leaves it where it was. */
  delivered: number | null;
  told: Told;
  told_severity: Severity | null;
  memo: Memo | null;
  /** State where nothing more is wanted. */
  state: 'delivered' | 'retrying' | 'failed';
  delay_ms: number;
  timeline: { summary: string; data: Record<string, unknown> };
}

export interface Completed {
  id: string;
  incidentId: string;
  /** More is wanted already. */
  more: boolean;
  firstAcceptedNow: boolean;
  createdAt: string;
}

/**
 * Writes outcomes under the newest fence and lets go of the leases. An outcome under an older fence changes nothing
 * but its own attempt row, which is marked as late.
 */
export async function complete(db: Queryable, completions: readonly Completion[]): Promise<Completed[]> {
  const { rows } = await db.query<Completed>({
    name: 'complete',
    text: `with done as (
        select * from json_to_recordset($1::json) as c(id text, fence int, outcome text, reason text, status int, detail text, receipt jsonb,
          delivered int, told text, told_severity text, memo jsonb, state text, delay_ms double precision, timeline json)
      ), held as (
        select d.id, d.first_accepted_at is null as unaccepted from deliveries d join done c on c.id = d.id and c.fence = d.fence and d.state = 'delivering'
        order by d.id for no key update of d
      ), freed as (
        update deliveries d set holder = null,
          delivered_revision = greatest(d.delivered_revision, coalesce(c.delivered, d.delivered_revision)),
          told = c.told, told_severity = c.told_severity, memo = coalesce(c.memo, d.memo),
          state = case when c.state = 'delivered' and d.wanted_revision > coalesce(c.delivered, d.delivered_revision) then 'pending' else c.state end,
          reason = case when c.outcome = 'accepted' then null else c.reason end,
          next_attempt_at = now() + c.delay_ms * interval '1 millisecond',
          tries = case when c.delivered is null then d.tries else 0 end,
          step_since = case when c.delivered is null then d.step_since end,
          last_accepted_at = case when c.outcome = 'accepted' then now() else d.last_accepted_at end,
          first_accepted_at = case when c.outcome = 'accepted' then coalesce(d.first_accepted_at, now()) else d.first_accepted_at end
        from done c, held h where c.id = d.id and h.id = d.id
        returning d.id, d.incident_id, d.wanted_revision > d.delivered_revision and d.state <> 'failed' as more, h.unaccepted and c.outcome = 'accepted' as first_accepted, d.created_at
      ), recorded as (
        update attempts a set finished_at = now(), status = c.status, receipt = c.receipt, reason = c.reason,
          outcome = case when f.id is null then coalesce(a.outcome, 'unknown') else c.outcome end,
          detail = case when f.id is null then left('late result discarded: ' || c.outcome, 500) else c.detail end
        from done c left join freed f on f.id = c.id where a.delivery_id = c.id and a.number = c.fence
      ), settled as (
        update attempts a set settled = true from done c join freed f on f.id = c.id
        where (c.delivered is not null or c.state = 'failed') and a.delivery_id = c.id and a.number < c.fence and a.outcome = 'unknown' and not a.settled
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select f.incident_id, coalesce(c.delivered, 0), now(), 'attempt', c.timeline->>'summary', (c.timeline->'data')::jsonb
        from freed f join done c on c.id = f.id
      )
      select id, incident_id as "incidentId", more, first_accepted as "firstAcceptedNow", created_at as "createdAt" from freed`,
    values: [JSON.stringify(completions)],
  });
  return rows;
}

export interface Skip {
  id: string;
  fence: number;
  to: number;
  summary: string;
  data: Record<string, unknown>;
}

/** Steps that the policy leaves out: the delivery moves on, with the decision on the timeline. No attempt, no fence. */
export async function skip(db: Queryable, skips: readonly Skip[]): Promise<void> {
  await db.query({
    name: 'skip',
    text: `with left_out as (
        select * from json_to_recordset($1::json) as s(id text, fence int, "to" int, summary text, data jsonb)
      ), held as (
        select d.id from deliveries d join left_out s on s.id = d.id and s.fence = d.fence where ${FREE} order by d.id for no key update of d skip locked
      ), moved as (
        update deliveries d set delivered_revision = greatest(d.delivered_revision, s."to"), holder = null, tries = 0, step_since = null,
          state = case when d.wanted_revision > s."to" then 'pending' else 'delivered' end
        from left_out s, held h where s.id = d.id and h.id = d.id
        returning d.id, d.incident_id
      )
      insert into timeline (incident_id, revision, at, kind, summary, data)
      select m.incident_id, s."to", now(), 'decision', s.summary, s.data from moved m join left_out s on s.id = m.id`,
    values: [JSON.stringify(skips)],
  });
}

export interface Hold {
  id: string;
  fence: number;
  until: string;
  parent: string;
  summary: string;
  data: Record<string, unknown>;
}

/** Holds back what a parent speaks for; the decision is on the timeline once, not at every judgement. */
export async function hold(db: Queryable, holds: readonly Hold[]): Promise<void> {
  await db.query({
    name: 'hold',
    text: `with held as (
        select * from json_to_recordset($1::json) as h(id text, fence int, until timestamptz, parent text, summary text, data jsonb)
      ), before as (
        select d.id, d.state from deliveries d join held h on h.id = d.id and h.fence = d.fence where ${FREE} order by d.id for no key update of d skip locked
      ), moved as (
        update deliveries d set state = 'suppressed', held_by = h.parent, next_attempt_at = h.until
        from held h, before b where h.id = d.id and b.id = d.id returning d.id, d.incident_id, d.wanted_revision, b.state as was
      )
      insert into timeline (incident_id, revision, at, kind, summary, data)
      select m.incident_id, m.wanted_revision, now(), 'decision', h.summary, h.data from moved m join held h on h.id = m.id where m.was <> 'suppressed'`,
    values: [JSON.stringify(holds)],
  });
}

/** What was held back by an outage that is over is due now. Returns the destinations to drain. */
export async function releaseHeld(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ destination: string }>({
    name: 'release-held',
    text: `update deliveries d set next_attempt_at = now() from incidents p
      where d.state = 'suppressed' and d.held_by = p.id and p.state <> 'active' and d.next_attempt_at > now() returning d.destination`,
  });
  return [...new Set(rows.map((row) => row.destination))];
}

/** The policy says "not yet": due again at a moment. */
export async function postpone(
  db: Queryable,
  waits: readonly { id: string; fence: number; until: string }[],
): Promise<void> {
  await db.query({
    name: 'postpone',
    text: `update deliveries d set next_attempt_at = w.until
      from json_to_recordset($1::json) as w(id text, fence int, until timestamptz) where d.id = w.id and d.fence = w.fence and ${FREE}`,
    values: [JSON.stringify(waits)],
  });
}

/**
 * Forgets every process: their leases are free at once. Only for a process that has the database to itself, which knows
 * that all others are dead.
 */
export async function forgetWorkers(db: Queryable): Promise<void> {
  await db.query('delete from workers');
}

/** Lets go of what a process holds without an outcome it could write: the tries stay unknown. Used at shutdown. */
export async function releaseHolder(db: Queryable, holder: string): Promise<void> {
  await db.query(
    `update deliveries set holder = null, state = 'retrying', next_attempt_at = now() where holder = $1 and state = 'delivering'`,
    [holder],
  );
}

/** Destinations with work that has been due for a while: a ring was lost, or a worker died (design 3.3). */
export async function findNeglected(db: Queryable, dueForMs: number): Promise<string[]> {
  const { rows } = await db.query<{ destination: string }>({
    name: 'find-neglected',
    text: `select distinct d.destination from deliveries d where ${DUE} and d.next_attempt_at <= now() - $1 * interval '1 millisecond'
      and not exists (select 1 from destination_state s where s.destination = d.destination and (s.disabled or s.paused_until > now()))`,
    values: [dueForMs],
  });
  return rows.map((row) => row.destination);
}

/** The process is alive: its leases hold. Inserts the row at the first beat. */
export async function beat(db: Queryable, worker: { id: string; host: string; role: string }): Promise<void> {
  await db.query({
    name: 'beat',
    text: `insert into workers (id, host, role) values ($1, $2, $3) on conflict (id) do update set beat_at = now()`,
    values: [worker.id, worker.host, worker.role],
  });
}

/** The process has ended in order; rows of processes that have long been dead go as well. */
export async function unregister(db: Queryable, id: string): Promise<void> {
  await db.query(`delete from workers where id = $1 or beat_at < now() - interval '1 day'`, [id]);
}

/** Tries again at once, by hand. Returns the destination to ring for; null where there is nothing to retry. */
export async function retryNow(db: Queryable, id: string, author: string): Promise<string | null> {
  const { rows } = await db.query<{ destination: string }>(
    `with again as (
      update deliveries set state = 'pending', next_attempt_at = now(), tries = 0, step_since = null, fallback_done = false
      where id = $1 and state in ('failed', 'retrying', 'pending') returning incident_id, destination, wanted_revision
    ), woken as (
      update destination_state s set paused_until = null, disabled = false from again where s.destination = again.destination
    ), told as (
      insert into timeline (incident_id, revision, at, kind, summary, data)
      select incident_id, wanted_revision, now(), 'decision', destination || ': tried again by ' || $2::text,
        jsonb_build_object('decision', 'retry', 'destination', destination, 'author', $2::text) from again
    )
    select destination from again`,
    [id, author],
  );
  return rows[0]?.destination ?? null;
}
