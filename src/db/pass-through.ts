/** SQL of the switch that turns off everything of ours that can hold a notification back (design 3.7). */
import type { Queryable } from './pools.ts';

/**
 * Column of a look for what is due: whether the switch is on. Read in the same statement as the deliveries, so that all
 * replicas follow it at their next look.
 */
export const PASS_THROUGH_ON = `coalesce((select p.turned_on from pass_through p order by p.id desc limit 1), false)`;

export interface Turn {
  at: string;
  on: boolean;
  author: string;
  reason: string;
}

/** The newest turns of the switch, newest first; none where it was never touched. */
export async function readTurns(db: Queryable, limit: number): Promise<Turn[]> {
  const { rows } = await db.query<Turn>({
    name: 'read-turns',
    text: 'select at, turned_on as "on", author, reason from pass_through order by id desc limit $1',
    values: [limit],
  });
  return rows;
}

/** Records a turn; nothing where it stands so already. */
export async function turnPassThrough(db: Queryable, turn: Omit<Turn, 'at'>): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into pass_through (turned_on, author, reason) select $1::boolean, $2, $3 where ${PASS_THROUGH_ON} <> $1::boolean`,
    [turn.on, turn.author, turn.reason],
  );
  return (rowCount ?? 0) > 0;
}

/**
 * Makes everything due that is held back or waits for its policy's time, and says so on the timelines of its incidents.
 * Safe to repeat: what is due already is left alone. Retries of failed tries keep their clock.
 * @returns the destinations to ring for
 */
export async function releaseAll(
  db: Queryable,
  { summary, data }: { summary: string; data: Record<string, unknown> },
): Promise<string[]> {
  return freeHeld(db, {
    name: 'release-all',
    values: [summary, JSON.stringify(data)],
    which: `d.state = 'suppressed' or (d.state = 'pending' and d.tries = 0)`,
    told: `insert into timeline (incident_id, revision, at, kind, summary, data)
      select incident_id, max(wanted_revision), now(), 'decision', $1::text,
        $2::jsonb || jsonb_build_object('destinations', array_agg(distinct destination)) from freed group by incident_id`,
  });
}

/**
 * Makes deliveries `d` due that are not, in id order; rows that somebody works on are left to the next round.
 * `told` may read what was `freed`.
 */
export async function freeHeld(
  db: Queryable,
  { name, which, values, told }: { name: string; which: string; values: unknown[]; told?: string },
): Promise<string[]> {
  const { rows } = await db.query<{ destination: string }>({
    name,
    text: `with held as (
        select d.id from deliveries d where (${which}) and d.next_attempt_at > now() order by d.id for no key update of d skip locked
      ), freed as (
        update deliveries d set next_attempt_at = now(), held_until = now()
        from held h where h.id = d.id returning d.destination, d.incident_id, d.wanted_revision
      )${told === undefined ? '' : `, told as (${told})`}
      select distinct destination from freed`,
    values,
  });
  return rows.map((row) => row.destination);
}
