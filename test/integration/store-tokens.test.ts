/**
 * Entra tokens for Postgres and Redis, with the real identity library in front of a local identity endpoint. The
 * password of the Postgres role is the newest token and no other; Redis knows a token until it ends, and then cuts the
 * connection that has shown no newer one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { IdentityEndpoint } from '#test/support/azure/identity-endpoint.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';
import { redisMissing, startTestRedis, type TestRedis } from '#test/support/redis.ts';
import { startRedisTokenGate, type RedisTokenGate } from '#test/support/redis-token-gate.ts';
import { CONFIG_HEAD, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';
import { relay as command } from '#test/unit/cli/memory-io.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const POSTGRES = 'https://ossrdbms-aad.database.windows.net';
const REDIS = 'https://redis.azure.com';
const OBJECT_ID = '0b1e6a52-7a0e-4f9b-9f0d-6d3c5d1b7a10';
const ROLE = 'id-relay-test';
const noRedis = redisMissing();

let stores: Stores;
let postgres: TestPostgres;
let identity: IdentityEndpoint;
let hook: WebhookServer;
let folder: string;
let admin: Client;
let relay: TestRelay | null = null;

beforeAll(async () => {
  stores = await openStores('postgres');
  postgres = await startTestPostgres();
  admin = new Client({ connectionString: postgres.url });
  admin.on('error', () => undefined);
  await admin.connect();
  // One for the whole process: the identity library remembers where it found the first one.
  identity = await new IdentityEndpoint().start();
  await admin.query(`create role "${ROLE}" login`);
});
afterAll(async () => {
  await admin.query(`drop owned by "${ROLE}" cascade`).catch(() => undefined);
  await admin.end();
  await identity.stop();
  await postgres.stop();
  await stores.stop();
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relay-tokens-'));
  hook = await new WebhookServer(SECRET).start();
  identity.reset();
  identity.onIssue = async ({ token, resource }) => {
    if (resource === POSTGRES) await admin.query(`alter role "${ROLE}" password '${token}'`);
  };
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
  await hook.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A database that the role owns, reached as the role without a password. */
async function environment(): Promise<Record<string, string>> {
  const url = new URL(await postgres.freshDatabase());
  await admin.query(`alter database ${url.pathname.slice(1)} owner to "${ROLE}"`);
  url.username = ROLE;
  url.password = '';
  return { DATABASE_URL: url.href, DATABASE_AUTH: 'entra' };
}

function start(variables: Record<string, string>): Promise<TestRelay> {
  const config = `destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [200ms] } }
routes: [{ match: {}, to: [hook] }]
`;
  return startRelay(stores, config, variables);
}

async function tell(trackingId: string): Promise<void> {
  const body = serviceHealth({ trackingId, communication: 1, stage: 'Active' });
  // Entra's tokens live side by side, a role of Postgres has one password: a connection that is opened between the change
  // and the answer with the new token is refused, and its sender told 503, upon which it sends again.
  // What was stored while its sender was told 503 is a duplicate then.
  await expect.poll(async () => (await relay!.post(body)).json.signals?.[0].outcome).toMatch(/^(opened|duplicate)$/);
  await relay!.level(trackingId, 1);
}

async function answered(): Promise<number> {
  const { values } = await relay!.app.metrics.rings.get();
  return values.find((value) => value.labels.result === 'answered')?.value ?? 0;
}

