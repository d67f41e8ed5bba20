/**
 * Connections that die without a word, as after a failover to another host or behind a firewall that forgets them: no
 * error and no end ever comes, and new ones work. The relay must not wait for the kernel, which takes a quarter of an hour.
 */
import { expect, test } from 'vitest';
import { openPools } from '#src/db/pools.ts';
import { useAwayBench } from '#test/support/away-bench.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay } from '#test/support/relay.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

const { proxy, pager, url, relay: start } = useAwayBench();

const CONFIG = (url: string): string => `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${url}", retry: { schedule: [200ms] } }
routes: [{ match: {}, to: [oncall] }]
`;
const active = (trackingId: string): unknown => serviceHealth({ trackingId, communication: 1, stage: 'Active' });

test.each([true, false])(
  'Postgres: the relay works again over new connections, with a spool: %s',
  async (spool) => {
    const relay = await start(CONFIG(pager().url), { spool });
    // All pools have connections.
    await Promise.all(['SILN-001', 'SILN-002', 'SILN-003'].map((id) => relay.post(active(id))));
    await relay.level('SILN-003', 1);
    await relay.get('/v1/incidents');
    proxy().silence();
    await expect.poll(async () => (await relay.post(active('SILN-004'))).status, { timeout: 40_000 }).toBe(202);
    await expect.poll(async () => (await relay.get('/v1/incidents/SILN-004')).status, { timeout: 40_000 }).toBe(200);
    await relay.level('SILN-004', 1);
    await expect.poll(async () => (await relay.get('/readyz')).json.status, { timeout: 40_000 }).toBe('ok');
    expect(pager().pages).toBe(4);
  },
  120_000,
);

test('Postgres: what a connection had locked when it fell silent is free again', async () => {
  const relay = await start(CONFIG(pager().url), { spool: false });
  await relay.post(active('SILN-011'));
  await relay.level('SILN-011', 1);
  let locked = false;
  proxy().onChunk = (chunk) => {
    if (chunk.includes('execute write_batch')) {
      locked = true;
      proxy().onChunk = null;
      proxy().silence();
    }
    return null;
  };
  const ended = serviceHealth({ trackingId: 'SILN-011', communication: 2, stage: 'Resolved' });
  expect((await relay.post(ended)).status).toBe(503);
  expect(locked).toBe(true);
  await expect.poll(async () => (await relay.post(ended)).status, { timeout: 60_000 }).toBe(202);
  await expect
    .poll(
      () =>
        pager()
          .alerts()
          .map(({ status }) => status),
      { timeout: 40_000 },
    )
    .toEqual(['resolved']);
}, 150_000);

test('Postgres: a pooler in between needs to know no more parameters than before', async () => {
  const asked = new Set<string>();
  const pools = openPools(through(url(), proxy()), () => undefined);
  for (const pool of [pools.ingest, pools.delivery, pools.read, pools.heart]) {
    proxy().onChunk = (startup) => {
      const words = startup.toString('latin1', 8).split('\0');
      for (let at = 0; at < words.length && words[at] !== ''; at += 2) asked.add(words[at]!);
      proxy().onChunk = null;
      return null;
    };
    const { rows } = await pool.query('show idle_in_transaction_session_timeout');
    expect(rows).toEqual([{ idle_in_transaction_session_timeout: '10s' }]);
  }
  await pools.end();
  // PgBouncer refuses any other, unless its own config says that it may ignore it.
  expect([...asked].toSorted()).toEqual([
    'application_name',
    'client_encoding',
    'database',
    'options',
    'statement_timeout',
    'user',
  ]);
});

test('Redis: pages go on without the bell, and it rings again over new connections', async () => {
  const stores = await openStores('redis');
  const environment = await stores.environment();
  const { hostname: host, port } = new URL(environment['REDIS_URL']!);
  const redis = await startTcpProxy({ host, port: Number(port) });
  const vendor = await new PagerDutyServer().start();
  const relay = await startRelay(stores, CONFIG(vendor.url), {
    ...environment,
    REDIS_URL: through(environment['REDIS_URL']!, redis),
  });
  try {
    await relay.post(active('SILN-021'));
    await relay.level('SILN-021', 1);
    redis.silence();
    await relay.post(active('SILN-022'));
    await relay.level('SILN-022', 1);
    await expect.poll(async () => (await relay.get('/readyz')).json.status, { timeout: 40_000 }).toBe('ok');
    const answered = async (): Promise<number> =>
      Number(/relay_rings_total\{result="answered"\} (\d+)/.exec((await relay.get('/metrics')).text)?.[1]);
    const before = await answered();
    // The blocking connection waits up to 20 s for a word.
    await expect
      .poll(
        async () => {
          await relay.post(active(`SILN-1${Date.now() % 10_000}`));
          return (await answered()) - before;
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toBeGreaterThan(0);
    expect(vendor.alerts().filter(({ title }) => title.includes('SILN-022'))).toHaveLength(1);
  } finally {
    await relay.stop();
    await redis.stop();
    await vendor.stop();
    await stores.stop();
  }
}, 180_000);
