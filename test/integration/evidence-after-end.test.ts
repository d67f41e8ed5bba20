/** A hit that only the last look finds: told as a note wherever the outage was told, and nothing is opened again by it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { MetricsServer } from '#test/support/azure/metrics-server.ts';
import { pushOf, recordOf } from '#test/support/azure/push.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { SERVICENOW_CREDENTIALS, ServiceNowServer } from '#test/support/vendors/servicenow.ts';
import type { ConformanceBench, Observed, RunningBench } from '../conformance/bench.ts';

const SUBSCRIPTION = subscriptionId(1);
const REGISTRY = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/acrone`;
const MINUTE_MS = 60_000;

let stores: Stores;
let arm: ArmServer;
let metrics: MetricsServer;
let instance: ServiceNowServer;
let vendors: Map<string, RunningBench>;
let relay: TestRelay;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  [arm, metrics, instance] = await Promise.all([
    new ArmServer().start(),
    new MetricsServer().start(),
    new ServiceNowServer().start(),
  ]);
  arm.subscriptions = [{ id: SUBSCRIPTION, name: 'one' }];
  arm.resources = [{ id: REGISTRY, type: 'microsoft.containerregistry/registries', location: 'westeurope' }];
  vendors = new Map();
  for (const { kind } of adapters) {
    const { bench } = (await import(`../conformance/benches/${kind}.ts`)) as { bench: ConformanceBench };
    vendors.set(kind, await bench.start());
  }
});
afterEach(async () => {
  await relay.stop();
  await Promise.all([arm, metrics, instance, ...vendors.values()].map((server) => server.stop()));
});

async function start(): Promise<void> {
  const { username, password } = SERVICENOW_CREDENTIALS;
  const auth = { type: 'basic', username, password };
  const destinations = {
    ...Object.fromEntries([...vendors].map(([type, { settings }]) => [type, { type, ...settings }])),
    events: { type: 'servicenow', mode: 'event', instanceUrl: instance.url, auth },
  };
  relay = await startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
backfill: { enabled: false }
evidence: { every: 20s, metricsUrl: "${metrics.template}" }
destinations: ${JSON.stringify(destinations)}
routes: [{ match: {}, to: ${JSON.stringify(Object.keys(destinations))} }]
`,
  );
  await expect.poll(async () => (await relay.get('/v1/estate')).json.estate.known).toBe(true);
}

const observed = async (): Promise<Map<string, Observed>> =>
  new Map(await Promise.all([...vendors].map(async ([kind, vendor]) => [kind, await vendor.observed()] as const)));
const revisionOf = async (): Promise<number> => (await relay.get('/v1/incidents/LATE-001')).json.incident.revision;

test('at every kind of destination: one message more, no page, nothing that stands open, nothing refused', async () => {
  const [startedMs, endedMs] = [52, 20].map((minutes) => Date.now() - minutes * MINUTE_MS) as [number, number];
  const record = recordOf({
    trackingId: 'LATE-001',
    subscriptions: [SUBSCRIPTION],
    minutesAgo: [40, 2],
    startedAt: new Date(startedMs).toISOString(),
    mitigatedAt: new Date(endedMs).toISOString(),
  });
  let late = false;
  metrics.resources.push({
    id: REGISTRY,
    region: 'westeurope',
    value: (metric, atMs) =>
      late && metric === 'SuccessfulPullCount' && atMs >= startedMs + 9 * MINUTE_MS && atMs < endedMs ? 12 : 20,
  });
  await start();
  await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
  // The first look sees nothing, and says so.
  await expect.poll(revisionOf, { timeout: 20_000 }).toBe(2);
  await relay.post(pushOf(record, 2, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
  late = true;
  const deliveries = await relay.level('LATE-001', vendors.size + 1);
  expect(deliveries.map((one) => one['destination'] as string).sort()).toEqual([...vendors.keys(), 'events'].sort());
  const before = await observed();
  expect(await revisionOf()).toBe(3);
  const [alert] = instance.events.alerts;
  const events = alert!.events.length;

  await expect.poll(revisionOf, { timeout: 60_000 }).toBe(4);
  await relay.level('LATE-001', vendors.size + 1);
  expect((await relay.get('/v1/incidents/LATE-001')).json.incident).toMatchObject({ state: 'resolved', revision: 4 });
  for (const [kind, now] of await observed()) {
    const then = before.get(kind)!;
    const added = now.messages.slice(then.messages.length);
    expect([kind, added.length, added[0]?.text]).toEqual([kind, 1, expect.stringContaining('acrone hit:')]);
    expect([kind, now.woken, now.open, now.refused]).toEqual([kind, then.woken, 0, 0]);
  }
  // An event after the clearing one would open the alert again: none is sent.
  expect([alert!.open, alert!.openings, alert!.events.length]).toEqual([false, 1, events]);
}, 180_000);
