/** SQL of back-fill: beats, gaps, the state of the last round, and what we hold under tracking IDs. */
import type { Pool } from 'pg';
import type { Beat, GapCause, Span } from '#src/core/gap.ts';
import type { Post } from '#src/core/incident.ts';
import type { Kind } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

/** This process is alive, now. */
export async function beat(db: Queryable, process: string): Promise<void> {
  await db.query({
    name: 'beat-seen',
    text: `insert into relay_seen (minute, process) values (date_trunc('minute', now()), $1)
      on conflict (minute, process) do update set last_at = now()`,
    values: [process],
  });
}

/** Beats of the last `days`, oldest first. */
export async function readBeats(db: Queryable, days: number): Promise<Beat[]> {
  const { rows } = await db.query<Beat>(
    `select first_at as "firstAt", last_at as "lastAt", process from relay_seen
     where minute > now() - $1 * interval '1 day' order by first_at`,
    [days],
  );
  return rows;
}

/** Beats older than `days` tell nothing any more. */
export async function forgetBeats(db: Queryable, days: number): Promise<void> {
  await db.query(`delete from relay_seen where minute < now() - $1 * interval '1 day'`, [days]);
}

export interface Gap extends Span {
  id: number;
  key: string;
  recordedAt: string;
  found: number;
  foundAt: string | null;
  trackingIds: string[];
  subscriptions: number;
}

const GAP_COLUMNS = `id, key, from_at as "from", to_at as "to", cause, recorded_at as "recordedAt", found, found_at as "foundAt",
  tracking_ids as "trackingIds", subscriptions`;

/** Newest first. */
export async function listGaps(db: Queryable, limit: number): Promise<Gap[]> {
  const { rows } = await db.query<Gap>(`select ${GAP_COLUMNS} from gaps order by to_at desc, id desc limit $1`, [
    limit,
  ]);
  return rows;
}

/** Notes a span; the same one again can only grow. */
export async function recordGap(db: Queryable, gap: Span & { key: string }): Promise<void> {
  await db.query(
    `insert into gaps (key, from_at, to_at, cause) values ($1, $2, $3, $4)
     on conflict (key) do update set to_at = greatest(gaps.to_at, excluded.to_at), from_at = least(gaps.from_at, excluded.from_at)`,
    [gap.key, gap.from, gap.to, gap.cause],
  );
}

export interface Finding {
  key: string;
  cause: GapCause;
  from: string;
  to: string;
  found: number;
  trackingId: string;
  subscriptions: number;
}

/** Communications that were found; in the transaction that stores them, so that each counts once. */
export async function addFinding(db: Queryable, finding: Finding): Promise<void> {
  await recordGap(db, finding);
  await db.query(
    `update gaps set found = found + $2, found_at = now(), subscriptions = greatest(subscriptions, $4),
       tracking_ids = case when $3 = any(tracking_ids) then tracking_ids else tracking_ids || $3::text end where key = $1`,
    [finding.key, finding.found, finding.trackingId, finding.subscriptions],
  );
}

/** One round: its numbers are 0 until it has ended. */
export interface BackfillState {
  kind: 'full' | 'quick';
  startedAt: string;
  /** Null while the round goes on, or when its process died. */
  finishedAt: string | null;
  coveredUntil: string | null;
  okAt: string | null;
  calls: number;
  events: number;
  found: number;
  subscriptions: number;
  faults: string[];
}

/** Null before the first round. */
export async function readBackfillState(db: Queryable): Promise<BackfillState | null> {
  const { rows } = await db.query<BackfillState>(
    `select kind, started_at as "startedAt", finished_at as "finishedAt", covered_until as "coveredUntil", ok_at as "okAt",
       calls, events, found, subscriptions, faults from backfill_state`,
  );
  return rows[0] ?? null;
}

/** Returns when it began, by the database's clock. */
export async function startRound(db: Queryable, kind: BackfillState['kind']): Promise<string> {
  const { rows } = await db.query<{ startedAt: string }>(
    `insert into backfill_state (kind, started_at) values ($1, now())
     on conflict (one) do update set kind = excluded.kind, started_at = excluded.started_at, finished_at = null,
       calls = 0, events = 0, found = 0, subscriptions = 0, faults = '{}'
     returning started_at as "startedAt"`,
    [kind],
  );
  return rows[0]!.startedAt;
}

