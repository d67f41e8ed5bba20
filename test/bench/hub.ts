/** Event Hub path: exports of 25 records each, distinct outages first, then the very same again. Goal 5: 3,000 and 10,000 records a second. */
import pg from 'pg';
import { startPart, usage } from './processes.ts';
import { openStage } from './stage.ts';
import type { Line } from './table.ts';

const RECORDS_PER_EVENT = 25;
const GIVE_UP_MS = 180_000;

export async function hub({ records }: { records: number }): Promise<Line[]> {
  const server = await startPart('hub-server');
  const stage = await openStage({ footing: 'redis', hub: String(server.ready['connectionString']) });
  const db = new pg.Client(stage.databaseUrl!);
  const events = records / RECORDS_PER_EVENT;
  let filled = 0;

  /** From the moment that the records lie in the hub until the last position is durable. */
  async function run(from: number, count: number): Promise<{ perSecond: number; cpuMs: number }> {
    filled += count;
    const cpuBefore = usage(stage.relay.process.pid!)?.cpuMs ?? 0;
    const begin = performance.now();
    await fetch(
      `http://127.0.0.1:${String(server.ready['port'])}/fill?from=${from}&events=${count}&records=${RECORDS_PER_EVENT}`,
      { method: 'POST' },
    );
    while ((await taken(db)) < filled) {
      if (performance.now() - begin > GIVE_UP_MS)
        throw new Error(`only ${await taken(db)} of ${filled} events were taken`);
      await new Promise((done) => setTimeout(done, 20));
    }
    const records_ = count * RECORDS_PER_EVENT;
    return {
      perSecond: records_ / ((performance.now() - begin) / 1000),
      cpuMs: ((usage(stage.relay.process.pid!)?.cpuMs ?? 0) - cpuBefore) / records_,
    };
  }

  try {
    await db.connect();
    await run(10_000_000, 40);
    const distinct = await run(0, events);
    const repeats = await run(0, events);
    const line = (name: string, goal: string, run: typeof distinct): Line => ({
      name,
      goal,
      value: `${Math.round(run.perSecond)}/s`,
      detail: `${run.cpuMs.toFixed(3)} CPU-ms each; ${records} records in events of ${RECORDS_PER_EVENT}, four partitions`,
    });
    return [
      line('hub, distinct incidents, while delivering them', '>= 3,000/s', distinct),
      line('hub, exact repeats', '>= 10,000/s', repeats),
    ];
  } finally {
    await db.end();
    await stage.stop();
    await server.stop();
  }
}

/** Events behind the durable positions of all partitions. */
async function taken(db: pg.Client): Promise<number> {
  const { rows } = await db.query<{ n: string }>(
    'select coalesce(sum(sequence_number + 1), 0) as n from event_hub_positions',
  );
  return Number(rows[0]!.n);
}
