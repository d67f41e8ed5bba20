/** Which outcomes count against a destination: five failures in a row pause it for everybody (design 3.6). */
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '#src/core/adapter.ts';
import { migrate } from '#src/db/migrate.ts';
import { createLaneHealth } from '#src/pipeline/lane-health.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';

let postgres: TestPostgres;
let pool: Pool;

beforeAll(async () => {
  postgres = await startTestPostgres();
  const url = await postgres.freshDatabase();
  await migrate(url);
  pool = new Pool({ connectionString: url });
  // The server may end a connection that is just being closed.
  pool.on('error', () => undefined);
});
afterAll(async () => {
  await pool.end();
  await postgres.stop();
});

async function failuresAfter(name: string, outcome: Outcome): Promise<number> {
  const health = createLaneHealth(pool, name);
  for (let i = 0; i < 6; i++) await health.remember(outcome);
  const { rows } = await pool.query<{ n: number }>(
    'select consecutive_failures as n from destination_state where destination = $1',
    [name],
  );
  return rows[0]?.n ?? 0;
}

test.each<[string, Outcome, number]>([
  ['a server that fails counts', { outcome: 'retryable', reason: 'server-error' }, 6],
  ['no answer counts', { outcome: 'unknown', reason: 'timeout' }, 6],
  ['one recipient of several who is refused for now does not', { outcome: 'retryable', reason: 'refused' }, 0],
  ['a message that is refused for good does not', { outcome: 'permanent', reason: 'too-large' }, 0],
  ['our own shutdown does not', { outcome: 'retryable', reason: 'aborted' }, 0],
])('%s', async (name, outcome, failures) => {
  expect(await failuresAfter(name, outcome)).toBe(failures);
});