/** `coveredUntil` null leaves it where it was: the round was not whole. A clock that was ahead once does not hold it there. */
export async function endRound(
  db: Queryable,
  round: Pick<BackfillState, 'calls' | 'events' | 'found' | 'subscriptions' | 'faults' | 'coveredUntil'>,
): Promise<void> {
  await db.query(
    `update backfill_state set finished_at = now(), calls = $1, events = $2, found = $3, subscriptions = $4, faults = $5,
       covered_until = greatest(least(covered_until, now()), $6::timestamptz), ok_at = case when $6::timestamptz is null then ok_at else now() end`,
    [round.calls, round.events, round.found, round.subscriptions, round.faults, round.coveredUntil],
  );
}

export interface HeldIncident {
  id: string;
  identity: string;
  trackingId: string | null;
  kind: Kind;
  state: string;
  posts: Post[];
  subscriptions: string[];
}

const HELD = `select i.id, i.identity, i.tracking_id as "trackingId", i.kind, i.state, i.posts,
    coalesce((select array_agg(distinct s.subscription) from incident_scope s where s.incident_id = i.id and s.subscription <> ''), '{}') as subscriptions
  from incidents i`;

/** What we hold under these identities. */
export async function findHeld(db: Queryable, identities: readonly string[]): Promise<HeldIncident[]> {
  const { rows } = await db.query<HeldIncident>(`${HELD} where i.identity = any($1) and i.latest`, [identities]);
  return rows;
}

/** Service Health incidents that are open and were heard of in the last 30 days: those that hurt now first, at most 100. */
export async function findOpenHealth(db: Queryable): Promise<HeldIncident[]> {
  const { rows } = await db.query<HeldIncident>(
    `${HELD} where i.latest and i.state in ('planned', 'active') and i.kind in ('outage', 'maintenance', 'advisory', 'security')
       and i.tracking_id is not null and i.last_seen_at > now() - interval '30 days'
     order by i.kind = 'outage' desc, i.kind = 'advisory', i.first_seen_at desc limit 100`,
  );
  return rows;
}

/** Those of these subscriptions that ever sent us anything themselves. */
export async function findHeardOf(db: Queryable, subscriptions: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from unnest($1::text[]) id where exists (
       select 1 from incident_scope s where s.subscription = id and s.schema not in ('backfill', 'relay'))`,
    [subscriptions],
  );
  return rows.map((row) => row.id);
}

/** Well within what ends an idle session (pools.ts), and longer than a statement may take. */
const STIR_MS = 20_000;

/**
 * Runs `work` unless another session does so under the same name at this moment: then null. The lock lives as long as
 * its connection; should that be lost, a second round beside ours does no harm, since every signal has a fingerprint.
 * A process that is frozen says nothing, and so holds up the others for a minute only.
 */
export async function aloneAmongReplicas<T>(
  pool: Pool,
  name: string,
  work: () => Promise<T>,
  { stirMs = STIR_MS } = {},
): Promise<T | null> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const lost = (error: Error): void => void (broken = error);
  client.on('error', lost);
  try {
    const { rows } = await client
      .query<{ mine: boolean }>('select pg_try_advisory_lock(hashtext($1)) as mine', [name])
      .catch((error: Error) => {
        // A lock that came true after all must not live on in the pool.
        lost(error);
        throw error;
      });
    if (rows[0]?.mine !== true) return null;
    let stirred: Promise<unknown> = Promise.resolve();
    const stirring = setInterval(() => void (stirred = client.query('select 1').catch(lost)), stirMs);
    try {
      return await work();
    } finally {
      clearInterval(stirring);
      await stirred;
      await client.query('select pg_advisory_unlock(hashtext($1))', [name]).catch(lost);
    }
  } finally {
    client.off('error', lost);
    client.release(broken);
  }
}
