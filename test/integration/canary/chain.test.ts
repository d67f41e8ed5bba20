/** The canary on every footing: by each door, through fold, queue, worker and destination, and back; and nobody is told of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CANARY_HOPS } from '#src/core/canary.ts';
import { canaryOf, startHeartbeatServer, untilWell } from '#test/support/canary.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { API_TOKEN, FOOTINGS, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import type { VendorServer } from '#test/support/vendors/vendor-server.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const active = (id: string): unknown =>
  serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 1 });

describe.each(FOOTINGS)('on the footing %s', (footing) => {
  let stores: Stores;
  let environment: Record<string, string>;
  let hook: WebhookServer;
  let ping: VendorServer;
  let relays: TestRelay[] = [];

  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());
  beforeEach(async () => {
    environment = await stores.environment();
    hook = await new WebhookServer(SECRET).start();
    ping = await startHeartbeatServer();
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    relays = [];
    await hook.stop();
    await ping.stop();
  });

  async function start(more: Record<string, string> = {}): Promise<TestRelay> {
    const config = `destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
default: [hook]
canary: { every: 3s, within: 3s }
heartbeat: { url: "${ping.url}/ping/me", every: 1s }
`;
    const relay = await startRelay(stores, config, { ...environment, ...more });
    relays.push(relay);
    return relay;
  }

  test('each receiver brings one in, it passes every hop and comes back, and only then the heartbeat beats', async () => {
    const relay = await start();
    expect(ping.requests).toEqual([]);
    const view = await untilWell(relay);
    const passed = view.hops.filter((hop) => hop.everPassed).map((hop) => `${hop.receiver} ${hop.hop}`);
    const all = ['azure-monitor', 'event-grid'].flatMap((receiver) => CANARY_HOPS.map((hop) => `${receiver} ${hop}`));
    expect(passed.sort()).toEqual(all.sort());
    await expect.poll(() => ping.requests.length).toBeGreaterThan(1);
    expect(ping.requests[0]).toMatchObject({ method: 'GET', path: '/ping/me' });
    const read = async (): Promise<string> => (await relay.get('/metrics', { token: API_TOKEN })).text;
    // Young again and again, however slow the machine is at the moment.
    await expect.poll(read).toMatch(/relay_canary_age_seconds\{receiver="event-grid",hop="returned"\} [0-2]\./);
    const metrics = await read();
    expect(metrics).toContain('relay_audit_findings{finding="unpromised"} 0');
    expect(metrics).toMatch(/relay_heartbeats_total\{result="sent"\} \d/);
  });

  test('nobody is told, no list and no stream shows it, and the source of the token stays quiet', async () => {
    const relay = await start();
    await untilWell(relay);
    await relay.post(active('REAL-001'));
    await expect.poll(() => hook.events.length).toBe(1);
    const toldAt = performance.now();
    const returnedAfter = async (): Promise<boolean> => {
      const sinceS = (performance.now() - toldAt) / 1000;
      const hop = (await canaryOf(relay))?.hops.find((one) => one.hop === 'returned');
      return hop !== undefined && hop.ageS < sinceS;
    };
    await expect.poll(returnedAfter).toBe(true);
    expect(hook.events).toHaveLength(1);
    const { incidents } = (await relay.get('/v1/incidents')).json;
    expect(incidents.map((one: { trackingId: string }) => one.trackingId)).toEqual(['REAL-001']);
    const asked = (await relay.get('/v1/incidents?kind=canary')).json.incidents;
    expect(asked.length).toBeGreaterThan(1);
    const { sources, odd } = (await relay.get('/v1/sources')).json;
    expect(sources).toMatchObject([{ source: 'test', signals: 1 }]);
    expect(odd).toEqual([]);
    const told = (await relay.get('/v1/incidents/REAL-001/deliveries')).json.deliveries;
    expect(told.map((one: { destination: string }) => one.destination)).toEqual(['hook']);
  });
});
