/** SQL of the delivery side: claims with a fence, outcomes, what is left out or held back. Workers never lock incidents (design 3.2). */
import type { Action, Memo, Receipt } from '#src/core/adapter.ts';
import type { Told } from '#src/core/plan.ts';
import type { Severity } from '#src/core/signal.ts';
import { FREE } from './due.ts';
import { freeHeld } from './pass-through.ts';
import type { Queryable } from './pools.ts';

/**
 * Condition on a delivery `d`: it is one of those that a statement was given, the CTE `name`. Says no more than the join
 * beside it, but leaves one way only to find the rows. Plans are kept (pools.ts), and one that was made while the tables
 * were empty walked through all deliveries for each batch: at 36,000 an outcome took 0.6 ms instead of 0.2.
 */
const oneOf = (name: string): string => `d.id = any(array(select id from ${name}))`;

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
        select d.id from deliveries d join want w on w.id = d.id and w.fence = d.fence where ${oneOf('want')} and ${FREE}
        order by d.id for no key update of d skip locked
      ), taken as (
        update deliveries d set fence = d.fence + 1, holder = $2, state = 'delivering', tries = d.tries + 1, step_since = coalesce(d.step_since, now())
        from free where free.id = d.id returning d.id, d.fence, d.wanted_revision
      ), lost as (
        update attempts a set outcome = 'unknown', reason = 'crashed', finished_at = now() from taken
        where a.delivery_id = taken.id and a.outcome is null and a.number < taken.fence
      ), started as (
        insert into attempts (delivery_id, number, action, covers_from, covers_to, is_repeat, wanted)
        select taken.id, taken.fence, w.action, w.covers_from, w.covers_to, w.is_repeat, taken.wanted_revision from taken join want w on w.id = taken.id
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
  /** The vendor can be asked later whether it took effect. */
  confirm: boolean;
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
          delivered int, told text, told_severity text, memo jsonb, state text, delay_ms double precision, confirm boolean, timeline json)
      ), held as (
        -- The state is compared so that no index can help: by the one on what is due, every outcome read the whole backlog
        select c.*, d.first_accepted_at is null as unaccepted from done c join deliveries d on d.id = c.id and d.fence = c.fence
        where ${oneOf('done')} and d.state || '' = 'delivering' order by d.id for no key update of d
      ), freed as (
        update deliveries d set holder = null,
          delivered_revision = greatest(d.delivered_revision, coalesce(c.delivered, d.delivered_revision)),
          told = c.told, told_severity = c.told_severity, memo = coalesce(c.memo, d.memo),
          state = case when c.state = 'delivered' and d.wanted_revision > coalesce(c.delivered, d.delivered_revision) then 'pending'
            -- news that came in while the last try was under way has woken nobody: it deserves tries of its own
            when c.state = 'failed' and d.wanted_revision > a.wanted then 'pending' else c.state end,
          reason = case when c.outcome = 'accepted' then null else c.reason end,
          next_attempt_at = now() + c.delay_ms * interval '1 millisecond',
          tries = case when c.delivered is null and not (c.state = 'failed' and d.wanted_revision > a.wanted) then d.tries else 0 end,
          step_since = case when c.delivered is null and not (c.state = 'failed' and d.wanted_revision > a.wanted) then d.step_since end,
          -- a try that failed says nothing about the accepted one that is to be asked about
          confirm_at = case when c.confirm then now() + interval '15 seconds' when c.outcome <> 'accepted' then d.confirm_at end,
          confirm_tries = case when c.outcome = 'accepted' then 0 else d.confirm_tries end,
          fallback_done = d.fallback_done and c.outcome <> 'accepted',
          last_accepted_at = case when c.outcome = 'accepted' then now() else d.last_accepted_at end,
          first_accepted_at = case when c.outcome = 'accepted' then coalesce(d.first_accepted_at, now()) else d.first_accepted_at end
        from held c left join attempts a on a.delivery_id = c.id and a.number = c.fence where c.id = d.id
        returning d.id, d.incident_id, d.wanted_revision > d.delivered_revision and d.state <> 'failed' as more, c.unaccepted and c.outcome = 'accepted' as first_accepted,
          d.created_at, c.fence, c.outcome, c.delivered, c.delivered is not null or c.state = 'failed' as settles, c.timeline
      ), recorded as (
        update attempts a set finished_at = now(), status = c.status, receipt = c.receipt, reason = c.reason,
          outcome = case when c.in_time then c.outcome else coalesce(a.outcome, 'unknown') end,
          detail = case when c.in_time then c.detail else left('late result discarded: ' || c.outcome, 500) end
        from (select *, id = any(array(select id from freed)) as in_time from done) c
        where a.delivery_id = c.id and a.number = c.fence and a.delivery_id = any(array(select id from done))
      ), settled as (
        update attempts a set settled = true from freed f
        where f.settles and a.delivery_id = f.id and a.number < f.fence and a.outcome = 'unknown' and not a.settled
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select incident_id, coalesce(delivered, (timeline #>> '{data,covers,1}')::int, 0), now(), 'attempt', timeline->>'summary', (timeline->'data')::jsonb from freed
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
        select d.id from deliveries d join left_out s on s.id = d.id and s.fence = d.fence where ${oneOf('left_out')} and ${FREE} order by d.id for no key update of d skip locked
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
  /** The revision that was wanted when it was judged: a newer one is judged anew. */
  wanted: number;
  /** Kind of cause, as in the plan. */
  why: string;
  /** What holds it: an incident or a silence by its id; null where there is no such thing. */
  by: string | null;
  /** What the message says of it once it goes out; null says nothing. */
  mark: string | null;
  /** Rows of scope that the incident had when it was judged. */
  scope: number;
  summary: string;
  data: Record<string, unknown>;
}

/**
 * Holds back; the decision is on the timeline once per revision and cause, not at every judgement. The tries begin anew
 * afterwards: a silence of a week must not count as a week of failing. Returns how many are out of the way.
 */
export async function hold(db: Queryable, holds: readonly Hold[]): Promise<number> {
  const { rows } = await db.query<{ moved: number }>({
    name: 'hold',
    text: `with held as (
        select * from json_to_recordset($1::json) as h(id text, fence int, wanted int, until timestamptz, why text, by text, mark text, scope int, summary text, data jsonb)
      ), before as (
        select d.id, d.state, d.held_why, d.held_by from deliveries d join held h on h.id = d.id and h.fence = d.fence
        where ${oneOf('held')} and d.wanted_revision = h.wanted and ${FREE} order by d.id for no key update of d skip locked
      ), moved as (
        update deliveries d set state = 'suppressed', held_why = h.why, held_by = h.by, held_scope = h.scope, held_revision = d.wanted_revision,
          held_mark = coalesce(h.mark, case when d.held_revision > d.delivered_revision then d.held_mark end), next_attempt_at = h.until, held_until = h.until,
          tries = 0, step_since = null
        from held h, before b where h.id = d.id and b.id = d.id
        returning d.id, d.incident_id, d.wanted_revision, d.next_attempt_at > now() as later, b.state <> 'suppressed' or (b.held_why, b.held_by) is distinct from (h.why, h.by) as news
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select m.incident_id, m.wanted_revision, now(), 'decision', h.summary, h.data from moved m join held h on h.id = m.id where m.news
      )
      select count(*)::int as moved from moved where later`,
    values: [JSON.stringify(holds)],
  });
  return rows[0]?.moved ?? 0;
}

/** What was held back by an outage that is over is due now. Returns the destinations to drain. */
export async function releaseHeld(db: Queryable): Promise<string[]> {
  return freeHeld(db, {
    name: 'release-held',
    values: [],
    which: `d.state = 'suppressed' and exists (select 1 from incidents p where p.id = d.held_by and p.state <> 'active')`,
  });
}

/** The policy says "not yet": due again at a moment. Returns how many are out of the way. */
export async function postpone(
  db: Queryable,
  waits: readonly { id: string; fence: number; wanted: number; until: string }[],
): Promise<number> {
  const { rows } = await db.query<{ later: boolean }>({
    name: 'postpone',
    text: `with waits as (
        select * from json_to_recordset($1::json) as w(id text, fence int, wanted int, until timestamptz)
      )
      update deliveries d set next_attempt_at = w.until, held_until = w.until
      from waits w where ${oneOf('waits')} and d.id = w.id and d.fence = w.fence and d.wanted_revision = w.wanted and ${FREE} returning d.next_attempt_at > now() as later`,
    values: [JSON.stringify(waits)],
  });
  return rows.filter((row) => row.later).length;
}

/**
 * Lets go of one claim whose outcome could not be written, although its process lives and keeps the lease: the try stays
 * without an outcome, so it is settled before anything newer. Nothing where somebody else has claimed it since.
 */
export async function letGo(
  db: Queryable,
  { id, fence, holder, delayMs }: { id: string; fence: number; holder: string; delayMs: number },
): Promise<void> {
  await db.query({
    name: 'let-go',
    text: `update deliveries set holder = null, state = 'retrying', next_attempt_at = now() + $4 * interval '1 millisecond'
      where id = $1 and fence = $2 and holder = $3 and state = 'delivering'`,
    values: [id, fence, holder, delayMs],
  });
}

/**
 * Tries again at once, by hand. `retrying` false where nothing is left to send, the try is under way, or it is held back;
 * null where there is no such delivery.
 */
export async function retryNow(
  db: Queryable,
  id: string,
  author: string,
): Promise<{ destination: string; retrying: boolean } | null> {
  const { rows } = await db.query<{ destination: string; retrying: boolean }>(
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
    select destination, exists (select 1 from again) as retrying from deliveries where id = $1`,
    [id, author],
  );
  return rows[0] ?? null;
}
