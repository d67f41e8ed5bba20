/** SQL of how much each destination takes. */
import type { Queryable } from './pools.ts';

/** Deliveries whose newest accepted message is at most an hour old, by destination. */
export async function readTold(db: Queryable): Promise<Map<string, number>> {
  const { rows } = await db.query<{ destination: string; count: number }>({
    name: 'read-told',
    text: `select destination, count(*) as count from deliveries where last_accepted_at > now() - interval '1 hour' group by 1`,
  });
  return new Map(rows.map((row) => [row.destination, row.count]));
}
