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
  for (let i = 0; i < 5; i++) await health.remember(outcome);
  const { rows } = await pool.query<{ n: number }>(
    'select consecutive_failures as n from destination_state where destination = $1',
    [name],
  );
  return rows[0]?.n ?? 0;
}

test.each<[string, Outcome, number]>([
  ['a server that fails counts', { outcome: 'retryable', reason: 'server-error' }, 5],
  ['no answer counts', { outcome: 'unknown', reason: 'timeout' }, 5],
  ['one recipient of several who is refused for now does not', { outcome: 'retryable', reason: 'refused' }, 0],
  ['a message that is refused for good does not', { outcome: 'permanent', reason: 'too-large' }, 0],
  ['our own shutdown does not', { outcome: 'retryable', reason: 'aborted' }, 0],
])('%s', async (name, outcome, failures) => {
  expect(await failuresAfter(name, outcome)).toBe(failures);
});

test('calls that were under way when it opened neither count nor make the pause longer; the next probe does', async () => {
  const name = 'hung with twenty';
  const health = createLaneHealth(pool, name);
  const state = async (): Promise<{ failures: number; pauseS: number }> => {
    const { rows } = await pool.query<{ failures: number; pauseS: number }>(
      `select consecutive_failures as failures, extract(epoch from paused_until - last_failure_at)::float as "pauseS"
         from destination_state where destination = $1`,
      [name],
    );
    return rows[0]!;
  };
  await Promise.all(Array.from({ length: 20 }, () => health.remember({ outcome: 'unknown', reason: 'timeout' })));
  const opened = await state();
  expect(opened.failures).toBe(5);
  expect(opened.pauseS).toBeLessThanOrEqual(1);

  const end = `update destination_state set paused_until = now() where destination = $1`;
  for (const [failures, pauseS] of [
    [6, 2],
    [7, 4],
  ]) {
    await pool.query(end, [name]);
    await health.remember({ outcome: 'retryable', reason: 'connect' });
    expect(await state()).toEqual({ failures, pauseS });
  }
});
