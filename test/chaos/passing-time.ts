/**
 * Lets hours pass in seconds: everything that is stored with a time moves into the past, in steps, while the relay runs.
 * What a process keeps in memory (timers, the lanes' wake-ups) it keeps by its own monotonic clock and for a minute at
 * most; every decision about ages, pauses, retries and retention is taken by the database's clock from stored times
 * (design 3.6). So a row that is an hour older looks to the relay as it would after an hour. What it cannot show: a retry
 * that would have come *within* a step comes at its end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** The life of a process itself goes on in real time. */
const REAL_TIME = new Set(['workers']);
const PAUSE_MS = 1_200;

/** Moves all stored times back by `stepMs`, `steps` times, with a pause in which the relay does what has fallen due. */
export async function letTimePass(
  url: string,
  { stepMs, steps, between }: { stepMs: number; steps: number; between?: (step: number) => Promise<unknown> },
): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ table: string; columns: string[] }>(
      `select c.table_name as "table", array_agg(c.column_name::text order by 1) as columns from information_schema.columns c
        join information_schema.tables t using (table_schema, table_name)
        where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.data_type = 'timestamp with time zone' and c.is_generated = 'NEVER'
        group by 1 order by 1`,
    );
    for (let step = 0; step < steps; step++) {
      for (const { table, columns } of rows) {
        if (REAL_TIME.has(table)) continue;
        const moves = columns.map((column) => `"${column}" = "${column}" - interval '${stepMs} milliseconds'`);
        await shift(client, `update "${table}" set ${moves.join(', ')}`);
      }
      await sleep(PAUSE_MS);
      await between?.(step);
    }
  } finally {
    await client.end();
  }
}

/** The relay locks rows in an order of its own; where we meet, one of us is told to try again. */
async function shift(client: Client, sql: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.query(sql);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== '40P01' || tries === 5) throw error;
    }
  }
}
