/** SQL of `sustained` and `flapping`: what was reported over the episodes of an identity, and the one page that goes on over them. */
import type { Report } from '#src/core/alert-history.ts';
import type { Memo } from '#src/core/adapter.ts';
import type { Severity } from '#src/core/signal.ts';
import { FREE } from './due.ts';
import type { Queryable } from './pools.ts';

/** Beyond so many nothing new can be learned for a rule that asks for at most 100; a report may come through several doors. */
const EPISODES_MAX = 200;
const REPEATS_MAX = 300;

/**
 * Reports about these identities, by our receipt: openings and ends of the last `turnsMs` and all of the incidents
 * themselves, repeats of the last `repeatsMs`. A repeat is a message that opened and ended nothing; the same one through another door has the same event time and counts once.
 * `nowMs` is the database's clock, which has stamped them; null where there are none.
 */
export async function readReports(
  db: Queryable,
  asked: readonly { id: string; identity: string }[],
  { turnsMs, repeatsMs }: { turnsMs: number; repeatsMs: number },
): Promise<{ reports: Map<string, Report[]>; nowMs: number | null }> {
  const { rows } = await db.query<Report & { identity: string; nowMs: number }>({
    name: 'read-reports',
    text: `with mine as (
        select i.* from (select distinct identity from unnest($1::text[]) as identity) a join lateral (
          select id, identity, episode from incidents i where i.identity = a.identity
            and (i.id = any($2::text[]) or i.last_seen_at > now() - $3 * interval '1 millisecond')
          order by episode desc limit ${EPISODES_MAX}) i on true
      ), turns as (
        select m.identity, m.episode, t.recorded_at as at, t.snapshot->>'state' in ('planned', 'active') as firing, true as turn, t.revision as n
        -- the limit is what makes it look each episode up by the index: joined, it read the whole timeline
        from mine m join lateral (select t.* from timeline t where t.incident_id = m.id and t.snapshot is not null
          order by t.revision desc limit ${EPISODES_MAX}) t on t.snapshot->>'change' in ('open', 'close', 'reopen')
        where m.id = any($2::text[]) or t.recorded_at > now() - $3 * interval '1 millisecond'
      ), repeats as (
        select m.identity, m.episode, r.at, true as firing, false as turn, 0 as n
        from mine m join lateral (
          select min(s.received_at) as at from (
            select received_at, occurred_at, outcome from signals where incident_id = m.id and received_at > now() - $4 * interval '1 millisecond'
            order by received_at desc limit ${REPEATS_MAX}) s
          where s.outcome in ('duplicate', 'updated')
            -- another door's copy of what turned it is no second report; another verdict on what is still down is one
            and s.occurred_at <> all(array(select t.at from timeline t where t.incident_id = m.id and t.snapshot->>'change' in ('open', 'close', 'reopen')))
          group by s.occurred_at) r on true
      )
      select identity, episode, (extract(epoch from at) * 1000)::float8 as "atMs", firing, turn,
        (extract(epoch from now()) * 1000)::float8 as "nowMs"
      from (select * from turns union all select * from repeats) both_of_them order by at, episode, n`,
    values: [asked.map((one) => one.identity), asked.map((one) => one.id), turnsMs, repeatsMs],
  });
  return { reports: Map.groupBy(rows, (row) => row.identity), nowMs: rows[0]?.nowMs ?? null };
}

/** What a delivery takes over with the page. */
export interface TakenOver {
  id: string;
  fence: number;
  toldSeverity: Severity | null;
  memo: Memo;
  keyEpisode: number;
  lastAcceptedAt: string | null;
}

/**
 * The page that says that the alert flaps goes on with the newest episode: these deliveries, which were told nothing,
 * take over the vendor key, the memo and the receipt of the one before; that one is level, with the decision on its
 * timeline. Both get a new fence, so a plan that another replica made of them no longer fits. Rows that are held, whose last
 * try is not settled, or that have failed stay as they are.
 */
