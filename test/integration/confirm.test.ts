/** Accepted is not delivered: what a vendor took with 202 and then dropped is found out and sent again. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { OpsgenieServer } from '#test/support/vendors/opsgenie.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

describe('a vendor that works off its calls later', () => {
  let stores: Stores;
  let relay: TestRelay;
  let vendor: OpsgenieServer;
  let hook: WebhookServer;
  let db: pg.Pool;

  beforeAll(async () => {
    stores = await openStores('postgres');
  });
  afterAll(() => stores.stop());
  beforeEach(async () => {
    vendor = await new OpsgenieServer().start();
    hook = await new WebhookServer(SECRET).start();
    const environment = await stores.environment();
    db = new pg.Pool({ connectionString: environment['DATABASE_URL'], max: 2 });
    // Postgres may be stopped before an idle connection is.
    db.on('error', () => undefined);
    relay = await startRelay(
      stores,
      `destinations:
  jsm: { type: opsgenie, apiKey: some-key, apiUrl: "${vendor.apiUrl}", fallback: { to: hook } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
routes: [{ match: {}, to: [jsm] }]
`,
      environment,
    );
  });
  afterEach(async () => {
    await relay.stop();
    await db.end();
    await vendor.stop();
    await hook.stop();
  });

  const open = (trackingId: string): Promise<unknown> =>
    relay.post(serviceHealth({ trackingId, communication: 1, stage: 'Active' }));
  /** The pause before the vendor is asked is over. */
  const askNow = (): Promise<unknown> =>
    db.query('update deliveries set confirm_at = now() where confirm_at is not null');
  // oxlint-disable-next-line typescript/no-explicit-any -- asserted on by path
  const deliveries = async (id: string): Promise<any[]> =>
    (await relay.get(`/v1/incidents/${id}/deliveries`)).json.deliveries;
  const receipts = async (id: string): Promise<unknown[]> =>
    (await deliveries(id)).flatMap((d) =>
      d.attempts.map((a: { receipt: { level: string } | null }) => a.receipt?.level),
    );

  test('turns an accepted receipt into a confirmed one, and is asked no more', async () => {
    await open('CONF-001');
    await relay.level('CONF-001', 1);
    expect(await receipts('CONF-001')).toEqual(['accepted']);
    await askNow();
    await expect.poll(() => receipts('CONF-001')).toEqual(['confirmed']);
    const asked = vendor.requests.filter((request) => request.method === 'GET').length;
    await askNow();
    await new Promise((done) => setTimeout(done, 2_500));
    expect(vendor.requests.filter((request) => request.method === 'GET')).toHaveLength(asked);
  });

  test('is sent a dropped opening again, and one alert is open in the end', async () => {
    vendor.dropCreates = 1;
    await open('CONF-002');
    await relay.level('CONF-002', 1);
    expect(vendor.alerts()).toHaveLength(0);
    await askNow();
    await expect.poll(() => vendor.alerts().length).toBe(1);
    await relay.level('CONF-002', 1);
    await askNow();
    await expect.poll(() => receipts('CONF-002')).toEqual(['accepted', 'confirmed']);
    const { timeline } = (await relay.get('/v1/incidents/CONF-002/timeline')).json;
    expect(timeline.filter((e: { data: { decision?: string } }) => e.data.decision === 'dropped')).toHaveLength(1);
    await relay.post(serviceHealth({ trackingId: 'CONF-002', communication: 2, stage: 'Resolved' }));
    await expect.poll(() => vendor.alerts()[0]?.status).toBe('closed');
  });

  test('that drops every opening is given up, and the fallback is told', async () => {
    vendor.dropCreates = 100;
    await open('CONF-003');
    for (let times = 1; times <= 3; times++) {
      await expect.poll(async () => (await deliveries('CONF-003'))[0]?.attempts.at(-1)?.outcome).toBe('accepted');
      await expect
        .poll(
          async () => (
            await askNow(),
            (await deliveries('CONF-003'))[0]?.attempts.filter(
              (a: { receipt: { failed?: boolean } | null }) => a.receipt?.failed,
            ).length
          ),
          { timeout: 15_000 },
        )
        .toBeGreaterThanOrEqual(times);
    }
    await expect.poll(() => hook.events.map((event) => event.body.type)).toEqual(['incident.opened']);
    expect((await deliveries('CONF-003')).find((d) => d.destination === 'jsm')).toMatchObject({ state: 'failed' });
  });

  test('that does not know yet is asked again later, and nothing is repeated meanwhile', async () => {
    vendor.statusUnknownTimes = 1;
    await open('CONF-004');
    await relay.level('CONF-004', 1);
    await askNow();
    await expect.poll(async () => (await db.query('select confirm_tries as n from deliveries')).rows[0].n).toBe(1);
    expect(await receipts('CONF-004')).toEqual(['accepted']);
    await askNow();
    await expect.poll(() => receipts('CONF-004')).toEqual(['confirmed']);
    expect(vendor.pages).toBe(1);
  });
});
