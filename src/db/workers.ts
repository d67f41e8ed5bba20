/** SQL about the processes that hold leases: their heartbeat, and what becomes of their leases without one. */
import { LEASE_DEAD_AFTER_MS } from './due.ts';
import type { Queryable } from './pools.ts';

/** A beat comes every second; who is silent for this long has missed at least one. */
const SILENT_AFTER_MS = 1_500;
/** Until then somebody has looked after the lease was free. */
const LOOKED_AFTER_MS = LEASE_DEAD_AFTER_MS + 1_000;

/**
 * A process has stopped beating just now: its leases may soon be free, so looking more often pays. False again a second
 * after they are, whatever became of it, so that rows of long-dead processes cost nothing.
 */
export async function hasSilentWorker(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ silent: boolean }>({
    name: 'has-silent-worker',
    text: `select exists (select 1 from workers where beat_at < now() - interval '${SILENT_AFTER_MS} milliseconds'
      and beat_at > now() - interval '${LOOKED_AFTER_MS} milliseconds') as silent`,
  });
  return rows[0]?.silent ?? false;
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
