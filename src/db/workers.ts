/** SQL about the processes that hold leases, beside their heartbeat (db/deliveries.ts). */
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