export async function takeOverPages(
  db: Queryable,
  wanted: readonly { id: string; fence: number; until: string }[],
): Promise<TakenOver[]> {
  const { rows } = await db.query<TakenOver>({
    name: 'take-over-pages',
    text: `with want as (
        select * from json_to_recordset($1::json) as w(id text, fence int, until timestamptz)
      ), pair as (
        select w.id as new_id, w.fence, w.until, p.id as old_id, p.episode from want w
        join deliveries d on d.id = w.id join incidents i on i.id = d.incident_id
        join lateral (
          select p.id, coalesce(p.key_episode, j.episode) as episode from incidents j join deliveries p on p.incident_id = j.id
          where j.identity = i.identity and j.episode < i.episode and p.told = 'open' and p.flapping_since is not null
            and coalesce(p.destination_id, p.destination) = coalesce(d.destination_id, d.destination)
          order by j.episode desc limit 1) p on true
      ), locked as (
        select d.* from deliveries d where d.id in (select new_id from pair union all select old_id from pair) and ${FREE}
        -- waited for, not left out: who does not get the page opens a second one
        order by d.id for no key update of d
      ), fit as (
        select p.*, o.memo, o.told_severity, o.flapping_since, o.first_accepted_at, o.last_accepted_at from pair p
        join locked n on n.id = p.new_id and n.fence = p.fence and n.told = 'nothing'
        join locked o on o.id = p.old_id and o.told = 'open' and o.state <> 'failed' and o.first_accepted_at is not null
        where not exists (select 1 from attempts a where a.delivery_id in (p.old_id, p.new_id) and (a.outcome is null or (a.outcome = 'unknown' and not a.settled)))
      ), ended as (
        update deliveries d set told = 'closed', told_severity = null, state = 'delivered', delivered_revision = d.wanted_revision, holder = null,
          fence = d.fence + 1, tries = 0, step_since = null, reason = null, flapping_since = null, flapping_until = null
        from fit f where d.id = f.old_id returning d.incident_id, d.destination, d.wanted_revision
      ), taken as (
        update deliveries d set told = 'open', told_severity = f.told_severity, memo = f.memo, key_episode = f.episode, fence = d.fence + 1,
          flapping_since = f.flapping_since, flapping_until = f.until, first_accepted_at = f.first_accepted_at, last_accepted_at = f.last_accepted_at
        from fit f where d.id = f.new_id
        returning d.id, d.fence, d.told_severity as "toldSeverity", d.memo, d.key_episode as "keyEpisode", d.last_accepted_at as "lastAcceptedAt"
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select incident_id, wanted_revision, now(), 'decision', destination || ': it still flaps, so its page goes on with the next episode',
          jsonb_build_object('decision', 'suppressed', 'destination', destination, 'why', 'flapping') from ended
      )
      select * from taken`,
    values: [JSON.stringify(wanted)],
  });
  return rows;
}

/** Which of these deliveries were followed, at their destination, by a later episode that has a page of its own. */
export async function findFollowed(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>({
    name: 'find-followed',
    text: `select d.id from deliveries d join incidents i on i.id = d.incident_id where d.id = any($1::text[]) and exists (
        select 1 from incidents j join deliveries n on n.incident_id = j.id
        where j.identity = i.identity and j.episode > i.episode and n.told = 'open'
          and coalesce(n.destination_id, n.destination) = coalesce(d.destination_id, d.destination))`,
    values: [ids],
  });
  return new Set(rows.map((row) => row.id));
}

/** The opening that goes out now says that it flaps. */
export async function markFlapping(
  db: Queryable,
  marks: readonly { id: string; fence: number; until: string }[],
): Promise<void> {
  await db.query({
    name: 'mark-flapping',
    text: `update deliveries d set flapping_since = coalesce(d.flapping_since, now()), flapping_until = m.until
      from json_to_recordset($1::json) as m(id text, fence int, until timestamptz) where d.id = m.id and d.fence = m.fence`,
    values: [JSON.stringify(marks)],
  });
}

/** The destination was told more after the opening that said so: that it has stopped, as a rule. */
export async function clearFlapping(db: Queryable, id: string): Promise<void> {
  await db.query({
    name: 'clear-flapping',
    text: 'update deliveries set flapping_since = null, flapping_until = null where id = $1',
    values: [id],
  });
}

/**
 * Pages whose alert is still open and has been quiet: nothing is pending there, so the newest revision is wanted once
 * more, and says that it has stopped. Returns the destinations to drain.
 */
export async function wakeQuiet(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ destination: string }>({
    name: 'wake-quiet',
    text: `with quiet as (
        select d.id from deliveries d join incidents i on i.id = d.incident_id
        where d.flapping_until <= now() and d.state = 'delivered' and d.told = 'open' and i.state in ('planned', 'active')
          and d.delivered_revision = d.wanted_revision
        order by d.id limit 200 for no key update of d skip locked
      )
      update deliveries d set state = 'pending', delivered_revision = d.wanted_revision - 1, flapping_until = null,
        next_attempt_at = now(), wanted_at = now()
      from quiet q where d.id = q.id returning d.destination`,
  });
  return [...new Set(rows.map((row) => row.destination))];
}
