/** Push and pull reconciled: what Azure could not deliver is found, told once, marked late, and explained. */
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { pushOf, recordOf } from '#test/support/azure/push.ts';
import type { AzureRecord } from '#test/support/azure/records.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { relay as runCommand } from '#test/unit/cli/memory-io.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const SUBSCRIPTIONS = Array.from({ length: 40 }, (_, index) => subscriptionId(index + 1));

let stores: Stores;
let arm: ArmServer;
let pager: PagerDutyServer;
let hook: WebhookServer;
let environment: Record<string, string>;
let relay: TestRelay | null = null;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  [arm, pager, hook] = await Promise.all([
    new ArmServer().start(),
    new PagerDutyServer().start(),
    new WebhookServer(SECRET).start(),
  ]);
  arm.subscriptions = SUBSCRIPTIONS.map((id, index) => ({ id, name: `sub-${index + 1}` }));
  environment = await stores.environment();
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
  await Promise.all([arm.stop(), pager.stop(), hook.stop()]);
});

async function start(backfill: string, variables = environment): Promise<TestRelay> {
  relay = await startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
backfill: ${backfill}
destinations:
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}", retry: { schedule: [100ms] } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }
routes:
  - match: {}
    to: [oncall, hook]
`,
    variables,
    { azureTimes: { beatMs: 200, refusedQuietMs: 500, againMs: 500 } },
  );
  return relay;
}

async function push(
  record: AzureRecord,
  number: number,
  subscriptions: readonly string[],
  stage = 'Active',
): Promise<string[]> {
  const outcomes: string[] = [];
  for (const subscription of subscriptions) {
    const answer = await relay!.post(pushOf(record, number, { subscription, stage }));
    outcomes.push(...answer.json.signals.map((signal: { outcome: string }) => signal.outcome));
  }
  return outcomes;
}

async function communications(trackingId: string): Promise<string[]> {
  const { json } = await relay!.get(`/v1/incidents/${trackingId}/timeline`);
  const entries: { kind: string; data: { text?: string } }[] = json?.timeline ?? [];
  return entries.filter((entry) => entry.kind === 'communication').map((entry) => entry.data.text ?? '');
}

async function sql(text: string): Promise<void> {
  const client = new Client({ connectionString: environment['DATABASE_URL']! });
  await client.connect();
  await client.query(text);
  await client.end();
}

/** As if the relay had been there for an hour: what was published before its time is no gap. */
const grownUp = (): Promise<void> => sql(`update relay_seen set first_at = first_at - interval '1 hour'`);

interface State {
  startedAt: string | null;
  finishedAt: string | null;
  found: number;
  okAt: string | null;
  faults: string[];
  calls: number;
}

/** The last round that has ended: while one goes on its numbers are not there yet. */
async function round(): Promise<State> {
  for (;;) {
    const state: State = (await relay!.get('/v1/gaps')).json.backfill;
    if (state.startedAt === null || state.finishedAt !== null) return state;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the relay was away for 20 minutes of an outage with 40 subscriptions', () => {
  test('every missed communication is on the timeline, one late page, no repeats, and the gap is explained', async () => {
    const known = recordOf({
      trackingId: 'KNOW-001',
      subscriptions: SUBSCRIPTIONS,
      minutesAgo: [40, 30, 18, 13, 8, 3],
    });
    const fresh = recordOf({ trackingId: 'GAPP-002', subscriptions: SUBSCRIPTIONS, minutesAgo: [19, 14, 9, 2] });
    const over = recordOf({
      trackingId: 'OVER-003',
      subscriptions: SUBSCRIPTIONS,
      minutesAgo: [17, 11, 5],
      status: 'Resolved',
    });
    over.mitigatedAt = over.posts.at(-1)!.at;
    const before = await start('{ every: 10m }');
    for (const number of [1, 2]) await push(known, number, SUBSCRIPTIONS.slice(0, 10));
    await before.level('KNOW-001', 2);
    await before.stop();
    await sql(`update relay_seen set minute = minute - interval '21 minutes', first_at = first_at - interval '21 minutes', last_at = last_at - interval '21 minutes';
      update backfill_state set covered_until = covered_until - interval '21 minutes'`);
    const told = { pages: pager.pages, hooks: hook.events.length };
    expect(told).toEqual({ pages: 1, hooks: 2 });

    arm.events = [known, fresh, over];
    await start('{ every: 10m }');
    await expect.poll(async () => (await round()).found, { timeout: 20_000 }).toBe(4 + 4 + 3);
    for (const id of ['KNOW-001', 'GAPP-002', 'OVER-003']) await relay!.level(id, 2);

    for (const record of arm.events) {
      const texts = await communications(record.trackingId);
      expect(texts, record.trackingId).toHaveLength(record.posts.length);
      expect(new Set(texts).size).toBe(record.posts.length);
      const { incident } = (await relay!.get(`/v1/incidents/${record.trackingId}`)).json;
      expect(incident.subscriptions).toHaveLength(40);
    }
    // One page for what began meanwhile; none for what we had paged, and none for what is over.
    expect(pager.pages).toBe(2);
    const page = pager.entries.findLast((entry) => JSON.stringify(entry).includes('GAPP-002'));
    expect(JSON.stringify(page)).toMatch(/late/i);
    const openings = hook.events.filter((event) => JSON.stringify(event.body).includes('GAPP-002'));
    expect(openings.map((event) => event.body.type)).toEqual(['incident.opened']);
    // One message, however often it was sent.
    const sent = hook.requests.filter((request) => request.body.includes('GAPP-002'));
    expect(new Set(sent.map((request) => request.headers['webhook-id'])).size).toBe(1);
    expect(sent.every((request) => request.body.includes('"late":true'))).toBe(true);

    const { gaps } = (await relay!.get('/v1/gaps')).json;
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ cause: 'not-running', found: 11, subscriptions: 40 });
    expect(gaps[0].trackingIds.toSorted()).toEqual(['GAPP-002', 'KNOW-001', 'OVER-003']);
    expect(gaps[0].explanation).toContain('no relay was running');
    const minutes = (Date.parse(gaps[0].to) - Date.parse(gaps[0].from)) / 60_000;
    expect(minutes).toBeGreaterThan(20);
    expect(minutes).toBeLessThan(23);

    // What Azure delivers after all, through every subscription, is nothing new; neither is another round.
    const heard = { pages: pager.entries.length, hooks: hook.events.length };
    for (const number of [1, 2, 3, 4]) await push(fresh, number, SUBSCRIPTIONS.slice(0, 15));
    expect(new Set(await push(known, 6, SUBSCRIPTIONS))).toEqual(new Set(['duplicate']));
    expect(new Set(await push(over, 3, SUBSCRIPTIONS, 'Resolved'))).toEqual(new Set(['duplicate']));
    const { startedAt } = (await relay!.get('/v1/gaps')).json.backfill;
    expect((await relay!.call('POST', '/v1/backfill', { since: '2020-01-01T00:00:00Z' })).status).toBe(202);
    await expect
      .poll(async () => (await relay!.get('/v1/gaps')).json.backfill)
      .toMatchObject({ startedAt: expect.not.stringContaining(startedAt), finishedAt: expect.any(String), found: 0 });
    for (const id of ['KNOW-001', 'GAPP-002', 'OVER-003']) await relay!.level(id, 2);
    expect({ pages: pager.entries.length, hooks: hook.events.length }).toEqual(heard);
    expect(hook.duplicates).toEqual([]);
  });
});

describe('while the relay is there', () => {
  test('what push lost is found within a round of two or three calls, and nothing that push brought', async () => {
    const brought = recordOf({ trackingId: 'PUSH-004', subscriptions: SUBSCRIPTIONS, minutesAgo: [9] });
    await start('{ every: 300ms, grace: 1ms }');
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    await grownUp();
    await push(brought, 1, SUBSCRIPTIONS.slice(0, 3));
    arm.events = [brought];
    const lost: AzureRecord = recordOf({
      trackingId: 'LOST-005',
      subscriptions: SUBSCRIPTIONS.slice(0, 5),
      minutesAgo: [0.2],
    });
    await expect
      .poll(async () => (await relay!.get('/v1/incidents/PUSH-004')).json.incident.subscriptionCount)
      .toBe(40);
    const lists = (): number =>
      SUBSCRIPTIONS.reduce(
        (sum, id) => sum + arm.count(`/subscriptions/${id}/providers/Microsoft.ResourceHealth/events?`),
        0,
      );
    const before = lists();
    arm.events = [brought, lost];
    await expect.poll(() => communications('LOST-005')).toHaveLength(1);
    expect(lists()).toBe(before);
    expect(await communications('PUSH-004')).toHaveLength(1);
    await relay!.level('LOST-005', 2);
    const { gaps } = (await relay!.get('/v1/gaps')).json;
    // Three of its five subscriptions have sent us something: a rule is there.
    expect(gaps).toMatchObject([{ cause: 'not-delivered', found: 1, trackingIds: ['LOST-005'] }]);
    expect((await round()).calls).toBeLessThan(8);
  });

  test('a post that was lost while the one after it came by push is found all the same, by a usual round', async () => {
    const record = recordOf({
      trackingId: 'MIDD-010',
      subscriptions: SUBSCRIPTIONS.slice(0, 3),
      minutesAgo: [40, 25, 10],
    });
    await start('{ every: 300ms, grace: 1ms }');
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    for (const number of [1, 3]) await push(record, number, SUBSCRIPTIONS.slice(0, 3));
    arm.events = [record];
    await expect.poll(() => communications('MIDD-010')).toHaveLength(3);
    await relay!.level('MIDD-010', 2);
    expect(pager.pages).toBe(1);
    // One call for the history of what was published lately, and no subscription's list.
    await expect.poll(async () => (await round()).calls).toBeLessThan(8);
    expect(arm.count(`/subscriptions/${SUBSCRIPTIONS[3]}/providers/Microsoft.ResourceHealth/events?`)).toBe(1);
  });

  test('relay backfill takes a bare number for nothing: 12 is not December 2001', async () => {
    const { url } = await start('{ every: 10m }');
    const env = { RELAY_URL: url, RELAY_TOKEN: API_TOKEN };
    for (const since of ['12', '1', '2026'])
      expect(await runCommand(['backfill', '--since', since, '--no-wait'], { env })).toMatchObject({
        code: 2,
        err: expect.stringContaining('--since must be a duration such as 24h'),
      });
    expect((await runCommand(['backfill', '--since', '2026-09-14', '--no-wait'], { env })).code).toBe(0);
  });

  test('who answers 429 with a long Retry-After is left alone over the rounds to come; the others are asked', async () => {
    const throttled = SUBSCRIPTIONS[0]!;
    arm.throttled.set(throttled, 300);
    arm.forbidden.add('graph');
    await start('{ every: 200ms, grace: 1ms }');
    const asked = (id: string): number => arm.count(`/subscriptions/${id}/providers/Microsoft.ResourceHealth/events?`);
    await expect.poll(() => asked(SUBSCRIPTIONS[1]!), { timeout: 30_000 }).toBeGreaterThan(4);
    expect(asked(throttled)).toBe(1);
    expect((await round()).faults.join()).toContain('1 of 40 subscriptions could not be read (429');
  });

  test('in the middle of a round nothing of the one before stands under its name', async () => {
    arm.events = [recordOf({ trackingId: 'HALF-009', subscriptions: SUBSCRIPTIONS, minutesAgo: [20] })];
    const state = async () => (await relay!.get('/v1/gaps')).json.backfill;
    await start('{ every: 1s }');
    await expect.poll(state).toMatchObject({ finishedAt: expect.any(String), okAt: expect.any(String) });
    arm.failAlways({ kind: 'hang', taken: false });
    await expect.poll(state).toMatchObject({
      kind: 'quick',
      finishedAt: null,
      okAt: expect.any(String),
      coveredUntil: expect.any(String),
      calls: 0,
      events: 0,
      found: 0,
      subscriptions: 0,
      faults: [],
    });
  });

  test('a post younger than the grace is left to push', async () => {
    await start('{ every: 200ms, grace: 5m }');
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    arm.events = [recordOf({ trackingId: 'YONG-006', subscriptions: SUBSCRIPTIONS.slice(0, 2), minutesAgo: [1] })];
    const seen = arm.count('Microsoft.ResourceGraph');
    await expect.poll(() => arm.count('Microsoft.ResourceGraph')).toBeGreaterThan(seen + 6);
    expect((await relay!.get('/v1/incidents/YONG-006')).status).toBe(404);
  });

  test('a subscription that may not be read degrades the part by name and stops nothing', async () => {
    arm.forbidden.add(SUBSCRIPTIONS[4]!);
    arm.forbidden.add('graph');
    arm.events = [recordOf({ trackingId: 'DENY-007', subscriptions: SUBSCRIPTIONS, minutesAgo: [20] })];
    await start('{ every: 10m }');
    await expect.poll(() => communications('DENY-007')).toHaveLength(1);
    await expect.poll(async () => (await round()).faults.join()).toContain(SUBSCRIPTIONS[4]!);
    // Told by the process, which hears of the end of its round after the row of it is there.
    await expect
      .poll(async () => (await relay!.get('/readyz')).json.parts)
      .toContainEqual({
        name: 'backfill',
        status: 'degraded',
        detail: expect.stringContaining('1 of 40 subscriptions may not be read'),
      });
    expect((await relay!.get('/readyz')).status).toBe(200);
  });

  test('two replicas that start at once find the same things once', async () => {
    arm.events = [1, 2, 3].map((n) =>
      recordOf({ trackingId: `BOTH-00${n}`, subscriptions: SUBSCRIPTIONS, minutesAgo: [30, 20, 10] }),
    );
    const first = await start('{ every: 400ms, grace: 1ms }');
    const second = await start('{ every: 400ms, grace: 1ms }');
    for (const { trackingId } of arm.events) {
      await expect.poll(() => communications(trackingId)).toHaveLength(3);
      await second.level(trackingId, 2);
    }
    const rounds = arm.count('Microsoft.ResourceGraph');
    await expect.poll(() => arm.count('Microsoft.ResourceGraph')).toBeGreaterThan(rounds + 2);
    expect(pager.pages).toBe(3);
    expect(hook.events.map((event) => event.body.type)).toEqual(Array.from({ length: 3 }, () => 'incident.opened'));
    await first.stop();
  });

  test('relay backfill looks further back when told to, and relay gaps says what there was', async () => {
    arm.events = [
      recordOf({
        trackingId: 'OLDS-009',
        subscriptions: SUBSCRIPTIONS.slice(0, 2),
        minutesAgo: [300, 200],
        status: 'Resolved',
      }),
    ];
    await start('{ every: 10m }');
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    expect((await relay!.get('/v1/incidents/OLDS-009')).status).toBe(404);
    const env = { RELAY_URL: relay!.url, RELAY_TOKEN: API_TOKEN };
    const ran = await runCommand(['backfill', '--since', '12h'], { env });
    expect(ran).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/last round .*: 40 subscriptions, \d+ calls, 2 found/),
    });
    expect(await communications('OLDS-009')).toHaveLength(2);
    await relay!.level('OLDS-009', 2);
    expect(pager.pages).toBe(0);
    const listed = await runCommand(['gaps'], { env });
    expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('no gaps') });
  });

  test('after a span of 503 a whole round is made at once and the span is a gap', async () => {
    const { hostname: host, port } = new URL(environment['DATABASE_URL']!);
    const proxy = await startTcpProxy({ host, port: Number(port) });
    await start('{ every: 10m }', { ...environment, DATABASE_URL: through(environment['DATABASE_URL']!, proxy) });
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    await grownUp();
    const record = recordOf({
      trackingId: 'AWAY-008',
      subscriptions: SUBSCRIPTIONS.slice(0, 4),
      minutesAgo: [0.2, 0.1],
    });
    proxy.mode = 'away';
    proxy.cut();
    // What was answered 503 may be stored after all, when Postgres is back before its batch is given up: so another one.
    const refused = recordOf({ trackingId: 'AWAY-010', subscriptions: [SUBSCRIPTIONS[0]!], minutesAgo: [0.1] });
    const { status } = await relay!.post(pushOf(refused, 1, { subscription: SUBSCRIPTIONS[0]!, stage: 'Active' }));
    expect(status).toBe(503);
    arm.events = [record];
    proxy.mode = 'pass';
    await expect.poll(() => communications('AWAY-008').catch(() => []), { timeout: 20_000 }).toHaveLength(2);
    await relay!.level('AWAY-008', 2);
    const { gaps } = (await relay!.get('/v1/gaps')).json;
    // A pager was opened for the first, which may have brought it on the record before the round did.
    expect(gaps).toMatchObject([{ cause: 'refused' }]);
    expect(gaps[0].found).toBeGreaterThanOrEqual(1);
    await relay!.stop();
    relay = null;
    await proxy.stop();
  });
});
