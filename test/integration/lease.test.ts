/** What holds a lease: the heartbeat of its process, on a connection of its own, and nothing after that. */
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Client, Pool } from 'pg';
import { hasSilentWorker } from '#src/db/workers.ts';
import { LEASE_DEAD_AFTER_MS } from '#src/db/due.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { startTcpProxy, through, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let stores: Stores;
let environment: Record<string, string>;
let url: string;
let hook: WebhookServer;
let db: Client;
const relays: TestRelay[] = [];
let proxy: TcpProxy | null = null;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
beforeEach(async () => {
  hook = await new WebhookServer(SECRET).start();
  environment = await stores.environment();
  url = environment['DATABASE_URL']!;
});
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  await proxy?.stop();
  proxy = null;
  await db.end();
  await hook.stop();
});

async function start({ target = hook.url, names = ['hook'] } = {}): Promise<TestRelay> {
  const lines = names.map(
    (name) =>
      `  ${name}: { type: webhook, url: "${target}/${name}", secret: "${SECRET}", retry: { schedule: [100ms], giveUpAfter: 1h } }`,
  );
  const relay = await startRelay(
    stores,
    `destinations:\n${lines.join('\n')}\nroutes: [{ match: {}, to: [${names.join(', ')}] }]\n`,
    environment,
  );
  relays.push(relay);
  return relay;
}

async function open(): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Puts a delivery into the hands of a process that died a moment after its last beat. */
async function holdByDead(tracking: string): Promise<void> {
  await db.query(`insert into workers (id, host, role) values ('wrk_dead', 'gone', 'worker')`);
  await db.query(
    `update deliveries set holder = 'wrk_dead', state = 'delivering', fence = fence + 1, wanted_revision = 2, delivered_revision = 1, next_attempt_at = now() - interval '2 seconds'
      where incident_id = (select id from incidents where identity = $1)`,
    [`sh/${tracking.toLowerCase()}`],
  );
}

test('what a dead process held is tried again within 5 s of its last beat, and not before its lease is over', async () => {
  const relay = await start();
  db = await open();
  await relay.post(serviceHealth({ trackingId: 'LEAS-001', communication: 1, stage: 'Active' }));
  await relay.level('LEAS-001', 1);
  const before = hook.requests.length;
  // The second communication is taken while the delivery is held, as it would be after a crash.
  await db.query(`update deliveries set next_attempt_at = now() + interval '1 hour'`);
  await relay.post(serviceHealth({ trackingId: 'LEAS-001', communication: 2, stage: 'Resolved' }));
  await holdByDead('LEAS-001');
  const heldMs = Date.now();
  await expect.poll(() => hook.requests.length, { timeout: 8_000, interval: 20 }).toBeGreaterThan(before);
  const waitedMs = hook.requests[before]!.at - heldMs;
  expect(waitedMs).toBeGreaterThan(LEASE_DEAD_AFTER_MS - 100);
  expect(waitedMs).toBeLessThan(5_000);
});

test('the heart beats on while every connection of the lanes is taken', async () => {
  // Six lanes that try again every 100 ms want more than the four connections of their pool.
  const relay = await start({ target: 'http://127.0.0.1:9', names: ['a', 'b', 'c', 'd', 'e', 'f'] });
  db = await open();
  await relay.post(serviceHealth({ trackingId: 'LEAS-003', communication: 1, stage: 'Active' }));
  await expect
    .poll(async () => (await db.query('select 1 from attempts where outcome is not null')).rowCount, { timeout: 5_000 })
    .toBeGreaterThanOrEqual(6);
  const lanes = await lock();
  const beat = async (): Promise<number> =>
    Number((await db.query(`select extract(epoch from now() - max(beat_at)) as age from workers`)).rows[0].age);
  await new Promise((resolve) => setTimeout(resolve, LEASE_DEAD_AFTER_MS));
  const waiting = await db.query(
    `select 1 from pg_stat_activity where application_name = 'relay-delivery' and wait_event_type = 'Lock'`,
  );
  expect(waiting.rowCount).toBe(4);
  expect(await beat()).toBeLessThan(2.5);
  await lanes.end();
});

/** Locks the table that every statement of the lanes reads. */
async function lock(): Promise<Client> {
  const client = await open();
  await client.query('begin');
  await client.query('lock table deliveries in access exclusive mode');
  return client;
}

test('a call ends before the lease of its process does when no beat gets through', async () => {
  proxy = await startTcpProxy({ host: new URL(url).hostname, port: Number(new URL(url).port) });
  environment = { ...environment, DATABASE_URL: through(url, proxy) };
  // Takes calls and never answers; how long the caller waits is what counts.
  let called = 0;
  let endedMs = 0;
  const silent = createServer((socket) => {
    socket.on('error', () => undefined).on('data', () => void called++);
    socket.on('close', () => void (endedMs = Date.now()));
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const relay = await start({ target: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  db = await open();
  await relay.post(serviceHealth({ trackingId: 'LEAS-002', communication: 1, stage: 'Active' }));
  await expect.poll(() => called, { timeout: 5_000 }).toBeGreaterThan(0);
  proxy.mode = 'hang';
  const hungMs = Date.now();
  await expect.poll(() => endedMs, { timeout: 8_000, interval: 20 }).toBeGreaterThan(0);
  expect(endedMs - hungMs).toBeLessThan(LEASE_DEAD_AFTER_MS);
  proxy.mode = 'pass';
  proxy.cut();
  await relays.pop()?.stop();
  silent.close();
});

test('looking more often lasts only while a lease may still run out', async () => {
  await start();
  db = await open();
  const pool = new Pool({ connectionString: url });
  const after = async (silentMs: number): Promise<boolean> => {
    await db.query(
      `insert into workers (id, host, role, beat_at) values ('wrk_dead', 'gone', 'worker', now() - $1 * interval '1 millisecond')
       on conflict (id) do update set beat_at = excluded.beat_at`,
      [silentMs],
    );
    return hasSilentWorker(pool);
  };
  expect(await after(500)).toBe(false);
  expect(await after(2_000)).toBe(true);
  expect(await after(LEASE_DEAD_AFTER_MS + 500)).toBe(true);
  expect(await after(60_000)).toBe(false);
  await pool.end();
});
