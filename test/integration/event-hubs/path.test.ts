/** Producer, hub, our consumer, incident, notification: with the real SDK on both sides of a local hub. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HubTuning } from '#src/receivers/event-hubs/tuning.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { SECRET, startHubRelay, type HubRelay } from '#test/support/event-hubs/hub-relay.ts';
import { sendToHub } from '#test/support/event-hubs/send.ts';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import { openStores, type Stores } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

let stores: Stores;
let server: EventHubsServer;
let hook: WebhookServer;
let relay: HubRelay;
let databaseUrl: string;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());

beforeEach(async () => {
  server = await new EventHubsServer({ hubs: { alerts: { partitions: 2 }, activity: { partitions: 4 } } }).start();
  hook = await new WebhookServer(SECRET).start();
  databaseUrl = (await stores.environment())['DATABASE_URL']!;
});
afterEach(async () => {
  await relay.stop();
  await server.stop();
  await hook.stop();
  expect(server.faults).toEqual([]);
});

async function start(hubs: string[] = ['alerts'], tuning: Partial<HubTuning> = {}): Promise<void> {
  const strings = Object.fromEntries(hubs.map((name) => [name, server.connectionString(name)]));
  relay = await startHubRelay({ databaseUrl, hubs: strings, hook, tuning });
}
/** A pause of the whole process is no stall of a partition, and lets no fault age away. */
const PATIENT: Partial<HubTuning> = { stallMs: 30_000 };

const active = (trackingId: string, communication = 1, subscription = 1): Record<string, unknown> =>
  serviceHealth({ trackingId, communication, stage: 'Active', subscription });

describe('from the hub to the destination', () => {
  test('an alert that a producer sent becomes an incident and one notification', async () => {
    await sendToHub(server.connectionString('alerts'), [active('HUB1-001')]);
    await start(['alerts'], PATIENT);
    await expect.poll(() => hook.events.length).toBe(1);
    expect(hook.events[0]!.body.data.incident).toMatchObject({ trackingId: 'HUB1-001' });
    const { incident } = await relay.get('/v1/incidents/HUB1-001');
    expect(incident).toMatchObject({ kind: 'outage', state: 'active' });
    await relay.level('alerts');
    await expect.poll(() => relay.hub('alerts')).toMatchObject({ status: 'ok', detail: null, restarts: 0 });
  });

  test('every body that Azure sends is read: exports of mixed categories, Event Grid in both envelopes, arrays, text', async () => {
    await start(['alerts', 'activity']);
    const bodies = [
      fixture('eventhub-activitylog/mixed-categories.json'),
      fixture('eventhub-activitylog/sh-incident-active.json'),
      fixture('eventgrid/aks-nodepool-rolling-failed-cloudevents.json'),
      fixture('eventgrid/health-resource-unavailable-eventgrid.json'),
      fixture('eventgrid/cloudevents-batch.json'),
      [fixture('webhook-common/metric-acr-fired.json'), fixture('webhook-classic/rh-aks-degraded.json')],
    ];
    const string = server.connectionString('activity');
    await sendToHub(
      string,
      bodies.map((body) => JSON.stringify(body)),
    );
    // A client that lets AMQP encode the value, and one that marks its UTF-8.
    await sendToHub(string, [
      fixture('webhook-common/prometheus-aks-fired.json'),
      `\uFEFF${JSON.stringify(active('HUB1-002'))}`,
    ]);
    await expect.poll(async () => (await relay.get('/v1/incidents?limit=100')).incidents.length).toBeGreaterThan(9);
    // By way of another partition, whose end the relay may not know yet.
    await expect.poll(async () => (await relay.get('/v1/incidents/HUB1-002')).incident?.kind as unknown).toBe('outage');
    await relay.level('activity');
    // An audit log of a cluster shares the export and is no health message.
    const unknown = async (): Promise<string[]> =>
      ((await relay.get('/v1/sources')).odd as { outcome: string; title: string }[])
        .filter((one) => one.outcome === 'unrecognised')
        .map((one) => one.title);
    await expect.poll(unknown).toEqual([expect.stringContaining('kube-audit')]);
  });

  test('an image push is kept for the record and told to nobody', async () => {
    await start();
    await sendToHub(server.connectionString('alerts'), [
      fixture('eventgrid/acr-image-pushed-eventgrid.json'),
      active('HUB1-003'),
    ]);
    await expect.poll(() => hook.events.length).toBe(1);
    const { incidents } = await relay.get('/v1/incidents?kind=change');
    expect(incidents).toHaveLength(1);
    expect(hook.events[0]!.body.data.incident).toMatchObject({ trackingId: 'HUB1-003' });
  });
});

