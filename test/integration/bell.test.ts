/** The bell on Postgres, while that is not there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionOf } from '#src/db/address.ts';
import { migrate } from '#src/db/migrate.ts';
import { migrateQueue, openBell } from '#src/queue/bell.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';

let postgres: TestPostgres;
beforeAll(async () => void (postgres = await startTestPostgres()));
afterAll(() => postgres.stop());

test('a bell that is opened while its store is away says so, and rings once that is back', async () => {
  const url = await postgres.freshDatabase();
  await migrate(url, migrateQueue);
  const { hostname: host, port } = new URL(url);
  const proxy = await startTcpProxy({ host, port: Number(port) });
  proxy.mode = 'away';
  const errors: Error[] = [];
  const answered: string[] = [];
  const footing = { kind: 'postgres', connection: connectionOf(through(url, proxy)) } as const;
  const bell = openBell(footing, (error) => void errors.push(error));
  try {
    bell.answer((destination) => Promise.resolve(void answered.push(destination)), { concurrency: 5 });
    await bell.ring(['lost']);
    await expect.poll(() => errors.length).toBeGreaterThan(1);
    expect(await bell.healthy()).toBe(false);
    proxy.mode = 'pass';
    await expect.poll(() => bell.healthy()).toBe(true);
    await bell.ring(['heard']);
    await expect.poll(() => answered).toEqual(['heard']);
  } finally {
    await bell.close();
    await proxy.stop();
  }
});
