/** What a flush costs the database, counted: timings decide nothing here, statements do. */
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { loadConfig } from '#src/config/load.ts';
import { migrate } from '#src/db/migrate.ts';
import { openPools } from '#src/db/pools.ts';
import { newId } from '#src/ids.ts';
import { createIngest } from '#src/pipeline/ingest.ts';
import { quarantined } from '#src/pipeline/quarantine.ts';
import { createScopeCache } from '#src/pipeline/scope-cache.ts';
import { readSignals } from '#src/receivers/read.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

interface Bench {
  /** Submits one message per number; the outcomes. */
  flush: (from: number, count: number) => Promise<string[]>;
  /** Messages sent to the server on the ingest pool so far. */
  sent: () => number;
  /** The transactions that have last locked or written each incident's row. */
  touchedBy: () => Promise<string[]>;
}

async function withIngest(work: (bench: Bench) => Promise<void>): Promise<void> {
  const url = await postgres.freshDatabase();
  await migrate(url);
  const pools = openPools(url, () => undefined);
  let sent = 0;
  const counted = new WeakSet<PoolClient>();
  pools.ingest.on('acquire', (client) => {
    if (counted.has(client)) return;
    counted.add(client);
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    Object.assign(client, { query: (...given: unknown[]) => (sent++, query(...given)) });
  });
  const loaded = loadConfig('routes: []\n', { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  const ingest = createIngest({
    pool: pools.ingest,
    config: () => loaded.config,
    scopes: createScopeCache(),
    newId,
    now: () => new Date(),
    quarantine: quarantined,
    onCommitted: () => undefined,
    onError: (error) => {
      throw error;
    },
  });
  const receivedAt = '2026-09-14T09:00:00.000Z';
  try {
    await work({
      async flush(from, count) {
        const bodies = Array.from({ length: count }, (_, n) =>
          serviceHealth({ trackingId: `TRIP-${from + n}`, communication: 1, stage: 'Active' }),
        );
        const context = { source: 'test', subscription: null, receivedAt, door: 'webhook' } as const;
        const results = await ingest.submit(bodies.flatMap((body) => readSignals(body, context)));
        return results.map((one) => one.outcome);
      },
      sent: () => sent,
      async touchedBy() {
        const { rows } = await pools.read.query<{ by: string }>(
          "select identity || ' ' || xmin || ' ' || xmax as by from incidents order by 1",
        );
        return rows.map((row) => row.by);
      },
    });
  } finally {
    await pools.end();
  }
}

test('a flush of distinct incidents is two messages to the server, however many they are', () =>
  withIngest(async ({ flush, sent }) => {
    const messages = async (from: number, count: number): Promise<number> => {
      const before = sent();
      expect(await flush(from, count)).toEqual(Array.from({ length: count }, () => 'opened'));
      return sent() - before;
    };
    // The first on a connection also prepares its statements.
    await messages(0, 1);
    expect(await messages(100, 1)).toBe(2);
    expect(await messages(200, 400)).toBe(2);
  }));

test('exact repeats write nothing and lock no incident, so that their commit waits for no disk and for no other', () =>
  withIngest(async ({ flush, touchedBy }) => {
    await flush(0, 3);
    const before = await touchedBy();
    expect(before).toHaveLength(3);
    expect(await flush(0, 3)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(await touchedBy()).toEqual(before);
    // Among news, the repeats are still left alone.
    expect(await flush(2, 2)).toEqual(['duplicate', 'opened']);
    expect((await touchedBy()).slice(0, 3)).toEqual(before);
  }));
