/** Figures that alerts stand on: the breaker of a destination, the age of the spool, what the fold made of signals. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let stores: Stores;
let hook: WebhookServer;
let folder: string;
let relay: TestRelay | null = null;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
beforeEach(async () => {
  hook = await new WebhookServer(SECRET).start();
  folder = mkdtempSync(join(tmpdir(), 'relay-gauges-'));
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
  await hook.stop();
  rmSync(folder, { recursive: true, force: true });
});

const config = (): string => `destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [20ms] } }
routes: [{ match: {}, to: [hook] }]
`;
const active = (id: string, n = 1): unknown => serviceHealth({ trackingId: id, communication: n, stage: 'Active' });

async function figure(name: string): Promise<number | null> {
  const { text } = await relay!.get('/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? null : Number(line.split(' ').at(-1));
}

test('the breaker opens with the fifth failure in a row, and closes with the first success', async () => {
  relay = await startRelay(stores, config(), await stores.environment());
  expect(await figure('relay_destination_breaker{destination="hook",state="open"}')).toBeNull();
  hook.failAlways({ kind: 'answer', answer: { status: 503 } });
  await relay.post(active('GAUGE-01'));
  const open = 'relay_destination_breaker{destination="hook",state="open"}';
  await expect.poll(() => figure(open), { timeout: 20_000 }).toBe(1);
  expect(await figure('relay_destination_failures{destination="hook"}')).toBeGreaterThanOrEqual(5);
  expect(await figure('relay_destination_breaker{destination="hook",state="closed"}')).toBe(0);
  hook.failAlways(null);
  await expect.poll(() => figure(open), { timeout: 20_000 }).toBe(0);
  expect(await figure('relay_destination_failures{destination="hook"}')).toBe(0);
  expect(await figure('relay_destination_pause_seconds{destination="hook"}')).toBe(0);
});

test('the age of the spool grows while Postgres is away, is 0 afterwards, and what was spooled is counted as folded', async () => {
  const { DATABASE_URL: url } = await stores.environment();
  const { hostname: host, port } = new URL(url!);
  const proxy = await startTcpProxy({ host, port: Number(port) });
  try {
    relay = await startRelay(stores, config(), { DATABASE_URL: through(url!, proxy), RELAY_SPOOL_DIR: folder });
    await relay.post(active('GAUGE-10'));
    expect(await figure('relay_spool_age_seconds')).toBe(0);
    proxy.mode = 'away';
    proxy.cut();
    expect((await relay.post(active('GAUGE-11'))).json.signals[0].outcome).toBe('spooled');
    await expect.poll(() => figure('relay_spool_age_seconds')).toBeGreaterThan(1);
    proxy.mode = 'pass';
    await expect.poll(() => figure('relay_spool_age_seconds')).toBe(0);
    expect(await figure('relay_fold_results_total{outcome="opened"}')).toBe(2);
    expect(await figure('relay_signals_total{source="test",schema="classic",outcome="spooled"}')).toBe(1);
  } finally {
    proxy.mode = 'pass';
    await relay?.stop();
    relay = null;
    await proxy.stop();
  }
});
