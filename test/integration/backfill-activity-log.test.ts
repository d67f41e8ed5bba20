/** The activity log in Log Analytics as a third pull, read by Azure's own client: what only it has is told once, late, and explained. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ActivityCells } from '#test/support/azure/activity-table.ts';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { LogsServer } from '#test/support/azure/logs-server.ts';
import { activityOf, pushOf, recordOf } from '#test/support/azure/push.ts';
import type { AzureRecord } from '#test/support/azure/records.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';
import { relay as runCommand } from '#test/unit/cli/memory-io.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const WORKSPACE = '44444444-dddd-4ddd-8ddd-000000000001';
const SUBSCRIPTIONS = Array.from({ length: 12 }, (_, index) => subscriptionId(index + 1));

let stores: Stores;
let arm: ArmServer;
let logs: LogsServer;
let pager: PagerDutyServer;
let hook: WebhookServer;
let environment: Record<string, string>;
let relay: TestRelay | null = null;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  [arm, logs, pager, hook] = await Promise.all([
    new ArmServer().start(),
    new LogsServer().start(),
    new PagerDutyServer().start(),
    new WebhookServer(SECRET).start(),
  ]);
  arm.subscriptions = SUBSCRIPTIONS.map((id, index) => ({ id, name: `sub-${index + 1}` }));
  logs.workspaces.add(WORKSPACE);
  environment = await stores.environment();
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
  await Promise.all([arm.stop(), logs.stop(), pager.stop(), hook.stop()]);
});

async function start(backfill: string, azure = '', againMs = 30_000): Promise<TestRelay> {
  relay = await startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN}${azure} }
backfill: { ${backfill}, activityLog: { workspaces: [${WORKSPACE}], logsUrl: "${logs.url}" } }
destinations:
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}", retry: { schedule: [100ms] } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }
routes:
  - match: {}
    to: [oncall, hook]
`,
    environment,
    { azureTimes: { beatMs: 200, refusedQuietMs: 500, againMs } },
  );
  return relay;
}

/** Rows of one post for all subscriptions of the record. */
function rowsOf(
  record: AzureRecord,
  number: number,
  stage = 'Active',
  cells: Partial<ActivityCells> = {},
): ActivityCells[] {
  return record.subscriptions.map((subscription) => activityOf(record, number, { subscription, stage, cells }));
}

async function communications(trackingId: string): Promise<{ text: string; id: string | null }[]> {
  const { json } = await relay!.get(`/v1/incidents/${trackingId}/timeline`);
  const entries: { kind: string; data: { text?: string; communicationId?: string } }[] = json?.timeline ?? [];
  return entries
    .filter((entry) => entry.kind === 'communication')
    .map(({ data }) => ({ text: data.text ?? '', id: data.communicationId ?? null }));
}

interface State {
  found: number;
  okAt: string | null;
  startedAt: string | null;
  faults: string[];
  calls: number;
}
const round = (): Promise<State> => relay!.get('/v1/gaps').then((answer) => answer.json.backfill);

async function sql(text: string): Promise<void> {
  const client = new Client({ connectionString: environment['DATABASE_URL']! });
  await client.connect();
  await client.query(text);
  await client.end();
}

/** As if the relay had been there for two hours: what was published before its time is no gap. */
const grownUp = (): Promise<void> => sql(`update relay_seen set first_at = first_at - interval '2 hours'`);

/** One more round by hand; what it found. */
async function again(since = '2026-01-01T00:00:00Z'): Promise<State> {
  const { startedAt } = await round();
  expect((await relay!.call('POST', '/v1/backfill', { since })).status).toBe(202);
  await expect
    .poll(round, { timeout: 15_000 })
    .toMatchObject({ startedAt: expect.not.stringContaining(startedAt ?? '-'), finishedAt: expect.any(String) });
  return round();
}

