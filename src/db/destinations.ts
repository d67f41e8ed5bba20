/** SQL about destinations as all replicas share them: pauses, breaker, health, what is owed to each. */
import { FREE } from './due.ts';
import { PASS_THROUGH_ON } from './pass-through.ts';
import type { Queryable } from './pools.ts';

/** After this many failures in a row a destination gets one probe at a time, with doubling pauses (design 3.6). */
export const BREAKER_AFTER = 5;
const PAUSE_MAX_S = 300;

export interface DestinationHealth {
  destination: string;
  pausedUntil: string | null;
  pauseReason: string | null;
  consecutiveFailures: number;
  disabled: boolean;
  lastSuccessAt: string | null;
  lastFailureAt: string | null;
  lastReason: string | null;
}

/** One row per destination that was ever called. */
export async function readHealth(db: Queryable): Promise<DestinationHealth[]> {
  const { rows } = await db.query<DestinationHealth>(
    `select destination, paused_until as "pausedUntil", pause_reason as "pauseReason", consecutive_failures as "consecutiveFailures", disabled,
      last_success_at as "lastSuccessAt", last_failure_at as "lastFailureAt", last_reason as "lastReason" from destination_state order by destination`,
  );
  return rows;
}

/** A call worked: the breaker closes. Written only when there was something to clear, or once in a while. */
export async function recordSuccess(db: Queryable, destination: string): Promise<void> {
  await db.query({
    name: 'record-success',
    text: `insert into destination_state as s (destination, last_success_at) values ($1, now())
      on conflict (destination) do update set last_success_at = now(), consecutive_failures = 0, paused_until = null, pause_reason = null
      where s.consecutive_failures > 0 or s.last_success_at is null or s.last_success_at < now() - interval '5 seconds'
        or s.last_failure_at >= s.last_success_at`,
    values: [destination],
  });
}

/** A message was refused for good. That neither pauses the destination nor counts towards its breaker, but it is its last word. */
export async function recordRefusal(db: Queryable, destination: string, reason: string): Promise<void> {
  await db.query({
    name: 'record-refusal',
    text: `insert into destination_state as s (destination, last_failure_at, last_reason) values ($1, now(), $2)
      on conflict (destination) do update set last_failure_at = now(), last_reason = $2`,
    values: [destination, reason],
  });
}

/** A call that was under way when the breaker opened says what is known: each of twenty would double the pause, to minutes. */
const UNDER_WAY = `(s.consecutive_failures >= ${BREAKER_AFTER} and s.paused_until > now())`;

/**
 * A call failed for a reason that concerns the destination, not the message.
 * @param pauseMs pause that the vendor asked for; the breaker adds its own from the fifth failure in a row
 */
export async function recordFailure(
  db: Queryable,
  destination: string,
  failure: { reason: string; pauseMs: number; disable: boolean },
): Promise<void> {
  await db.query({
    name: 'record-failure',
    text: `insert into destination_state as s (destination, consecutive_failures, last_failure_at, last_reason, paused_until, pause_reason, disabled)
      values ($1, 1, now(), $2, case when $3 > 0 then now() + $3 * interval '1 millisecond' end, case when $3 > 0 then $2 end, $4)
      on conflict (destination) do update set
        consecutive_failures = s.consecutive_failures + case when ${UNDER_WAY} then 0 else 1 end, last_failure_at = now(), last_reason = $2, disabled = s.disabled or $4,
        pause_reason = $2,
        paused_until = greatest(s.paused_until, case when $3 > 0 then now() + $3 * interval '1 millisecond' end,
          case when not ${UNDER_WAY} and s.consecutive_failures + 1 >= ${BREAKER_AFTER}
            then now() + least(power(2, s.consecutive_failures + 1 - ${BREAKER_AFTER}), ${PAUSE_MAX_S}) * interval '1 second' end)`,
    values: [destination, failure.reason, failure.pauseMs, failure.disable],
  });
}

export interface Backlog {
  destination: string;
  state: string;
  count: number;
  /** Age of the oldest undelivered revision, seconds; 0 where all is level. */
  oldestS: number;
}

/** Deliveries by destination and state. */
export async function readBacklog(db: Queryable): Promise<Backlog[]> {
  const { rows } = await db.query<Backlog>(
    `select destination, state, count(*) as count,
      coalesce(max(extract(epoch from now() - wanted_at)) filter (where state in ('pending', 'retrying', 'delivering')), 0)::float8 as "oldestS"
     from deliveries group by 1, 2 order by 1, 2`,
  );
  return rows;
}

export interface Unreached {
  id: string;
  incidentId: string;
  destination: string;
  wantedRevision: number;
  reason: string | null;
  failed: boolean;
}

/**
 * Deliveries whose failure is news: failed for good, or without any accepted receipt for so long (design 3.7). What is held
 * back counts once it is due and nobody can look at it, for its destination is switched off, paused or gone, unless what
 * holds it still does.
 * @param silences ids of the config's silences that are in force; null: nothing may hold back
 */
