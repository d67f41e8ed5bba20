/** Azure's own list of hit resources: of every kind of event that has one, and of every subscription in turn. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { recordOf } from '#test/support/azure/push.ts';
import type { AzureRecord } from '#test/support/azure/records.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';

const TYPE = 'microsoft.containerregistry/registries';
const MINE = Array.from({ length: 45 }, (_, n) => subscriptionId(n + 1));
const registryOf = (subscription: string): string =>
  `/subscriptions/${subscription}/resourcegroups/rg/providers/${TYPE}/acr${subscription.slice(-4)}`;

let stores: Stores;
let arm: ArmServer;
let relay: TestRelay;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => void (arm = await new ArmServer().start()));
afterEach(async () => {
  await relay.stop();
  await arm.stop();
});

/** Azure tells of the event and lists the registry of each subscription; the posts have come by push. */
async function start(records: readonly AzureRecord[]): Promise<void> {
  arm.subscriptions = MINE.map((id) => ({ id, name: id }));
  arm.events = [...records];
  arm.listed = records.flatMap(({ trackingId, subscriptions }) =>
    subscriptions.map((subscription) => ({
      trackingId,
      subscription,
      resource: registryOf(subscription),
      type: TYPE,
      status: 'Confirmed',
    })),
  );
  relay = await startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
backfill: { every: 300ms, grace: 1ms }
estate: { enabled: false }
destinations: {}
routes: []
`,
  );
}

const KINDS = [
  ['PlannedMaintenance', 'KIND-001'],
  ['HealthAdvisory', 'KIND-002'],
  ['SecurityAdvisory', 'KIND-003'],
] as const;
const events = (): AzureRecord[] =>
  KINDS.map(([eventType, trackingId]) =>
    recordOf({ trackingId, eventType, subscriptions: [MINE[0]!], minutesAgo: [5] }),
  );
const resourcesOf = async (trackingId: string): Promise<string[]> =>
  (await relay.get(`/v1/incidents/${trackingId}`)).json?.incident.resources;
const roundsOf = (): number => arm.count('/providers/Microsoft.ResourceGraph');

test.each([
  ['Resource Graph', false],
  ['REST, where it may not be asked', true],
])('is read for maintenance, health and security advisories as well, by %s', async (_, refused) => {
  if (refused) arm.forbidden.add('graph');
  await start(events());
  for (const [, trackingId] of KINDS)
    await expect.poll(() => resourcesOf(trackingId), { timeout: 15_000 }).toEqual([registryOf(MINE[0]!)]);
});

test('of a security advisory it is not for every reader: refused, it is no fault, and the others are read', async () => {
  arm.forbidden.add('graph').add(`sensitive ${MINE[0]!}`);
  await start(events());
  await expect.poll(() => arm.count('listSecurityAdvisoryImpactedResources'), { timeout: 15_000 }).toBeGreaterThan(1);
  await expect.poll(() => resourcesOf('KIND-002')).toEqual([registryOf(MINE[0]!)]);
  expect(await resourcesOf('KIND-003')).toEqual([]);
  expect((await relay.get('/readyz')).json.parts).toContainEqual({ name: 'backfill', status: 'ok' });
});

test('without Resource Graph every subscription has its turn, at most 20 in a round, one that fails included', async () => {
  arm.forbidden.add('graph');
  const record = recordOf({ trackingId: 'TURN-004', subscriptions: MINE, minutesAgo: [5] });
  await start([record]);
  const listed = arm.listed.splice(0);
  await expect
    .poll(async () => (await relay.get('/v1/incidents/TURN-004')).json?.incident.subscriptions.length)
    .toBe(45);
  arm.forbidden.add(MINE[3]!);
  arm.throttled.set(MINE[4]!, 3_600);
  arm.listed = listed;
  await expect
    .poll(async () => (await resourcesOf('TURN-004'))?.length, { timeout: 30_000, interval: 200 })
    .toBe(MINE.length - 2);
  const asked = arm.requests.filter(({ path }) => path.includes('/impactedResources'));
  const turns = Map.groupBy(asked, ({ path }) => path.split('/')[2]!);
  // One that wants to be left alone is not called again.
  turns.delete(MINE[4]!);
  const times = [...turns.values()].map((requests) => requests.length);
  // Nobody has a second turn more than the others.
  expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
  expect(asked.length).toBeLessThanOrEqual(20 * roundsOf());
});
