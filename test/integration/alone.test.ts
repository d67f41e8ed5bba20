/** What one replica does for all: nobody else begins meanwhile, however long it takes, and afterwards anybody may. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aloneAmongReplicas } from '#src/db/gaps.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => void (postgres = await startTestPostgres()));
afterAll(() => postgres.stop());

test('a server that ends idle sessions does not end the lock of a long round', async () => {
  const pool = new Pool({
    connectionString: await postgres.freshDatabase(),
    options: '-c idle_session_timeout=1500',
    idleTimeoutMillis: 100,
  });
  let end = (): void => undefined;
  const round = (): Promise<string> => new Promise((resolve) => (end = () => resolve('first')));
  const first = aloneAmongReplicas(pool, 'round', round, { stirMs: 100 });
  await sleep(3_500);
  expect(await aloneAmongReplicas(pool, 'round', () => Promise.resolve('second'))).toBeNull();
  end();
  expect(await first).toBe('first');
  expect(await aloneAmongReplicas(pool, 'round', () => Promise.resolve('third'))).toBe('third');
  await pool.end();
});

test('who holds it and says nothing any more holds up nobody, and ends without a fault', async () => {
  const connectionString = await postgres.freshDatabase();
  const open = (): Pool =>
    new Pool({ connectionString, options: '-c idle_session_timeout=3000' }).on('error', () => undefined);
  const [one, other] = [open(), open()];
  const look = (): Promise<string | null> => aloneAmongReplicas(other, 'round', () => Promise.resolve('mine'));
  let thaw = (): void => undefined;
  const begun = Promise.withResolvers<void>();
  const work = (): Promise<string> => {
    begun.resolve();
    return new Promise((resolve) => (thaw = () => resolve('late')));
  };
  const frozen = aloneAmongReplicas(one, 'round', work, { stirMs: 60_000 });
  await begun.promise;
  expect(await look()).toBeNull();
  await expect.poll(look).toBe('mine');
  thaw();
  expect(await frozen).toBe('late');
  await Promise.all([one.end(), other.end()]);
});

test('a lock that was granted after we gave up waiting for it is not kept', async () => {
  const url = await postgres.freshDatabase();
  const { hostname: host, port } = new URL(url);
  /** What the server says waits this long. */
  let lateMs = 0;
  const slow = createServer((client) => {
    const server = connect({ host, port: Number(port) });
    client.pipe(server);
    server.on('data', (chunk) => void setTimeout(() => client.destroyed || client.write(chunk), lateMs));
    for (const socket of [client, server]) socket.on('error', () => undefined);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('close', () => other.destroy());
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const through = new URL(url);
  through.host = `127.0.0.1:${(slow.address() as AddressInfo).port}`;
  const pool = new Pool({ connectionString: through.href, query_timeout: 1_500 });
  await pool.query('select 1');
  lateMs = 2_500;
  await expect(aloneAmongReplicas(pool, 'round', () => Promise.resolve())).rejects.toThrow('Query read timeout');
  lateMs = 0;
  await sleep(3_000);
  const other = new Client(url);
  await other.connect();
  const { rows } = await other.query(`select pg_try_advisory_lock(hashtext('round')) as free`);
  expect(rows).toEqual([{ free: true }]);
  await other.end();
  await pool.end();
  await new Promise((resolve) => slow.close(resolve));
});
