/** What holds a lease: the heartbeat of its process, on a connection of its own, and nothing after that. */
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { setImmediate } from 'node:timers/promises';
import { Client } from 'pg';
import { hasSilentWorker } from '#src/db/workers.ts';
import { LEASE_DEAD_AFTER_MS } from '#src/db/due.ts';
import { migrate } from '#src/db/migrate.ts';
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

/** Puts a delivery into the hands of a process that died a moment after its last beat; when that was. */
async function holdByDead(tracking: string): Promise<number> {
  const { rows } = await db.query<{ beat_at: Date }>(
    `insert into workers (id, host, role) values ('wrk_dead', 'gone', 'worker') returning beat_at`,
  );
  await db.query(
    `update deliveries set holder = 'wrk_dead', state = 'delivering', fence = fence + 1, wanted_revision = 2, delivered_revision = 1, next_attempt_at = now() - interval '2 seconds'
      where incident_id = (select id from incidents where identity = $1)`,
    [`sh/${tracking.toLowerCase()}`],
  );
  return rows[0]!.beat_at.getTime();
}

test('what a dead process held is tried again when its lease is over, and not before', async () => {
  const relay = await start();
  db = await open();
  await relay.post(serviceHealth({ trackingId: 'LEAS-001', communication: 1, stage: 'Active' }));
  await relay.level('LEAS-001', 1);
  const before = hook.requests.length;
  // The second communication is taken while the delivery is held, as it would be after a crash: what waits already is not woken by it.
  await db.query(`update deliveries set state = 'pending', next_attempt_at = now() + interval '1 hour'`);
  await relay.post(serviceHealth({ trackingId: 'LEAS-001', communication: 2, stage: 'Resolved' }));
  const beatMs = await holdByDead('LEAS-001');
  await expect.poll(() => hook.requests.length).toBeGreaterThan(before);
  expect(hook.requests[before]!.at - beatMs).toBeGreaterThanOrEqual(LEASE_DEAD_AFTER_MS);
});

test('the heart beats on while every connection of the lanes is taken', async () => {
  // Six lanes that try again every 100 ms want more than the four connections of their pool.
  const relay = await start({ target: 'http://127.0.0.1:9', names: ['a', 'b', 'c', 'd', 'e', 'f'] });
  db = await open();
  await relay.post(serviceHealth({ trackingId: 'LEAS-003', communication: 1, stage: 'Active' }));
  await expect
    .poll(async () => (await db.query('select 1 from attempts where outcome is not null')).rowCount)
    .toBeGreaterThanOrEqual(6);
  const lanes = await lock();
  const waiting = async (): Promise<number | null> => {
    const sql = `select 1 from pg_stat_activity where application_name = 'relay-delivery' and wait_event_type = 'Lock'`;
    return (await db.query(sql)).rowCount;
  };
  await expect.poll(waiting).toBe(4);
  const beat = async (): Promise<number> =>
    Number((await db.query(`select extract(epoch from max(beat_at)) * 1000 as at from workers`)).rows[0].at);
  // A beat behind the lanes would not come before their statements are given up, after 15 s.
  const lastMs = await beat();
  await expect.poll(beat, { timeout: 12_000 }).toBeGreaterThan(lastMs + LEASE_DEAD_AFTER_MS);
  expect(await waiting()).toBe(4);
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
  // Takes calls and never answers; whether the caller still waits is what counts.
  let called = 0;
  let ended = false;
  const silent = createServer((socket) => {
    socket.on('error', () => undefined).on('data', () => void called++);
    socket.on('end', () => void (ended = true)).on('close', () => void (ended = true));
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const relay = await start({ target: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  db = await open();
  await relay.post(serviceHealth({ trackingId: 'LEAS-002', communication: 1, stage: 'Active' }));
  await expect.poll(() => called).toBeGreaterThan(0);
  proxy.mode = 'hang';
  // As soon as another process finds the lease free, by the clock of the database, it may call as well.
  const free = `select 1 from workers where beat_at < now() - interval '${LEASE_DEAD_AFTER_MS} milliseconds'`;
  await expect.poll(async () => (await db.query(free)).rowCount, { interval: 20 }).toBe(1);
  // What has come over the wire by now is heard.
  await setImmediate();
  expect(ended).toBe(true);
  proxy.mode = 'pass';
  proxy.cut();
  await relays.pop()?.stop();
  silent.close();
});

test('looking more often lasts only while a lease may still run out', async () => {
  await migrate(url);
  db = await open();
  // In one transaction the time stands still, however slow the machine is.
  await db.query('begin');
  const after = async (silentMs: number): Promise<boolean> => {
    await db.query(
      `insert into workers (id, host, role, beat_at) values ('wrk_dead', 'gone', 'worker', now() - $1 * interval '1 millisecond')
       on conflict (id) do update set beat_at = excluded.beat_at`,
      [silentMs],
    );
    return hasSilentWorker(db);
  };
  expect(await after(500)).toBe(false);
  expect(await after(2_000)).toBe(true);
  expect(await after(LEASE_DEAD_AFTER_MS + 500)).toBe(true);
  expect(await after(60_000)).toBe(false);
});
