/** Back-fill against the odds: a subscription of another tenant, a clock that was ahead, a budget for a quarter of all. */
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { pushOf, recordOf } from '#test/support/azure/push.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';

const MINE = Array.from({ length: 32 }, (_, index) => subscriptionId(index + 1));

let stores: Stores;
let arm: ArmServer;
let environment: Record<string, string>;
let relay: TestRelay;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  arm = await new ArmServer().start();
  arm.subscriptions = MINE.map((id) => ({ id, name: id }));
  environment = await stores.environment();
});
afterEach(async () => {
  await relay.stop();
  await arm.stop();
});

async function start(azure = '', every = '300ms'): Promise<void> {
  relay = await startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN}${azure} }
backfill: { every: ${every}, grace: 1ms }
estate: { enabled: false }
destinations: {}
routes: []
`,
    environment,
    { azureTimes: { beatMs: 200, againMs: 500 } },
  );
}

const state = async () => (await relay.get('/v1/gaps')).json.backfill;
const known = async (id: string): Promise<boolean> => (await relay.get(`/v1/incidents/${id}`)).status === 200;

async function sql(text: string): Promise<void> {
  const client = new Client({ connectionString: environment['DATABASE_URL']! });
  await client.connect();
  await client.query(text);
  await client.end();
}

test('a subscription that moved to another tenant is named, and keeps no round from being whole', async () => {
  arm.forbidden.add('graph');
  arm.foreign.add(MINE[3]!);
  await start(`, subscriptions: ${JSON.stringify(MINE)}`);
  await expect.poll(async () => (await state()).okAt, { timeout: 15_000 }).not.toBeNull();
  await expect
    .poll(async () => (await state()).faults.join(), { timeout: 15_000 })
    .toMatch(/^1 of 32 subscriptions may not be read \(401 InvalidAuthenticationTokenTenant/);
});

test('a token that nobody takes leaves the round unwhole: what was published meanwhile is asked for again', async () => {
  arm.forbidden.add('graph');
  for (const id of MINE) arm.foreign.add(id);
  await start(`, subscriptions: ${JSON.stringify(MINE)}`);
  await expect
    .poll(async () => (await state()).faults.join(), { timeout: 15_000 })
    .toContain('32 of 32 subscriptions could not be read');
  expect((await state()).okAt).toBeNull();
});

test('a clock that was ahead for a while hides nothing that is published afterwards', async () => {
  await start();
  await expect.poll(async () => (await state()).okAt).not.toBeNull();
  await sql(`update backfill_state set covered_until = now() + interval '30 days'`);
  const eventType = 'PlannedMaintenance';
  const later = new Date(Date.now() + 86_400_000).toISOString();
  const record = { trackingId: 'TIME-001', eventType, startedAt: later, subscriptions: MINE.slice(0, 2) };
  arm.events = [recordOf({ ...record, minutesAgo: [1] })];
  await expect.poll(() => known('TIME-001'), { timeout: 15_000 }).toBe(true);
  await expect
    .poll(async () => Date.parse((await state()).coveredUntil) - Date.now(), { timeout: 15_000 })
    .toBeLessThan(60_000);
});

test('what several rounds have asked in parts is covered up to the first of them', async () => {
  arm.forbidden.add('graph');
  await start(', maxCalls: 10');
  await expect
    .poll(async () => (await state()).faults.join(), { timeout: 15_000 })
    .toContain('left for the next round');
  const seenMs = Date.now();
  let covered: string | null = null;
  const look = async () => (covered ??= (await state()).coveredUntil);
  await expect.poll(look, { timeout: 30_000, interval: 20 }).not.toBeNull();
  expect(Date.parse(covered!)).toBeLessThan(seenMs);
});

test('a tracking ID in another case is the same incident: by push, in the answers of a pull, and in a gap', async () => {
  await start();
  await expect.poll(async () => (await state()).okAt).not.toBeNull();
  await sql(`update relay_seen set first_at = first_at - interval '1 hour'`);
  const record = recordOf({ trackingId: 'CASE-002', subscriptions: MINE.slice(0, 2), minutesAgo: [9, 6, 3] });
  await relay.post(pushOf(record, 1, { subscription: MINE[0]!, stage: 'Active' }));
  arm.events = [{ ...record, trackingId: 'case-002', subscriptions: MINE.slice(0, 2) }];
  const texts = async (id: string): Promise<number> =>
    (await relay.get(`/v1/incidents/${id}/timeline`)).json.timeline.filter(
      (entry: { kind: string }) => entry.kind === 'communication',
    ).length;
  await expect.poll(() => texts('CASE-002'), { timeout: 15_000 }).toBe(3);
  arm.events = [record];
  const rounds = arm.count('/providers/Microsoft.ResourceGraph');
  await expect.poll(() => arm.count('/providers/Microsoft.ResourceGraph')).toBeGreaterThan(rounds + 4);
  expect([await texts('CASE-002'), await texts('case-002')]).toEqual([3, 3]);
  const { incidents } = (await relay.get('/v1/incidents')).json;
  expect(incidents.map((one: { trackingId: string }) => one.trackingId)).toEqual(['CASE-002']);
  const { gaps } = (await relay.get('/v1/gaps')).json;
  expect(gaps.map((gap: { found: number; trackingIds: string[] }) => [gap.found, gap.trackingIds.length])).toEqual([
    [2, 1],
  ]);
});
