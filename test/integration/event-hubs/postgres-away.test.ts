/** The hub keeps what the store cannot take; the pager hears of it all the same (design 3.7). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '#src/app.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { FAST, SECRET } from '#test/support/event-hubs/hub-relay.ts';
import { getFrom, startWithReceivers } from '#test/support/event-hubs/start.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, type Stores } from '#test/support/relay.ts';
import { startTcpProxy, through, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

let stores: Stores;
let server: EventHubsServer;
let pager: PagerDutyServer;
let hook: WebhookServer;
let proxy: TcpProxy;
let app: App;
let folder: string;

beforeAll(async () => {
  stores = await openStores('postgres');
  server = await new EventHubsServer({ hubs: { alerts: { partitions: 2 } } }).start();
  pager = await new PagerDutyServer().start();
  hook = await new WebhookServer(SECRET).start();
  folder = mkdtempSync(join(tmpdir(), 'relay-hub-away-'));
  const databaseUrl = (await stores.environment())['DATABASE_URL']!;
  const target = new URL(databaseUrl);
  proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  app = await startWithReceivers({
    databaseUrl: through(databaseUrl, proxy),
    environment: { RELAY_SPOOL_DIR: join(folder, 'spool') },
    receivers: `eventHubs: [{ name: alerts, source: alerts, connectionString: "${server.connectionString('alerts')}" }]`,
    config: `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager.url}", retry: { schedule: [200ms] } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [200ms] } }
routes: [{ match: {}, to: [oncall, hook] }]
`,
    tuning: FAST,
  });
});
afterAll(async () => {
  proxy.mode = 'pass';
  await app.stop();
  await proxy.stop();
  await server.stop();
  await pager.stop();
  await hook.stop();
  await stores.stop();
  rmSync(folder, { recursive: true, force: true });
});

const publish = (trackingId: string): void =>
  void server.publish('alerts', serviceHealth({ trackingId, communication: 1, stage: 'Active' }), { partition: 0 });

test('an outage that comes through a hub while Postgres is away is paged all the same, once, and recorded afterwards', async () => {
  publish('HUBA-001');
  await expect.poll(() => pager.pages).toBe(1);
  await expect.poll(() => hook.openings).toBe(1);
  proxy.mode = 'away';
  proxy.cut();
  publish('HUBA-002');
  await expect.poll(() => pager.pages).toBe(2);
  expect(hook.openings).toBe(1);
  proxy.mode = 'pass';
  await expect.poll(() => hook.openings).toBe(2);
  publish('HUBA-003');
  await expect.poll(() => pager.pages).toBe(3);
  await expect.poll(() => hook.openings).toBe(3);
  const { timeline } = await getFrom(app, '/v1/incidents/HUBA-002/timeline');
  expect(timeline.some((entry: { data: { decision?: string } }) => entry.data.decision === 'fail-open')).toBe(true);
  const { incidents } = await getFrom(app, '/v1/incidents');
  expect(incidents).toHaveLength(3);
  await expect.poll(async () => (await getFrom(app, '/readyz')).status).toBe('ok');
  expect(server.log('alerts', 0).end).toBe(3);
}, 120_000);

test('one that comes while Postgres hangs is paged before the slice is given up', async () => {
  const pages = pager.pages;
  proxy.mode = 'hang';
  publish('HUBA-004');
  // A statement without an answer is given up after 11 s, and the slice is offered to the spool 4.5 s later.
  await expect.poll(() => pager.pages, { timeout: 12_000 }).toBe(pages + 1);
  expect(await getFrom(app, '/readyz')).toMatchObject({ status: 'degraded' });
  proxy.mode = 'pass';
  proxy.cut();
  await expect.poll(async () => (await getFrom(app, '/readyz')).status, { timeout: 40_000 }).toBe('ok');
  await expect.poll(() => server.log('alerts', 0).end).toBe(4);
  await expect.poll(async () => (await getFrom(app, '/v1/incidents')).incidents.length).toBe(4);
  expect(pager.pages).toBe(pages + 1);
}, 120_000);
