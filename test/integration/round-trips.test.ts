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

test('a flush of distinct incidents is two messages to the server, however many they are', async () => {
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
  const flush = async (from: number, count: number): Promise<number> => {
    const before = sent;
    const receivedAt = new Date().toISOString();
    const bodies = Array.from({ length: count }, (_, n) =>
      serviceHealth({ trackingId: `TRIP-${from + n}`, communication: 1, stage: 'Active' }),
    );
    const results = await ingest.submit(
      bodies.flatMap((body) => readSignals(body, { source: 'test', subscription: null, receivedAt, door: 'webhook' })),
    );
    expect(results.map((one) => one.outcome)).toEqual(bodies.map(() => 'opened'));
    return sent - before;
  };
  try {
    // The first on a connection also prepares its statements.
    await flush(0, 1);
    expect(await flush(100, 1)).toBe(2);
    expect(await flush(200, 400)).toBe(2);
  } finally {
    await pools.end();
  }
});