describe('the activity log in Log Analytics', () => {
  test('a communication that only it has is told once, late, with its own id and stage, and the gap is explained', async () => {
    const first = await start('every: 10m');
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    await grownUp();
    const lost = recordOf({ trackingId: 'ONLY-001', subscriptions: SUBSCRIPTIONS, minutesAgo: [40, 30, 20] });
    // Push brought the first one, through three subscriptions.
    for (const subscription of SUBSCRIPTIONS.slice(0, 3))
      await first.post(pushOf(lost, 1, { subscription, stage: 'Active' }));
    await first.level('ONLY-001', 2);
    logs.activity = [1, 2, 3].flatMap((number) => rowsOf(lost, number));

    expect(await again()).toMatchObject({ found: 2, faults: [] });
    await first.level('ONLY-001', 2);
    expect((await communications('ONLY-001')).map(({ id }) => id)).toEqual(
      [1, 2, 3].map((number) => `11000ONLY-001${number}`),
    );
    const { incident } = (await first.get('/v1/incidents/ONLY-001')).json;
    expect(incident).toMatchObject({ state: 'active', subscriptionCount: 12 });
    expect(pager.pages).toBe(1);
    expect(hook.events.map((event) => event.body.type)).toEqual([
      'incident.opened',
      'incident.updated',
      'incident.updated',
    ]);
    const late = hook.requests.map((request) => request.body.includes('"late":true'));
    expect(late).toEqual([false, true, true]);
    const { gaps } = (await first.get('/v1/gaps')).json;
    expect(gaps).toMatchObject([{ cause: 'not-delivered', found: 2, trackingIds: ['ONLY-001'], subscriptions: 12 }]);

    // Neither the push that comes after all, nor another round, nor the events API tells anything again.
    const heard = hook.events.length;
    for (const number of [1, 2, 3])
      for (const subscription of SUBSCRIPTIONS.slice(0, 4))
        expect(
          (await first.post(pushOf(lost, number, { subscription, stage: 'Active' }))).json.signals[0].outcome,
        ).toBe('duplicate');
    arm.events = [lost];
    expect(await again()).toMatchObject({ found: 0, faults: [] });
    await first.level('ONLY-001', 2);
    expect(await communications('ONLY-001')).toHaveLength(3);
    expect([hook.events.length, pager.pages]).toEqual([heard, 1]);
    expect((await first.get('/v1/gaps')).json.gaps).toMatchObject([{ found: 2 }]);
  });

  test('both pulls find the same event in one round: each communication once, under the stage that the log names', async () => {
    const record = recordOf({
      trackingId: 'BOTH-002',
      subscriptions: SUBSCRIPTIONS.slice(0, 5),
      minutesAgo: [50, 35],
      eventType: 'PlannedMaintenance',
      status: 'Resolved',
    });
    record.mitigatedAt = record.posts.at(-1)!.at;
    arm.events = [record];
    // The events API does not tell a cancellation from an end.
    logs.activity = [...rowsOf(record, 1, 'Planned'), ...rowsOf(record, 2, 'Canceled')];
    await start('every: 10m');
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    expect(await round()).toMatchObject({ found: 2, faults: [] });
    const { incident } = (await relay!.get('/v1/incidents/BOTH-002')).json;
    expect(incident).toMatchObject({ kind: 'maintenance', state: 'resolved', stage: 'Canceled', subscriptionCount: 5 });
    expect(await communications('BOTH-002')).toHaveLength(2);
    expect(pager.pages).toBe(0);
  });

  test('rows of any spelling are read: names inside in lower case, no subscription but in the id, a bag in place of a text', async () => {
    const record = recordOf({ trackingId: 'CASE-003', subscriptions: SUBSCRIPTIONS.slice(0, 4), minutesAgo: [30, 20] });
    const spelt = rowsOf(record, 1).map((row) => ({ ...row, Properties: lowered(row.Properties as string) }));
    const bags = rowsOf(record, 2, 'Active', { CategoryValue: 'SERVICEHEALTH', Level: 'INFORMATIONAL' }).map((row) => {
      const { eventProperties } = JSON.parse(row.Properties as string) as { eventProperties: unknown };
      const { SubscriptionId: _none, ...rest } = row;
      return {
        ...rest,
        OperationNameValue: (row.OperationNameValue as string).toUpperCase(),
        Properties: '',
        Properties_d: { eventProperties: JSON.stringify(eventProperties) },
      };
    });
    logs.activity = [
      ...spelt,
      ...bags,
      { TimeGenerated: spelt[0]!.TimeGenerated, CategoryValue: 'ServiceHealth', Properties: '{"cut' },
    ];
    await start('every: 10m');
    await expect.poll(async () => (await round()).startedAt).not.toBeNull();
    await expect.poll(() => communications('CASE-003')).toHaveLength(2);
    await relay!.level('CASE-003', 2);
    const { incident } = (await relay!.get('/v1/incidents/CASE-003')).json;
    expect(incident).toMatchObject({ state: 'active', severity: 'info', subscriptionCount: 4, impacts: { length: 2 } });
    expect(pager.pages).toBe(1);
    await expect.poll(async () => (await round()).faults).toEqual(['1 rows of the activity log name no tracking ID']);
  });

  test('more communications than a page holds are all read, and only of the subscriptions that the relay looks after', async () => {
    const records = Array.from({ length: 3 }, (_, index) =>
      recordOf({
        trackingId: `PAGE-00${index}`,
        subscriptions: SUBSCRIPTIONS.slice(0, 2),
        minutesAgo: Array.from({ length: 190 }, (__, post) => 100 - post * 0.5),
      }),
    );
    const strange = recordOf({ trackingId: 'ELSE-004', subscriptions: [subscriptionId(99)], minutesAgo: [10] });
    logs.activity = [
      ...records.flatMap((record) => record.posts.flatMap((_, index) => rowsOf(record, index + 1))),
      ...rowsOf(strange, 1),
    ];
    await start('every: 10m', `, subscriptions: [${SUBSCRIPTIONS.join(', ')}]`);
    await expect.poll(async () => (await round()).okAt, { timeout: 30_000 }).not.toBeNull();
    expect(await round()).toMatchObject({ found: 570, faults: [] });
    expect(logs.requests).toHaveLength(3);
    for (const { trackingId } of records) expect(await communications(trackingId)).toHaveLength(190);
    expect((await relay!.get('/v1/incidents/ELSE-004')).status).toBe(404);
  });

  test('two replicas that start at once tell it once', async () => {
    const record = recordOf({ trackingId: 'TWIN-005', subscriptions: SUBSCRIPTIONS, minutesAgo: [30, 20, 10] });
    logs.activity = [1, 2, 3].flatMap((number) => rowsOf(record, number));
    const first = await start('every: 300ms, grace: 1ms');
    const second = await start('every: 300ms, grace: 1ms');
    await expect.poll(() => communications('TWIN-005')).toHaveLength(3);
    const asked = logs.requests.length;
    await expect.poll(() => logs.requests.length).toBeGreaterThan(asked + 3);
    await second.level('TWIN-005', 2);
    expect(await communications('TWIN-005')).toHaveLength(3);
    expect(pager.pages).toBe(1);
    expect(hook.events.map((event) => event.body.type)).toEqual(['incident.opened']);
    await first.stop();
  });
});

