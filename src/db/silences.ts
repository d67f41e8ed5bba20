/** SQL of silences: windows that people set, and what they hold back. */
import type { Match } from '#src/core/route-condition.ts';
import type { Kind, Severity } from '#src/core/signal.ts';
import { freeHeld } from './pass-through.ts';
import type { Queryable } from './pools.ts';

/** A silence as a look for what is due finds it. */
export interface SilenceInForce {
  id: string;
  match: Match;
  destinations: string[] | null;
  author: string;
  reason: string;
  from: string;
  until: string;
}

/**
 * Column of a look for what is due: the silences in force by the database's clock, null where there are none. Read in the
 * same statement as the deliveries, so that no replica acts on a silence that is over or misses one that has begun.
 * Evaluated once per look.
 */
export const SILENCES_IN_FORCE = `(select json_agg(json_build_object('id', s.id, 'match', s.match, 'destinations', s.destinations,
  'author', s.author, 'reason', s.reason, 'from', s.from_at, 'until', s.until_at)) from silences s
  where s.ended_at is null and s.until_at > now() and s.from_at <= now())`;

export interface SilenceRow extends SilenceInForce {
  /** Null for one of the config. */
  createdAt: string | null;
  /** Lifted before its end. */
  endedAt: string | null;
  endedBy: string | null;
  /** Deliveries that it holds back at the moment. */
  held: number;
  /** By the database's clock. */
  state: 'ahead' | 'active' | 'over';
}

const COLUMNS = `s.id, s.match, s.destinations, s.author, s.reason, s.from_at as "from", s.until_at as "until", s.created_at as "createdAt",
  s.ended_at as "endedAt", s.ended_by as "endedBy",
  case when s.ended_at is not null or s.until_at <= now() then 'over' when s.from_at > now() then 'ahead' else 'active' end as state`;

/** Newest end first. `over`: also those that have ended, at most `limit` in all. */
export async function listSilences(
  db: Queryable,
  { over, limit }: { over: boolean; limit: number },
): Promise<SilenceRow[]> {
  const { rows } = await db.query<SilenceRow>(
    `select ${COLUMNS}, (select count(*)::int from deliveries d where d.state = 'suppressed' and d.held_why = 'silence' and d.held_by = s.id) as held
     from silences s where $1 or (s.ended_at is null and s.until_at > now()) order by coalesce(s.ended_at, s.until_at) desc, s.id desc limit $2`,
    [over, limit],
  );
  return rows;
}

/** Deliveries that are held back by each silence, those of the config included. */
export async function countSilenced(db: Queryable): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; held: number }>(
    `select held_by as id, count(*)::int as held from deliveries where state = 'suppressed' and held_why = 'silence' group by 1`,
  );
  return new Map(rows.map((row) => [row.id, row.held]));
}

export interface NewSilence {
  id: string;
  match: Match;
  destinations: readonly string[] | null;
  author: string;
  reason: string;
  /** Null: now. */
  from: string | null;
  until: string;
}

/** Sets a silence; from now at the earliest. Null where its end is not ahead by the database's clock. */
export async function addSilence(db: Queryable, silence: NewSilence): Promise<SilenceRow | null> {
  const { rows } = await db.query<SilenceRow>(
    `insert into silences as s (id, from_at, until_at, match, destinations, author, reason)
     select $1, greatest(coalesce($2::timestamptz, now()), now()), $3::timestamptz, $4::jsonb, $5::text[], $6, $7
     where $3::timestamptz > greatest(coalesce($2::timestamptz, now()), now())
     returning ${COLUMNS}, 0 as held`,
    [
      silence.id,
      silence.from,
      silence.until,
      JSON.stringify(silence.match),
      silence.destinations,
      silence.author,
      silence.reason,
    ],
  );
  return rows[0] ?? null;
}

export interface OpenForSilences {
  id: string;
  kind: Kind;
  severity: Severity;
  stage: string | null;
  impacts: { service: string; region: string }[];
  subscriptions: string[];
  resources: string[];
  sources: string[];
  /** Those that were promised it. */
  destinations: string[];
}

/** Open incidents with their scope and whom they were promised to, newest first, at most 1,000. */
export async function findOpenForSilences(db: Queryable): Promise<OpenForSilences[]> {
  const { rows } = await db.query<OpenForSilences>(
    `select i.id, i.kind, i.severity, i.stage, s.*,
       array(select d.destination from deliveries d where d.incident_id = i.id) as destinations
     from (select * from incidents where latest and state in ('planned', 'active') order by first_seen_at desc limit 1000) i, lateral (
       select coalesce(jsonb_agg(distinct jsonb_build_object('service', service, 'region', region)) filter (where service <> ''), '[]') as impacts,
         coalesce(array_agg(distinct subscription) filter (where subscription <> ''), '{}') as subscriptions,
         coalesce(array_agg(distinct resource) filter (where resource <> ''), '{}') as resources,
         coalesce(array_agg(distinct source), '{}') as sources
       from incident_scope where incident_id = i.id) s`,
  );
  return rows;
}

/** Notes on the timelines of open incidents that a silence now covers them. */
export async function announceSilence(
  db: Queryable,
  incidentIds: readonly string[],
  { summary, data }: { summary: string; data: Record<string, unknown> },
): Promise<void> {
  await db.query(
    `insert into timeline (incident_id, revision, at, kind, summary, data)
     select id, revision, now(), 'decision', $2, $3::jsonb from incidents where id = any($1::text[]) order by id`,
    [incidentIds, summary, JSON.stringify(data)],
  );
}

/**
 * Lifts a silence that is not over: what it holds is due at once, and its incidents' timelines say who lifted it.
 * @returns the destinations to ring for; null where there is no such silence or it is over
 */
export async function endSilence(db: Queryable, id: string, author: string): Promise<string[] | null> {
  const { rows } = await db.query<{ lifted: boolean; destinations: string[] }>(
    `with lifted as (
        update silences set ended_at = now(), ended_by = $2 where id = $1 and ended_at is null and until_at > now() returning id
      ), held as (
        select d.id from deliveries d join lifted l on d.held_by = l.id where d.state = 'suppressed' and d.held_why = 'silence'
        order by d.id for no key update of d
      ), freed as (
        update deliveries d set next_attempt_at = now(), held_until = now() from held h where h.id = d.id
        returning d.destination, d.incident_id, d.wanted_revision
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select incident_id, max(wanted_revision), now(), 'decision', 'Silence lifted by ' || $2::text || ': what it held back is judged again',
          jsonb_build_object('decision', 'silence-lifted', 'silence', $1::text, 'author', $2::text) from freed group by incident_id
      )
      select exists (select 1 from lifted) as lifted, coalesce((select array_agg(distinct destination) from freed), '{}') as destinations`,
    [id, author],
  );
  return rows[0]?.lifted === true ? rows[0].destinations : null;
}

/**
 * Makes due what a silence holds that is over or has left the config, and what it was judged on before the scope of its
 * incident grew: what has grown beyond the silence must not wait for the next look.
 * @param configured ids of the config's silences that are in force
 * @returns the destinations to ring for
 */
export async function releaseSilenced(db: Queryable, configured: readonly string[]): Promise<string[]> {
  return freeHeld(db, {
    name: 'release-silenced',
    values: [configured],
    which: `d.state = 'suppressed' and d.held_why = 'silence' and (
      exists (select 1 from incidents i where i.id = d.incident_id and i.scope_count > d.held_scope)
      or not (d.held_by = any($1::text[]) or exists (
        select 1 from silences s where s.id = d.held_by and s.ended_at is null and s.until_at > now())))`,
  });
}
