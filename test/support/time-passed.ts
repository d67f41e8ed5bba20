/** Time that passes for what is stored, where no test can wait for it: every decision about it is the database's, from stored times. */
import type { Client } from 'pg';
import { expect } from 'vitest';

const TIMES = ['created_at', 'wanted_at', 'step_since', 'next_attempt_at', 'held_until', 'flapping_until'];

/** Waits until every delivery was looked at: none is due or under way. */
export async function settled(db: Client): Promise<void> {
  const busy = `select from deliveries where state in ('pending', 'retrying', 'delivering') or (state = 'suppressed' and next_attempt_at <= now())`;
  await expect.poll(async () => (await db.query(busy)).rowCount).toBe(0);
}

/** As if so much time (`19 minutes`) had passed since all that was reported, promised and held back. */
export async function timePassed(db: Client, time: string): Promise<void> {
  const past = (column: string): string => `${column} = ${column} - interval '${time}'`;
  // One transaction: a look in between would find something due by reports that are still young.
  await db.query(`begin;
    update timeline set ${past('recorded_at')};
    update signals set ${past('received_at')};
    update deliveries set ${TIMES.map(past).join(', ')};
    commit`);
}