/** A connection that the store has taken is not ready for its client at once: a ring before that is left to the reconciler. */
async function ringsAgain(prefix: string): Promise<void> {
  const before = await answered();
  let number = 100;
  await expect
    .poll(
      async () => {
        await tell(`${prefix}-${number++}`);
        return answered();
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBeGreaterThan(before);
}

async function part(name: string): Promise<{ status: string; detail?: string } | undefined> {
  const { json } = await relay!.get('/readyz');
  return json.parts.find((one: { name: string }) => one.name === name);
}

/** Until the last connection of now is gone. */
async function cutPostgres(): Promise<void> {
  const cut = await admin.query<{ pid: number }>(
    `select pid, pg_terminate_backend(pid) from pg_stat_activity where usename = $1`,
    [ROLE],
  );
  const left = `select from pg_stat_activity where pid = any($1)`;
  await expect.poll(async () => (await admin.query(left, [cut.rows.map(({ pid }) => pid)])).rowCount).toBe(0);
}

describe('Postgres', () => {
  test('migrations, pools and the queue with its LISTEN connection sign in with a token, and again after it was renewed', async () => {
    identity.lifetimeS = 10;
    relay = await start(await environment());
    await tell('TOK1-001');
    const first = identity.newest(POSTGRES)!.token;
    await expect.poll(() => identity.newest(POSTGRES)!.token).not.toBe(first);
    // Connections that the old token has opened go on working.
    await tell('TOK1-002');
    await cutPostgres();
    await ringsAgain('TOK1');
    await expect.poll(() => part('postgres token')).toBeUndefined();
    expect(identity.issued.every((one) => one.resource === POSTGRES)).toBe(true);
  });

  test('without a token the start waits with the spool, says why, and takes up when there is one', async () => {
    identity.failWith = 500;
    relay = await start({ ...(await environment()), RELAY_SPOOL_DIR: join(folder, 'spool') });
    const body = serviceHealth({ trackingId: 'TOK2-001', communication: 1, stage: 'Active' });
    const answer = await relay.post(body);
    expect(answer.status).toBe(202);
    expect(answer.json.signals[0].outcome).toBe('spooled');
    // The start waits for an answer of the identity some seconds and no longer.
    await expect
      .poll(() => part('postgres token'), { timeout: 30_000 })
      .toMatchObject({ status: 'degraded', detail: expect.stringMatching(/^no Entra token for Postgres: ./) });
    identity.failWith = null;
    // All migrations come first.
    await expect.poll(async () => (await relay!.get('/v1/incidents/TOK2-001')).status, { timeout: 60_000 }).toBe(200);
    await relay.level('TOK2-001', 1);
    await expect.poll(() => part('postgres token')).toBeUndefined();
  }, 120_000);

  test('a token that cannot be renewed is named while the old one still serves', async () => {
    // Asked for anew at half of it; the rest must do for the failure and for what is told meanwhile.
    identity.lifetimeS = 24;
    relay = await start(await environment());
    identity.failWith = 503;
    await expect.poll(async () => (await part('postgres token'))?.detail, { timeout: 40_000 }).toMatch(/Postgres/);
    await tell('TOK3-001');
    identity.failWith = null;
    // Between two tries lie up to 30 s.
    await expect.poll(() => part('postgres token'), { timeout: 50_000 }).toBeUndefined();
  }, 120_000);
});

describe.skipIf(noRedis !== null)(`Redis${noRedis === null ? '' : ` (skipped: ${noRedis})`}`, () => {
  let redis: TestRedis;
  let gate: RedisTokenGate;
  let redisAdmin: Redis;

  beforeEach(async () => {
    redis = await startTestRedis();
    redisAdmin = new Redis(redis.url);
    gate = await startRedisTokenGate(
      { host: '127.0.0.1', port: Number(new URL(redis.url).port) },
      (token) => identity.issued.find((one) => one.token === token)?.untilMs ?? 0,
    );
    identity.onIssue = async ({ token, resource, untilMs }) => {
      if (resource === POSTGRES) await admin.query(`alter role "${ROLE}" password '${token}'`);
      if (resource !== REDIS) return;
      await redisAdmin.acl('SETUSER', OBJECT_ID, 'on', '~*', '&*', '+@all', `>${token}`);
      setTimeout(() => void redisAdmin.acl('SETUSER', OBJECT_ID, `<${token}`).catch(() => 0), untilMs - Date.now());
    };
  });
  afterEach(async () => {
    await relay?.stop();
    relay = null;
    await gate.stop();
    redisAdmin.disconnect();
    await redis.stop();
  });

  test('every living connection, the blocking one too, shows each new token before the old one ends', async () => {
    // A connection that waits in a blocking command shows the token that is renewed at half of it after 10 s at the latest.
    identity.lifetimeS = 40;
    relay = await start({
      ...(await environment()),
      REDIS_URL: `redis://${OBJECT_ID}@127.0.0.1:${gate.port}`,
      REDIS_AUTH: 'entra',
    });
    await tell('TOK4-001');
    // One to ring, one to answer, and its duplicate that waits.
    await expect.poll(() => gate.open().length).toBe(3);
    const began = gate.open();
    await expect
      .poll(() => Math.min(...gate.open().map((shown) => shown.length)), { timeout: 80_000 })
      .toBeGreaterThanOrEqual(3);
    const before = await answered();
    await tell('TOK4-002');
    await expect.poll(answered).toBeGreaterThan(before);
    // The very connections of the start: none was cut, none was opened anew.
    expect(gate.expired).toBe(0);
    expect(gate.open()).toHaveLength(began.length);
    expect(gate.open().every((shown) => began.includes(shown))).toBe(true);
  }, 150_000);

  test('the commands sign in the same way: migrate brings the schema, doctor finds both stores well', async () => {
    const variables = {
      ...(await environment()),
      REDIS_URL: `redis://${OBJECT_ID}@127.0.0.1:${gate.port}`,
      REDIS_AUTH: 'entra',
      RELAY_CONFIG: join(folder, 'relay.yaml'),
      PORT: '1',
    };
    writeFileSync(variables.RELAY_CONFIG, CONFIG_HEAD);
    expect(await command(['migrate'], { env: variables })).toMatchObject({ code: 0, err: '' });
    const { out } = await command(['doctor', '--json'], { env: variables });
    const { findings } = JSON.parse(out) as { findings: { area: string; check: string; status: string }[] };
    const status = (area: string, check: string): string | undefined =>
      findings.find((one) => one.area === area && one.check === check)?.status;
    expect([status('postgres', 'reach'), status('postgres', 'schema'), status('redis', 'reach')]).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
    identity.failWith = 500;
    identity.lifetimeS = 1;
    const without = await command(['doctor'], { env: variables });
    expect(without.code).toBe(1);
    expect(without.out).toMatch(/no Entra token for Postgres/);
    expect(without.out).toMatch(/no Entra token for Redis/);
  });

  test('connections that are cut come back with the newest token', async () => {
    identity.lifetimeS = 24;
    relay = await start({
      ...(await environment()),
      REDIS_URL: `redis://${OBJECT_ID}@127.0.0.1:${gate.port}`,
      REDIS_AUTH: 'entra',
    });
    await tell('TOK5-001');
    const first = identity.newest(REDIS)!.token;
    await expect.poll(() => identity.newest(REDIS)!.token, { timeout: 30_000 }).not.toBe(first);
    await redisAdmin.client('KILL', 'USER', OBJECT_ID);
    const newest = (): string => identity.newest(REDIS)!.token;
    const old = (): number => gate.open().filter((shown) => shown[0] === undefined || shown[0] === first).length;
    await expect.poll(() => [gate.open().length, old()]).toEqual([3, 0]);
    await expect.poll(() => gate.open().every((shown) => shown.includes(newest())), { timeout: 30_000 }).toBe(true);
    await ringsAgain('TOK5');
  }, 120_000);

  test('without a token for Redis nothing is lost: deliveries go on, and the part is named', async () => {
    relay = await start({
      DATABASE_URL: await postgres.freshDatabase(),
      REDIS_URL: `redis://${OBJECT_ID}@127.0.0.1:${gate.port}`,
      REDIS_AUTH: 'entra',
    });
    await tell('TOK6-001');
    await relay.stop();
    identity.failWith = 500;
    relay = await start({
      DATABASE_URL: await postgres.freshDatabase(),
      REDIS_URL: `redis://${OBJECT_ID}@127.0.0.1:${gate.port}`,
      REDIS_AUTH: 'entra',
    });
    await tell('TOK6-002');
    await expect
      .poll(async () => (await part('redis token'))?.detail, { timeout: 30_000 })
      .toMatch(/^no Entra token for Redis/);
    await expect.poll(async () => (await part('queue'))?.status).toBe('degraded');
    identity.failWith = null;
    await expect.poll(async () => (await part('queue'))?.status, { timeout: 60_000 }).toBe('ok');
  }, 150_000);
});
