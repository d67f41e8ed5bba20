/** SQL of the canary: who sends, what was sent, how far it came, and its short retention. */
import type { CanaryHop } from '#src/core/canary.ts';
import { transaction, type Queryable } from './pools.ts';
import type { Pool } from 'pg';

export interface CanaryLease {
  /** This process sends. */
  mine: boolean;
  /** The last round began long enough ago. */
  roundDue: boolean;
  /** The last beat, and the last try of one, were long enough ago. */
  beatDue: boolean;
}

/**
 * Takes or keeps the lease, by the database clock; whoever holds it sends for all replicas. `everyMs` and `beatEveryMs` say when a round and a
 * beat are due; a beat that failed is tried again after `retryMs`.
 */
export async function holdCanaryLease(
  db: Queryable,
  holder: string,
  times: { leaseMs: number; everyMs: number; beatEveryMs: number; retryMs: number },
): Promise<CanaryLease> {
  const { rows } = await db.query<CanaryLease>({
    name: 'hold-canary-lease',
    text: `insert into canary_watch as w (holder, lease_until) values ($1, now() + $2 * interval '1 millisecond')
      on conflict (one) do update set holder = $1, lease_until = now() + $2 * interval '1 millisecond'
        where w.holder = $1 or w.lease_until < now()
      returning true as mine, coalesce(w.round_at + $3 * interval '1 millisecond' <= now(), true) as "roundDue",
        coalesce(w.beat_at + $4 * interval '1 millisecond' <= now(), true)
          and coalesce(w.beat_tried_at + $5 * interval '1 millisecond' <= now(), true) as "beatDue"`,
    values: [holder, times.leaseMs, times.everyMs, times.beatEveryMs, times.retryMs],
  });
  return rows[0] ?? { mine: false, roundDue: false, beatDue: false };
}

/** Lets another replica go on at once, with a round of its own where ours was cut off: that has no verdict. */
export async function dropCanaryLease(db: Queryable, holder: string): Promise<void> {
  await db.query(
    'update canary_watch set lease_until = now(), round_at = case when passed is not null then round_at end where holder = $1',
    [holder],
  );
}

/** Writes down what is about to be sent, and makes sure that every hop has an age from now on. */
export async function startRound(
  db: Queryable,
  runs: readonly { id: string; receiver: string }[],
  hops: readonly CanaryHop[],
): Promise<void> {
  await db.query({
    name: 'start-canary-round',
    text: `with round as (update canary_watch set round_at = now(), passed = null),
      sent as (insert into canaries (id, receiver) select * from unnest($1::text[], $2::text[]))
      insert into canary_hops (receiver, hop) select r, h from unnest($2::text[]) r, unnest($3::text[]) h on conflict do nothing`,
    values: [runs.map((run) => run.id), runs.map((run) => run.receiver), hops],
  });
}

/** What the door answered; null where it took the canary. */
export async function recordDoor(db: Queryable, id: string, fault: string | null): Promise<void> {
  await db.query({
    name: 'record-canary-door',
    text: 'update canaries set received_at = case when $2::text is null then now() end, fault = $2 where id = $1',
    values: [id, fault],
  });
}

/** The built-in destination has heard a canary. False for one that nobody has sent. */
export async function recordReturn(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'record-canary-return',
    text: 'update canaries set returned_at = coalesce(returned_at, now()) where id = $1',
    values: [id],
  });
  return (rowCount ?? 0) > 0;
}

export interface CanaryProgress {
  id: string;
  receiver: string;
  fault: string | null;
  /** Milliseconds from the sending to each hop; null for a hop that was not passed. */
  tookMs: Record<CanaryHop, number | null>;
}

/**
 * How far these canaries have come. `builtIn`: what counts as returned is the call of the built-in destination, else the
 * vendor's acceptance.
 */
export async function readProgress(
  db: Queryable,
  runs: readonly { id: string; identity: string }[],
  { builtIn }: { builtIn: boolean },
): Promise<CanaryProgress[]> {
  const took = (column: string): string => `(extract(epoch from ${column} - c.sent_at) * 1000)::int`;
  const { rows } = await db.query<CanaryProgress>({
    name: 'read-canary-progress',
    text: `select c.id, c.receiver, c.fault, json_build_object('received', ${took('c.received_at')}, 'stored', ${took('t.recorded_at')},
        'promised', ${took('d.created_at')}, 'attempted', ${took('a.started_at')}, 'accepted', ${took('d.first_accepted_at')},
        'returned', case when $3 then ${took('c.returned_at')} else ${took('d.first_accepted_at')} end) as "tookMs"
      from unnest($1::text[], $2::text[]) as r(id, identity) join canaries c on c.id = r.id
      left join incidents i on i.identity = r.identity and i.latest
      left join lateral (select min(recorded_at) as recorded_at from timeline t where t.incident_id = i.id) t on true
      left join deliveries d on d.incident_id = i.id
      left join lateral (select min(started_at) as started_at from attempts a where a.delivery_id = d.id) a on true`,
    values: [runs.map((run) => run.id), runs.map((run) => run.identity), builtIn],
  });
  return rows;
}

