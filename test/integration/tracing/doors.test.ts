/** Traces beyond one process and one door: Event Hubs, the spool, a worker of its own, log lines. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { adapters, startApp, type App } from '#src/app.ts';
import { readEnvironment } from '#src/config/env.ts';
import { loadConfig } from '#src/config/load.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { FAST, hookConfig } from '#test/support/event-hubs/hub-relay.ts';
import { startRelayProcess, startWithReceivers } from '#test/support/event-hubs/start.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { OtlpServer } from '#test/support/otlp/otlp-server.ts';
import type { OtlpSpan } from '#test/support/otlp/trace-message.ts';
import { CONFIG_HEAD, openStores, TOKEN, type Stores } from '#test/support/relay.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let stores: Stores;
let otlp: OtlpServer;
let hook: WebhookServer;
let pager: PagerDutyServer;
let folder: string;
let apps: App[] = [];
let child: ChildProcess | null = null;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
beforeEach(async () => {
  otlp = await new OtlpServer().start();
  hook = await new WebhookServer(SECRET).start();
  pager = await new PagerDutyServer().start();
  folder = mkdtempSync(join(tmpdir(), 'relay-traces-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  child = null;
  for (const app of apps) await app.stop();
  apps = [];
  await Promise.all([otlp.stop(), hook.stop(), pager.stop()]);
  rmSync(folder, { recursive: true, force: true });
  expect(otlp.faults).toEqual([]);
});

const traced = (): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
  OTEL_BSP_SCHEDULE_DELAY: '100',
});

/** A relay whose log lines the test reads. */
async function start(config: string, environment: Record<string, string>): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  const env = readEnvironment({ PORT: '0', ...environment });
  const loaded = loadConfig(CONFIG_HEAD + config, { file: 'relay.yaml', env: {}, adapters });
  if (!env.ok || !loaded.ok) throw new Error('faults in the test');
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  apps.push(await startApp({ env: env.value, config: loaded.config, log }));
  return lines;
}

async function post(id: string, communication = 1): Promise<number> {
  const answer = await fetch(`${apps[0]!.url}/v1/receivers/azure-monitor`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(serviceHealth({ trackingId: id, communication, stage: 'Active' })),
  });
  return answer.status;
}

/** Waits for a span, of this trace where one is given; long enough for a relay in another process to start. */
async function span(name: string, traceId?: string): Promise<OtlpSpan> {
  const found = (): OtlpSpan | undefined =>
    otlp.spans.find((one) => one.name === name && (traceId === undefined || one.traceId === traceId));
  await expect.poll(found, { timeout: 30_000 }).toBeDefined();
  return found()!;
}

test('what an Event Hub brings is one trace as well, down to the vendor', { timeout: 120_000 }, async () => {
  const server = await new EventHubsServer({ hubs: { hub: { partitions: 1 } } }).start();
  try {
    const { DATABASE_URL: databaseUrl } = await stores.environment();
    const receivers = `eventHubs: [{ name: activity, source: export, connectionString: "${server.connectionString('hub')}" }]`;
    const options = { databaseUrl: databaseUrl!, receivers, config: hookConfig(hook), tuning: FAST };
    apps.push(await startWithReceivers({ ...options, environment: traced() }));
    server.publish('hub', JSON.stringify(serviceHealth({ trackingId: 'HUBT-001', communication: 1, stage: 'Active' })));
    const delivery = await span('deliver hook');
    // A reader that stood still loses its partition, and the event is received once more, in a trace of its own.
    const receipt = await span('receive activity', delivery.traceId);
    expect(receipt).toMatchObject({
      kind: 'consumer',
      parentSpanId: null,
      attributes: {
        'relay.door': 'event-hub',
        'relay.source': 'export',
        'relay.outcome.opened': 1,
        'messaging.destination.partition.id': '0',
      },
    });
    expect((await span('POST 127.0.0.1', delivery.traceId)).parentSpanId).toBe(delivery.spanId);
  } finally {
    for (const app of apps.splice(0)) await app.stop();
    await server.stop();
  }
});

