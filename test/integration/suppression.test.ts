/** Own alerts stay quiet while an outage that the same destination accepted speaks for them (design section 6). */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let stores: Stores;
let relay: TestRelay;
let hook: WebhookServer;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
afterEach(async () => {
  await relay.stop();
  await hook.stop();
});

async function start(extra = ''): Promise<void> {
  hook = await new WebhookServer(SECRET).start();
  relay = await startRelay(
    stores,
    `${extra}destinations:\n  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }\nroutes: [{ match: {}, to: [hook] }]\n`,
  );
}

/** An own alert on a registry in a region that a dimension names. */
function alert(n: number, { severity = 'Sev2', condition = 'Fired' } = {}): unknown {
  const body = fixture(
    condition === 'Fired' ? 'webhook-common/metric-acr-fired.json' : 'webhook-common/metric-acr-resolved.json',
  );
  const { essentials, alertContext } = body.data;
  essentials.severity = severity;
  essentials.alertRuleID += `-${n}`;
  essentials.alertRule += `-${n}`;
  alertContext.condition.allOf[0].dimensions = [{ name: 'Region', value: 'West Europe' }];
  return body;
}

const heard = (): string[] => hook.events.map((e) => `${e.body.type} ${e.body.data.incident.headline.slice(0, 8)}`);
const outage = (stage: string, communication: number): unknown =>
  serviceHealth({ trackingId: 'PARE-001', communication, stage });

test('a storm of alerts below an outage is silent, counted, and heard of when the outage ends', async () => {
  await start();
  await relay.post(outage('Active', 1));
  await relay.level('PARE-001', 1);
  for (let n = 0; n < 40; n++) await relay.post(alert(n));
  await expect
    .poll(async () => ((await relay.get('/v1/destinations')).json.destinations[0].backlog.suppressed ?? 0) as number)
    .toBe(40);
  expect(heard()).toEqual(['incident.opened [Outage]']);
  await relay.post(alert(100, { severity: 'Sev1' }));
  await expect.poll(() => hook.events.length).toBe(2);
  await relay.post(alert(0, { condition: 'Resolved' }));
  await relay.post(outage('Active', 2));
  await relay.level('PARE-001', 1);
  expect(JSON.stringify(hook.events.at(-1)!.body)).toMatch(/(39|40) alerts of our own in the same place/);
  await relay.post(outage('Resolved', 3));
  await expect.poll(() => heard().filter((h) => h.includes('opened [Alert]')).length, { timeout: 30_000 }).toBe(40);
  const held = (await relay.get('/v1/incidents?kind=alert&state=active&limit=2')).json.incidents[1];
  const { timeline } = (await relay.get(`/v1/incidents/${held.id}/timeline`)).json;
  expect(timeline.some((e: { data: { decision?: string } }) => e.data.decision === 'suppressed')).toBe(true);
});

test('an alert in another region, or of an unknown one, is not held back; passThrough holds nothing back', async () => {
  await start('passThrough: true\n');
  await relay.post(outage('Active', 1));
  await relay.level('PARE-001', 1);
  await relay.post(alert(1));
  await expect.poll(() => hook.events.length).toBe(2);
  await relay.stop();
  await hook.stop();
  await start();
  await relay.post(serviceHealth({ trackingId: 'PARE-002', communication: 1, stage: 'Active', regions: ['East US'] }));
  await relay.level('PARE-002', 1);
  await relay.post(alert(2));
  await relay.post(fixture('webhook-common/metric-aks-dynamic-fired.json'));
  await expect.poll(() => hook.events.length).toBe(3);
});
