/** Azure calls an event over and writes nothing new: the pull is the only one that learns of it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { pushOf, recordOf } from '#test/support/azure/push.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';
import { relay as runCommand } from '#test/unit/cli/memory-io.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const MINE = [1, 2, 3].map(subscriptionId);

let stores: Stores;
let arm: ArmServer;
let pager: PagerDutyServer;
let hook: WebhookServer;
let relay: TestRelay;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  arm = await new ArmServer().start();
  pager = await new PagerDutyServer().start();
  hook = await new WebhookServer(SECRET).start();
  arm.subscriptions = MINE.map((id, index) => ({ id, name: `sub-${index + 1}` }));
});
afterEach(async () => {
  await relay.stop();
  await Promise.all([arm.stop(), pager.stop(), hook.stop()]);
});

const start = async (every: string): Promise<TestRelay> =>
  startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
backfill: { every: ${every} }
destinations:
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}", retry: { schedule: [100ms] } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }
routes: [{ match: {}, to: [oncall, hook] }]
`,
    await stores.environment(),
  );

const open = (): number => pager.alerts().filter((alert) => alert.status === 'open').length;
const found = async (): Promise<number> => (await relay.get('/v1/gaps')).json.backfill.found;

test.each([
  ['a quick round', '1s'],
  ['a whole round', '10m'],
])('%s ends the page, once, and what is pushed after all is a repeat', async (_, every) => {
  const record = recordOf({ trackingId: 'MUTE-010', subscriptions: MINE, minutesAgo: [40, 30] });
  relay = await start(every);
  for (const number of [1, 2])
    for (const subscription of MINE) await relay.post(pushOf(record, number, { subscription, stage: 'Active' }));
  await relay.level('MUTE-010', 2);
  expect(open()).toBe(1);

  // Whole seconds: Resource Graph gives ticks, whose last digits a number does not hold.
  const over = `${new Date(Date.now() - 10 * 60_000).toISOString().slice(0, 19)}.000Z`;
  arm.events = [record];
  Object.assign(record, { status: 'Resolved', mitigatedAt: over, touchedAt: over });
  const look = async (): Promise<void> => {
    const env = { RELAY_URL: relay.url, RELAY_TOKEN: API_TOKEN };
    if (every === '10m') expect(await runCommand(['backfill'], { env })).toMatchObject({ code: 0 });
  };
  await look();
  await expect.poll(open).toBe(0);
  expect((await relay.get('/v1/incidents/MUTE-010')).json).toMatchObject({
    incident: { state: 'resolved', resolvedAt: over },
  });

  const rounds = arm.count('Microsoft.ResourceGraph');
  await look();
  if (every === '1s') await expect.poll(() => arm.count('Microsoft.ResourceGraph')).toBeGreaterThan(rounds + 2);
  expect(await found()).toBe(0);
  const { json } = await relay.post(pushOf(record, 2, { subscription: MINE[0]!, stage: 'Resolved' }));
  expect(json.signals).toMatchObject([{ outcome: 'duplicate' }]);
  await relay.level('MUTE-010', 2);
  expect(hook.events.map((event) => event.body.type)).toEqual([
    'incident.opened',
    'incident.updated',
    'incident.resolved',
  ]);
  expect(pager.pages).toBe(1);
});