test('the lines of a signal and of its attempts have the trace id, and it is that of the spans', async () => {
  const lines = await start(hookConfig(hook), { ...traced(), ...(await stores.environment()) });
  expect(await post('LINE-001')).toBe(202);
  const delivery = await span('deliver hook');
  await expect.poll(() => lines.some((line) => line['msg'] === 'delivery.attempted')).toBe(true);
  const told = lines.filter((line) => line['msg'] === 'signal.received' || line['msg'] === 'delivery.attempted');
  expect(told.map((line) => [line['msg'], line['identity'], line['traceId']])).toEqual([
    ['signal.received', 'sh/line-001', delivery.traceId],
    ['delivery.attempted', 'sh/line-001', delivery.traceId],
  ]);
  expect(told[1]).toMatchObject({ outcome: 'accepted', reason: 'ok', status: 204 });
});

test('without traces nothing stands in the lines, and nothing in the database', async () => {
  const environment = await stores.environment();
  const lines = await start(hookConfig(hook), environment);
  expect(await post('LINE-002')).toBe(202);
  await expect.poll(() => lines.some((line) => line['msg'] === 'delivery.attempted')).toBe(true);
  expect(lines.filter((line) => 'traceId' in line)).toEqual([]);
  expect(otlp.requests).toBe(0);
});

test('a worker in another process goes on with the trace of the api', { timeout: 120_000 }, async () => {
  const { DATABASE_URL: databaseUrl } = await stores.environment();
  await start(hookConfig(hook), { ...traced(), DATABASE_URL: databaseUrl!, RELAY_ROLE: 'api' });
  child = startRelayProcess({
    databaseUrl: databaseUrl!,
    receivers: 'eventHubs: []',
    config: hookConfig(hook),
    environment: { ...traced(), RELAY_ROLE: 'worker' },
    folder,
  });
  expect(await post('ROLE-001')).toBe(202);
  const delivery = await span('deliver hook');
  const receipt = await span('POST /v1/receivers/azure-monitor');
  const answered = await span('process rings');
  expect(new Set([delivery.traceId, answered.traceId, receipt.traceId]).size).toBe(1);
  expect([receipt.resource['relay.role'], delivery.resource['relay.role']]).toEqual(['api', 'worker']);
});

test(
  'while Postgres is away the page is in the trace of its signal, and what is told later too',
  { timeout: 120_000 },
  async () => {
    const { DATABASE_URL: url } = await stores.environment();
    const { hostname: host, port } = new URL(url!);
    const proxy = await startTcpProxy({ host, port: Number(port) });
    try {
      const config = `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager.url}" }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
routes: [{ match: {}, to: [oncall, hook] }]
`;
      await start(config, { ...traced(), DATABASE_URL: through(url!, proxy), RELAY_SPOOL_DIR: folder });
      proxy.mode = 'away';
      proxy.cut();
      expect(await post('AWAY-T01')).toBe(202);
      const page = await span('deliver oncall');
      const receipt = await span('POST /v1/receivers/azure-monitor');
      expect(receipt.attributes['relay.outcome.spooled']).toBe(1);
      expect(page.traceId).toBe(receipt.traceId);
      proxy.mode = 'pass';
      expect((await span('deliver hook')).traceId).toBe(receipt.traceId);
      expect(pager.pages).toBe(1);
    } finally {
      proxy.mode = 'pass';
      for (const app of apps.splice(0)) await app.stop();
      await proxy.stop();
    }
  },
);

test('a second relay in one process has no traces, says so, and does its work', async () => {
  const environment = { ...traced(), ...(await stores.environment()) };
  await start(hookConfig(hook), environment);
  const lines = await start(hookConfig(hook), environment);
  expect(lines.find((line) => line['msg'] === 'traces.off')).toMatchObject({
    error: expect.stringContaining('already'),
  });
  expect(await post('TWICE-01')).toBe(202);
  await expect.poll(() => hook.events.length).toBe(1);
});

test('settings that cannot be used are warnings: the relay starts without traces', async () => {
  const lines = await start(hookConfig(hook), {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    ...(await stores.environment()),
  });
  expect(lines.find((line) => line['msg'] === 'traces.setting')).toMatchObject({
    reason: expect.stringContaining('only http/protobuf'),
  });
  expect(lines.some((line) => line['msg'] === 'traces.started')).toBe(false);
  expect(await post('GRPC-001')).toBe(202);
});
