/** What one replica does at a time, back-fill and the reading of the estate: the lock of who works, and of who is frozen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aloneAmongReplicas } from '#src/db/gaps.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';

let postgres: TestPostgres;
let one: Pool;
let other: Pool;

beforeAll(async () => {
  postgres = await startTestPostgres();
  const url = await postgres.freshDatabase();
  // As the relay's own, a hundred times as fast.
  const open = (): Pool =>
    new Pool({ connectionString: url, options: '-c idle_session_timeout=600' }).on('error', () => undefined);
  [one, other] = [open(), open()];
});
afterAll(async () => {
  await Promise.all([one.end(), other.end()]);
  await postgres.stop();
});

const look = (name: string): Promise<string | null> => aloneAmongReplicas(other, name, async () => 'mine', 200);

test('a round that takes long keeps its lock, and lets go of it at its end', async () => {
  const seen: (string | null)[] = [];
  const result = await aloneAmongReplicas(
    one,
    'long',
    async () => {
      await sleep(2_000);
      seen.push(await look('long'));
      return 'done';
    },
    200,
  );
  expect([result, ...seen]).toEqual(['done', null]);
  expect(await look('long')).toBe('mine');
});

test('who holds it and says nothing any more holds up nobody, and ends without a fault', async () => {
  let thaw = (): void => undefined;
  const frozen = aloneAmongReplicas(
    one,
    'frozen',
    () => new Promise<string>((resolve) => (thaw = () => resolve('late'))),
    60_000,
  );
  await expect.poll(() => look('frozen')).toBeNull();
  await expect.poll(() => look('frozen'), { timeout: 10_000 }).toBe('mine');
  thaw();
  expect(await frozen).toBe('late');
});