export async function findUnreached(
  db: Queryable,
  after: Readonly<Record<string, number>>,
  silences: readonly string[] | null = [],
): Promise<Unreached[]> {
  const { rows } = await db.query<Unreached>({
    name: 'find-unreached',
    text: `select d.id, d.incident_id as "incidentId", d.destination, d.wanted_revision as "wantedRevision", d.reason, d.state = 'failed' as failed
      from (
        -- each part by its partial index: what is level must cost nothing
        select * from deliveries where state = 'failed'
        union all select * from deliveries where state in ('pending', 'retrying', 'delivering', 'suppressed') and first_accepted_at is null
      ) d join incidents i on i.id = d.incident_id
      left join json_each_text($1::json) a on a.key = d.destination
      where not d.fallback_done and d.fallback_of is null and i.kind <> 'canary'
        and (d.state = 'failed' or (d.first_accepted_at is null
          -- what was held back, or waited for its policy's time, has its time from the first try after it; news of what was
          -- left out so far (told by the peer, by policy) has its time from its own beginning
          and case when d.state = 'suppressed' then coalesce(d.held_until, d.next_attempt_at)
            else greatest(case when d.delivered_revision >= d.first_revision then d.wanted_at end,
              case when d.held_until is null then d.created_at else coalesce(d.step_since, d.held_until) end) end
            < now() - coalesce(a.value::float8, 300000) * interval '1 millisecond'))
        and (d.state <> 'suppressed' or a.key is null or exists (
          select 1 from destination_state s where s.destination = d.destination and (s.disabled or s.paused_until > now())))
        and not (d.state = 'suppressed' and $2::text[] is not null and not ${PASS_THROUGH_ON} and case coalesce(d.held_why, 'parent')
          when 'parent' then exists (select 1 from incidents p where p.id = d.held_by and p.state = 'active')
          when 'silence' then i.scope_count <= d.held_scope and (d.held_by = any($2::text[]) or exists (
            select 1 from silences s where s.id = d.held_by and s.ended_at is null and s.until_at > now()))
          else false end)
      order by d.id limit 100`,
    values: [JSON.stringify(after), silences],
  });
  return rows;
}

/** The news of a failed delivery has been passed on. False when another replica did it first. */
export async function markFallback(db: Queryable, deliveryId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update deliveries set fallback_done = true where id = $1 and not fallback_done',
    [deliveryId],
  );
  return (rowCount ?? 0) > 0;
}

/**
 * A promise of its own to the fallback destination, of the revision that stands now; nothing where it was promised
 * already. Locks the incident as the ingest does, for news that is taken in at this moment knows nothing of this promise.
 */
export async function addFallback(
  db: Queryable,
  row: {
    id: string;
    incidentId: string;
    destination: string;
    destinationId: string;
    type: string;
    of: string;
    revision: number;
    reason: string;
  },
): Promise<void> {
  await db.query(
    `with stands as (
      select revision from incidents where id = $2 for no key update
    ), promised as (
      insert into deliveries (id, incident_id, destination, type, wanted_revision, first_revision, fallback_of, destination_id, trace)
      select $1, $2, $3, $4, greatest(revision, $5), greatest(revision, $5), $6, $8, (select trace from deliveries where incident_id = $2 and destination = $6)
      from stands on conflict (incident_id, destination) do nothing returning incident_id
    )
    insert into timeline (incident_id, revision, at, kind, summary, data)
    values ($2, $5, now(), 'decision', $7, jsonb_build_object('decision', 'fallback', 'from', $6::text, 'to', $3::text))`,
    [row.id, row.incidentId, row.destination, row.type, row.revision, row.of, row.reason, row.destinationId],
  );
}

/**
 * A destination that was renamed keeps its `id`, and so what it was promised and told goes on under the new name, with
 * the same vendor keys (design section 4). What is in a call at the moment follows at the next look.
 */
export async function adoptRenamed(
  db: Queryable,
  destinations: readonly { id: string; name: string }[],
): Promise<number> {
  const { rowCount } = await db.query({
    name: 'adopt-renamed',
    text: `update deliveries d set destination = r.name, reason = nullif(d.reason, 'orphaned'),
        next_attempt_at = case when d.wanted_revision > d.delivered_revision then now() else d.next_attempt_at end
      from json_to_recordset($1::json) as r(id text, name text)
      where d.destination <> r.name and coalesce(d.destination_id, d.destination) = r.id and d.destination <> all($2::text[]) and ${FREE}
        and not exists (select 1 from deliveries o where o.incident_id = d.incident_id and o.destination = r.name)`,
    values: [JSON.stringify(destinations.map(({ id, name }) => ({ id, name }))), destinations.map((d) => d.name)],
  });
  return rowCount ?? 0;
}

/**
 * Notes on their timelines, once each, the deliveries whose destination has left the config while it still had
 * something open or wanted: nobody will resolve what they opened. Returns how many there are in all. Canaries are none:
 * a config without a canary drops their destination, and their rows leave a moment later (pipeline/canary/watch.ts).
 */
export async function noteOrphans(db: Queryable, configured: readonly string[]): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'note-orphans',
    text: `with orphans as (
        select id, incident_id, destination, wanted_revision, told, reason from deliveries
        where destination <> all($1::text[]) and (told = 'open' or state in ('pending', 'retrying', 'delivering', 'suppressed'))
          and not exists (select from incidents i where i.id = incident_id and i.kind = 'canary')
      ), noted as (
        update deliveries d set reason = 'orphaned' from orphans o where d.id = o.id and o.reason is distinct from 'orphaned' returning o.*
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select incident_id, wanted_revision, now(), 'decision',
          destination || ': is no longer in the config' || case when told = 'open' then '; what it opened will not be resolved' else '; it was not told' end,
          jsonb_build_object('decision', 'orphaned', 'destination', destination) from noted
      )
      select count(*)::int as n from orphans`,
    values: [configured],
  });
  return rows[0]?.n ?? 0;
}