describe('when the hub goes away', () => {
  test('nothing is lost and nothing is told twice over dropped connections and a restart of the hub', async () => {
    await start(['activity']);
    const string = server.connectionString('activity');
    const ids = Array.from({ length: 30 }, (_, n) => `DROP-${100 + n}`);
    await sendToHub(
      string,
      ids.slice(0, 10).map((id) => active(id)),
    );
    await expect.poll(() => hook.events.length).toBeGreaterThan(0);
    server.dropConnections();
    for (const id of ids.slice(10, 15)) server.publish('activity', active(id));
    server.closeConnections();
    await sendToHub(
      string,
      ids.slice(15, 20).map((id) => active(id)),
    );
    await server.stop();
    for (const id of ids.slice(20)) server.publish('activity', active(id));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await server.start();
    await expect.poll(() => hook.openings, { timeout: 30_000 }).toBe(30);
    await relay.level('activity');
    expect(hook.events).toHaveLength(30);
    await expect.poll(async () => (await relay.hub('activity')).status).toBe('ok');
  });

  test('a hub that cannot be reached is named by readiness, and is read once it is there', async () => {
    await server.stop();
    await start();
    await expect
      .poll(async () =>
        (await relay.get('/readyz')).parts.find((part: { name: string }) => part.name === 'event-hub alerts'),
      )
      .toMatchObject({ status: 'degraded', detail: expect.stringMatching(/unavailable|not connected/) });
    server.publish('alerts', active('HUB1-004'));
    await server.start();
    await expect.poll(() => hook.events.length).toBe(1);
    await expect.poll(async () => (await relay.get('/readyz')).status).toBe('ok');
  });

  test('a refused token is named as such, out of the nested errors of the SDK', async () => {
    server.refuseToken = () => ({ status: 401, description: 'no' });
    await start();
    await expect.poll(async () => (await relay.hub('alerts')).detail).toMatch(/^unauthorized: /);
    server.refuseToken = () => null;
    await expect.poll(async () => (await relay.hub('alerts')).status).toBe('ok');
  });
});

test('a partition that cannot be read is named while the others go on, and is read when it can be', async () => {
  server.refuseLink = (address) =>
    address.endsWith('/Partitions/0') ? { condition: 'amqp:not-allowed', description: 'not this one' } : null;
  await start(['alerts'], PATIENT);
  for (const partition of [0, 1]) server.publish('alerts', active(`PART-00${partition}`), { partition });
  await expect.poll(() => hook.openings).toBe(1);
  await expect.poll(async () => (await relay.hub('alerts')).detail).toMatch(/^partition 0: .*not this one/);
  // Contact with the other partition does not hide it.
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await relay.hub('alerts')).status).toBe('degraded');
  server.refuseLink = () => null;
  await expect.poll(() => hook.openings).toBe(2);
  await expect.poll(async () => (await relay.hub('alerts')).status).toBe('ok');
});

describe('what cannot be read', () => {
  test('is stored with hub, partition and sequence number, and the partition goes on', async () => {
    await start();
    const string = server.connectionString('alerts');
    await sendToHub(
      string,
      ['{"records": [', Buffer.from([0xff, 0x00, 0x80, 0x01]), 'plain words', active('HUB1-005')],
      { partitionId: '1' },
    );
    await expect.poll(() => hook.openings).toBeGreaterThan(0);
    const { odd } = await relay.get('/v1/sources');
    expect(odd.map((one: { reason: string }) => one.reason).sort()).toEqual([
      'the body is not JSON (hub alerts, partition 1, sequence number 0)',
      'the body is not JSON (hub alerts, partition 1, sequence number 1)',
      'the body is not JSON (hub alerts, partition 1, sequence number 2)',
    ]);
    expect((await relay.get('/v1/incidents/HUB1-005')).incident.state).toBe('active');
    await expect
      .poll(async () => (await relay.hub('alerts')).partitions.find((one) => one.id === '1'))
      .toMatchObject({ sequenceNumber: 3, lag: 0 });
  });
});