describe('Log Analytics does not answer as asked', () => {
  test('throttled with a long pause: the other pulls go on, it is left alone so long, and no round counts as whole', async () => {
    logs.failAlways({
      kind: 'answer',
      answer: {
        status: 429,
        headers: { 'retry-after': '120' },
        body: { error: { code: 'ThrottledError', message: 'slow down' } },
      },
    });
    arm.events = [recordOf({ trackingId: 'SLOW-006', subscriptions: SUBSCRIPTIONS.slice(0, 2), minutesAgo: [10] })];
    await start('every: 200ms, grace: 1ms');
    await expect.poll(() => communications('SLOW-006')).toHaveLength(1);
    const graphs = arm.count('Microsoft.ResourceGraph');
    await expect.poll(() => arm.count('Microsoft.ResourceGraph')).toBeGreaterThan(graphs + 3);
    // The estate asks Resource Graph as well: those calls may all be of the first round, which was told so by Log Analytics itself.
    await expect
      .poll(round)
      .toMatchObject({ okAt: null, faults: [expect.stringContaining('wants to be left alone until')] });
    expect(logs.requests).toHaveLength(1);
    const part = { name: 'backfill', status: 'degraded', detail: expect.stringContaining('activity log') };
    await expect
      .poll(() => relay!.get('/readyz'))
      .toMatchObject({ status: 200, json: { parts: expect.arrayContaining([expect.objectContaining(part)]) } });
  });

  test('throttled with a long pause: Resource Manager is asked no more often for it', async () => {
    const answer = { status: 429, headers: { 'retry-after': '120' }, body: '' };
    logs.failAlways({ kind: 'answer', answer });
    await start('every: 10m', '', 100);
    await expect.poll(async () => (await round()).faults.join()).toContain('activity log');
    const first = await round();
    await sleep(1_000);
    expect(await round()).toEqual(first);
  });

  test('throttled for a second: asked again within the round', async () => {
    const record = recordOf({ trackingId: 'WAIT-007', subscriptions: SUBSCRIPTIONS.slice(0, 2), minutesAgo: [10] });
    logs.activity = rowsOf(record, 1);
    logs.failNext({ kind: 'answer', answer: { status: 429, headers: { 'retry-after': '1' }, body: '' } });
    await start('every: 10m');
    await expect.poll(() => communications('WAIT-007')).toHaveLength(1);
    expect(logs.requests).toHaveLength(2);
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
  });

  test('a part of the rows: they are taken, the round is not whole, and the rest follows', async () => {
    const records = [1, 2].map((n) =>
      recordOf({ trackingId: `PART-00${n}`, subscriptions: SUBSCRIPTIONS.slice(0, 2), minutesAgo: [20 - n] }),
    );
    logs.activity = records.flatMap((record) => rowsOf(record, 1));
    logs.partial = { code: 'PartialError', message: 'There were some errors when processing your query.' };
    await start('every: 200ms, grace: 1ms');
    await expect.poll(() => communications('PART-001')).toHaveLength(1);
    await expect.poll(async () => (await round()).faults.join()).toContain('came in part only (PartialError');
    expect((await round()).okAt).toBeNull();
    logs.partial = null;
    await expect.poll(() => communications('PART-002')).toHaveLength(1);
    await expect.poll(round).toMatchObject({ okAt: expect.any(String), faults: [] });
    expect(await communications('PART-001')).toHaveLength(1);
  });

  test('an empty table is no fault; a workspace that may not be read is one, by name, and holds nothing back', async () => {
    await start('every: 10m');
    await expect.poll(async () => (await round()).okAt).not.toBeNull();
    expect((await round()).faults).toEqual([]);
    logs.workspaces.clear();
    const state = await again();
    expect(state.faults).toEqual([
      expect.stringContaining(`the activity log in ${WORKSPACE} could not be read (403 InsufficientAccessError`),
    ]);
    expect(Date.parse(state.okAt!)).toBeGreaterThan(Date.parse(state.startedAt!) - 1);
  });

  test('hanging: the news of the others does not wait for it', async () => {
    logs.failAlways({ kind: 'hang', taken: true });
    arm.events = [recordOf({ trackingId: 'HANG-008', subscriptions: SUBSCRIPTIONS.slice(0, 2), minutesAgo: [10] })];
    await start('every: 10m');
    await expect.poll(() => communications('HANG-008')).toHaveLength(1);
    await relay!.level('HANG-008', 2);
    expect(pager.pages).toBe(1);
  });

  test('Resource Manager is away: the log alone is enough for a page', async () => {
    arm.failAlways({ kind: 'answer', answer: { status: 400, body: { error: { code: 'Gone', message: 'away' } } } });
    const record = recordOf({ trackingId: 'ALON-009', subscriptions: SUBSCRIPTIONS.slice(0, 3), minutesAgo: [20, 10] });
    logs.activity = [1, 2].flatMap((number) => rowsOf(record, number));
    await start('every: 10m');
    await expect.poll(() => communications('ALON-009')).toHaveLength(2);
    await relay!.level('ALON-009', 2);
    expect(pager.pages).toBe(1);
    expect(JSON.stringify(pager.entries)).toMatch(/late/i);
    await expect.poll(async () => (await round()).faults.join()).toContain('away');
    expect(await round()).toMatchObject({ found: 2, okAt: null });
  });
});

test('relay backfill --since reads the log as far back, and says what it could not read', async () => {
  await start('every: 10m');
  await expect.poll(async () => (await round()).okAt).not.toBeNull();
  const old = recordOf({ trackingId: 'OLDS-010', subscriptions: SUBSCRIPTIONS.slice(0, 2), minutesAgo: [600, 500] });
  logs.activity = [...rowsOf(old, 1), ...rowsOf(old, 2, 'Resolved')];
  const env = { RELAY_URL: relay!.url, RELAY_TOKEN: API_TOKEN };
  expect(await again(new Date(Date.now() - 3_600_000).toISOString())).toMatchObject({ found: 0 });
  const ran = await runCommand(['backfill', '--since', '12h'], { env });
  expect(ran).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/12 subscriptions, \d+ calls, 2 found/) });
  expect(await communications('OLDS-010')).toHaveLength(2);
  await relay!.level('OLDS-010', 2);
  expect(pager.pages).toBe(0);
  logs.workspaces.clear();
  const refused = await runCommand(['backfill'], { env });
  expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('activity log') });
});

/** Names in lower case at every level, values untouched. */
function lowered(text: string): string {
  return text.replaceAll(/"(\w+)":/g, (_, name: string) => `"${name.toLowerCase()}":`);
}
