/** SQL of the coverage audit: the last one, the changes of the ways to us, the weekly summaries. */
import type { Audit } from '#src/core/coverage.ts';
import type { Queryable } from './pools.ts';

export interface StoredCoverage {
  version: number;
  takenAt: string;
  triedAt: string;
  /** Why the last try failed; null where it did not. */
  fault: string | null;
  /** Null where no audit ever succeeded, and where `knownVersion` says that the caller has it. */
  data: Audit | null;
}

/** Null before the first try. */
export async function loadCoverage(db: Queryable, knownVersion: number | null): Promise<StoredCoverage | null> {
  const { rows } = await db.query<StoredCoverage>(
    `select version::int, taken_at as "takenAt", tried_at as "triedAt", fault, case when version is distinct from $1 then data end as data
     from coverage_state`,
    [knownVersion],
  );
  return rows[0] ?? null;
}

/** A new audit. */
export async function saveCoverage(db: Queryable, data: Audit): Promise<void> {
  await db.query(
    `insert into coverage_state (version, taken_at, data) values (1, now(), $1)
     on conflict (one) do update set version = coverage_state.version + 1, taken_at = now(), tried_at = now(), fault = null, data = excluded.data`,
    [JSON.stringify(data)],
  );
}

/** The last audit stands; this one failed. */
export async function noteCoverageFault(db: Queryable, fault: string): Promise<void> {
  await db.query(
    `insert into coverage_state (version, taken_at, fault) values (0, now(), $1)
     on conflict (one) do update set tried_at = now(), fault = excluded.fault`,
    [fault],
  );
}

/** Adds what changed and forgets what is older than `days`. */
export async function addChanges(
  db: Queryable,
  changes: readonly { subscription: string; detail: string }[],
  days: number,
): Promise<void> {
  await db.query(`delete from coverage_changes where at < now() - $1 * interval '1 day'`, [days]);
  if (changes.length === 0) return;
  await db.query(`insert into coverage_changes (subscription, detail) select * from unnest($1::text[], $2::text[])`, [
    changes.map((one) => one.subscription),
    changes.map((one) => one.detail),
  ]);
}

/** Oldest first. */
export async function readChanges(
  db: Queryable,
  days: number,
): Promise<{ subscription: string; detail: string; at: string }[]> {
  const { rows } = await db.query<{ subscription: string; detail: string; at: string }>(
    `select subscription, detail, at from coverage_changes where at > now() - $1 * interval '1 day' order by at, id`,
    [days],
  );
  return rows;
}

/** When signals of each subscription last brought something new of place; what we pulled or said ourselves does not count. */
export async function readHeard(db: Queryable): Promise<Map<string, string>> {
  const { rows } = await db.query<{ subscription: string; at: string }>(
    `select subscription, max(first_seen_at) as at from incident_scope
     where subscription <> '' and schema not in ('backfill', 'relay') group by subscription`,
  );
  return new Map(rows.map((row) => [row.subscription, row.at]));
}

/** True for one process and try: the first of the week, or the next after a failure that can be tried again. */
export async function claimSummary(db: Queryable, week: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into coverage_summaries (week) values ($1)
     on conflict (week) do update set outcome = null, next_at = null, claimed_at = now(), tries = coverage_summaries.tries + 1
       where coverage_summaries.outcome = 'retryable' and coverage_summaries.next_at <= now()`,
    [week],
  );
  return rowCount === 1;
}

/** What came of the try. */
export async function endSummary(
  db: Queryable,
  week: string,
  { outcome, againInMs }: { outcome: string; againInMs: number },
): Promise<void> {
  await db.query(
    `update coverage_summaries set outcome = $2, next_at = now() + $3 * interval '1 millisecond' where week = $1`,
    [week, outcome, againInMs],
  );
}

/** The newest week that was claimed. */
export async function readLastSummary(
  db: Queryable,
): Promise<{ week: string; at: string; outcome: string | null } | null> {
  const { rows } = await db.query<{ week: string; at: string; outcome: string | null }>(
    `select week, claimed_at as at, outcome from coverage_summaries order by week desc limit 1`,
  );
  return rows[0] ?? null;
}