/** What a round has shown: hops passed, and what is wrong, in words. */
export async function finishRound(
  db: Queryable,
  hops: readonly { receiver: string; hop: CanaryHop; tookMs: number }[],
  faults: readonly string[],
): Promise<void> {
  await db.query({
    name: 'finish-canary-round',
    text: `with watch as (update canary_watch set passed = cardinality($4::text[]) = 0, faults = $4::text[])
      update canary_hops h set passed_at = now(), took_ms = n.took_ms
      from unnest($1::text[], $2::text[], $3::int[]) as n(receiver, hop, took_ms) where h.receiver = n.receiver and h.hop = n.hop`,
    values: [hops.map((h) => h.receiver), hops.map((h) => h.hop), hops.map((h) => h.tookMs), faults],
  });
}

/** What the auditor has found, by kind of finding. */
export async function recordAudit(db: Queryable, findings: Readonly<Record<string, readonly string[]>>): Promise<void> {
  await db.query({
    name: 'record-audit',
    text: 'update canary_watch set audited_at = now(), findings = $1::jsonb',
    values: [JSON.stringify(findings)],
  });
}

/** A beat that was sent, or why it was not. */
export async function recordBeat(db: Queryable, fault: string | null): Promise<void> {
  await db.query({
    name: 'record-beat',
    text: 'update canary_watch set beat_tried_at = now(), beat_fault = $1, beat_at = case when $1::text is null then now() else beat_at end',
    values: [fault],
  });
}

export interface CanaryWatch {
  /** All ages and times in seconds; null before the first. */
  roundAgeS: number | null;
  passed: boolean | null;
  faults: string[];
  auditAgeS: number | null;
  /** Ids by kind of finding, some of each. */
  findings: Record<string, string[]>;
  beatAgeS: number | null;
  /** Since canaries are sent at all. */
  sinceS: number;
  beatFault: string | null;
  hops: { receiver: string; hop: CanaryHop; ageS: number; everPassed: boolean; tookMs: number | null }[];
}

/** All that is known of the canary; null where none was ever sent. */
export async function readWatch(db: Queryable): Promise<CanaryWatch | null> {
  const age = (column: string): string => `extract(epoch from now() - ${column})::float8`;
  const { rows } = await db.query<CanaryWatch>({
    name: 'read-canary-watch',
    text: `select ${age('round_at')} as "roundAgeS", passed, faults, ${age('audited_at')} as "auditAgeS", findings, ${age('beat_at')} as "beatAgeS", ${age('since')} as "sinceS",
        beat_fault as "beatFault", coalesce((select json_agg(json_build_object('receiver', receiver, 'hop', hop,
          'ageS', ${age('coalesce(passed_at, since)')}, 'everPassed', passed_at is not null, 'tookMs', took_ms)) from canary_hops), '[]') as hops
      from canary_watch`,
  });
  return rows[0] ?? null;
}

/** Forgets receivers that no canary enters by any more: their ages would grow for ever. */
export async function forgetReceivers(db: Queryable, receivers: readonly string[]): Promise<void> {
  await db.query({
    name: 'forget-canary-receivers',
    text: 'delete from canary_hops where receiver <> all($1::text[])',
    values: [receivers],
  });
}

/** Removes canaries that are older than `keepMs`, whole, at most `limit` at a time; no fold and no back-fill asks for them again. Returns how many. */
export async function forgetCanaries(
  pool: Pool,
  { keepMs, limit }: { keepMs: number; limit: number },
): Promise<number> {
  return transaction(pool, async (db) => {
    await db.query(`delete from canaries where sent_at < now() - $1 * interval '1 millisecond'`, [keepMs]);
    const { rows } = await db.query<{ id: string }>({
      name: 'old-canaries',
      text: `select id from incidents where kind = 'canary' and first_seen_at < now() - $1 * interval '1 millisecond' order by first_seen_at limit $2`,
      values: [keepMs, limit],
    });
    if (rows.length === 0) return 0;
    const ids = rows.map((row) => row.id);
    // In the order of the locks: signals, incidents, deliveries.
    for (const sql of FORGET) await db.query(sql, [ids]);
    return rows.length;
  });
}

const FORGET = [
  'delete from signals where incident_id = any($1::text[])',
  'delete from incident_scope where incident_id = any($1::text[])',
  'delete from timeline where incident_id = any($1::text[])',
  'delete from incidents where id = any($1::text[])',
  'delete from attempts a using deliveries d where a.delivery_id = d.id and d.incident_id = any($1::text[])',
  'delete from deliveries where incident_id = any($1::text[])',
];
