/** Deadlines from real posts: list, calendar, reminders once over replicas and restarts, reschedule and cancellation. */
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture, subscriptionId } from '#test/support/fixtures.ts';
import { readCalendar, valueOf } from '#test/support/icalendar.ts';
import {
  API_TOKEN,
  openStores,
  READ_TOKEN,
  startRelay,
  TOKEN,
  type Stores,
  type TestRelay,
} from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const KEY = '0123456789abcdef0123456789abcdef';
const FEED = 'calendar-feed-token-0001';
const DAY = 86_400_000;

let stores: Stores;
let hook: WebhookServer;
let pager: PagerDutyServer;
let environment: Record<string, string>;
let folder: string;
let relays: TestRelay[] = [];

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relay-deadlines-'));
  [hook, pager, environment] = await Promise.all([
    new WebhookServer(SECRET).start(),
    new PagerDutyServer().start(),
    stores.environment(),
  ]);
});
afterEach(async () => {
  await stopAll();
  await Promise.all([hook.stop(), pager.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function stopAll(): Promise<void> {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
}

async function start(more = ''): Promise<TestRelay> {
  const relay = await startRelay(
    stores,
    `relayId: contoso
deadlines: { feedTokens: [${FEED}] }
destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
  oncall: { type: pagerduty, routingKey: "${KEY}", eventsUrl: "${pager.url}" }
routes: [{ match: { kind: [advisory, maintenance] }, to: [hook, oncall] }]
${more}`,
    environment,
  );
  relays.push(relay);
  return relay;
}

async function sql(text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: environment['DATABASE_URL']! });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

let posts = 0;
/** The retirement fixture under another date. */
function retirement(more: { endTime?: string; stage?: string; status?: string } = {}): Record<string, unknown> {
  const body = fixture('webhook-classic/sh-actionrequired-retirement.json');
  const log = body.data.context.activityLog;
  posts += 1;
  log.eventTimestamp = log.submissionTimestamp = new Date(Date.now() - 60_000 + posts * 1000).toISOString();
  log.eventDataId = `post-${posts}`;
  const text = `<p>Post ${posts}.</p>`;
  Object.assign(log.properties, {
    endTime: more.endTime ?? inDays(29.5),
    stage: more.stage ?? 'Active',
    communicationId: `1100${posts}`,
    communication: text,
    defaultLanguageContent: text,
  });
  log.status = more.status ?? 'Active';
  return body;
}

const notes = (): string[] =>
  hook.events.filter((event) => event.body.data.action === 'note').flatMap((event) => event.body.data.changes);

/** As if we had held the date for so many days. */
const knownFor = (days: number) => sql(`update timeline set recorded_at = recorded_at - interval '${days} days'`);

describe('reminders', () => {
  test('come once over two replicas and a restart, name what is ours, wake nobody; a new date begins anew, an end ends it', async () => {
    writeFileSync(
      join(folder, 'estate.json'),
      JSON.stringify({
        at: new Date().toISOString(),
        subscriptions: [{ id: subscriptionId(1), name: 'Payments prod', tags: { owner: 'payments' } }],
        registries: [
          {
            id: `/subscriptions/${subscriptionId(1)}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/acr1`,
            region: 'westeurope',
            replicas: [],
            sku: 'Premium',
            tags: {},
          },
        ],
        clusters: [],
      }),
    );
    const estate = `estate: { file: "${join(folder, 'estate.json')}" }\nowners: { tag: owner, default: [hook] }\n`;
    const first = await start(estate);
    expect((await first.post(retirement())).status).toBe(202);
    await first.level('ACT4-RET', 2);
    const { pages } = pager;
    await stopAll();
    await knownFor(100);

    const [left] = await Promise.all([start(estate), start(estate)]);
    await expect.poll(notes, { timeout: 15_000 }).toHaveLength(1);
    expect(notes()[0]).toMatch(
      /^Deadline in 30 days, \d{4}-\d\d-\d\d\. Our resources: 1 registry: acr1\. Owners: payments\.$/,
    );
    await left.level('ACT4-RET', 2);
    await stopAll();
    const again = await start(estate);
    await again.level('ACT4-RET', 2);
    expect(notes()).toHaveLength(1);
    // What came twice had no known outcome the first time.
    const [tries] = await sql(`select count(*)::int as unknown from attempts where outcome = 'unknown'`);
    expect(hook.duplicates.length).toBeLessThanOrEqual(Number(tries!['unknown']));
    // PagerDuty was told beside the opening, and paged nobody for it.
    expect([pages, pager.pages, pager.changeEvents.length]).toEqual([1, 1, 1]);
    expect(await sql(`select count(*)::int as n from signals where title like 'Deadline in%'`)).toEqual([{ n: 1 }]);

    // A new date, six and a half days ahead: the post itself tells it, and the seven days passed before it was known.
    expect((await again.post(retirement({ endTime: inDays(6.5) }))).status).toBe(202);
    await again.level('ACT4-RET', 2);
    await stopAll();
    const third = await start(estate);
    await third.level('ACT4-RET', 2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(notes()).toHaveLength(1);
    await stopAll();
    await knownFor(1);
    const fourth = await start(estate);
    await expect.poll(notes, { timeout: 15_000 }).toHaveLength(2);
    expect(notes()[1]).toMatch(/^Deadline in 7 days/);

    // Taken back: the calendar says so, and nothing more comes.
    expect(
      (await fourth.post(retirement({ endTime: inDays(6.5), stage: 'Canceled', status: 'Resolved' }))).status,
    ).toBe(202);
    await fourth.level('ACT4-RET', 2);
    const { deadlines } = (await fourth.get('/v1/deadlines')).json;
    expect(deadlines).toMatchObject([{ status: 'cancelled', nextReminderAt: null, daysLeft: 7 }]);
  }, 60_000);

  test('an advisory with a date lives until then, however long nothing is heard; one without a date 90 days', async () => {
    const first = await start();
    expect((await first.post(retirement({ endTime: inDays(200.5) }))).status).toBe(202);
    const undated = retirement() as {
      data: { context: { activityLog: { eventDataId: string; properties: Record<string, unknown> } } };
    };
    delete undated.data.context.activityLog.properties['endTime'];
    undated.data.context.activityLog.properties['trackingId'] = 'OLD1-ADV';
    expect((await first.post(undated)).status).toBe(202);
    await first.level('ACT4-RET', 2);
    await first.level('OLD1-ADV', 2);
    const list = (await first.get('/v1/deadlines')).json;
    expect(list.undated.map((one: { trackingId: string }) => one.trackingId)).toEqual(['OLD1-ADV']);
    await stopAll();
    await sql(`update incidents set last_seen_at = now() - interval '100 days'`);
    const relay = await start();
    await expect
      .poll(async () => (await relay.get('/v1/incidents/OLD1-ADV')).json.incident.state, { timeout: 15_000 })
      .toBe('closed');
    expect((await relay.get('/v1/incidents/ACT4-RET')).json.incident.state).toBe('active');
  }, 60_000);
});

describe('the calendar', () => {
  const feed = (relay: TestRelay, headers: Record<string, string> = {}, query = `?token=${FEED}`): Promise<Response> =>
    fetch(`${relay.url}/v1/deadlines.ics${query}`, { headers });
  const calendar = async (relay: TestRelay) => readCalendar(new Uint8Array(await (await feed(relay)).arrayBuffer()));

  test('a maintenance keeps its UID while its number grows: planned, rescheduled, cancelled', async () => {
    const relay = await start('publicUrl: https://relay.contoso.example\n');
    expect((await calendar(relay)).components.map((one) => one.name)).toEqual(['VTIMEZONE']);
    const seen: (string | undefined)[][] = [];
    for (const name of ['planned', 'rescheduled', 'canceled']) {
      const body = fixture(`webhook-classic/sh-maintenance-${name}.json`);
      const log = body.data.context.activityLog;
      log.properties.trackingId = 'MNT9-ONE';
      log.eventTimestamp = new Date(Date.parse('2026-10-01T00:00:00Z') + seen.length * DAY).toISOString();
      expect((await relay.post(body)).status).toBe(202);
      const [event, ...others] = (await calendar(relay)).components;
      expect(others).toEqual([]);
      seen.push(['UID', 'SEQUENCE', 'STATUS', 'DTSTART'].map((property) => valueOf(event!, property)));
    }
    expect(new Set(seen.map(([uid]) => uid)).size).toBe(1);
    const numbers = seen.map(([, sequence]) => Number(sequence));
    expect(numbers[0]! < numbers[1]! && numbers[1]! < numbers[2]!).toBe(true);
    expect(seen.map(([, , status]) => status)).toEqual(['CONFIRMED', 'CONFIRMED', 'CANCELLED']);
    expect(seen[0]![3]).not.toBe(seen[1]![3]);
  });

  test('its token opens the feed and nothing else; API tokens come by header only', async () => {
    const relay = await start();
    const status = async (query: string, headers: Record<string, string> = {}) =>
      (await feed(relay, headers, query)).status;
    expect(await status(`?token=${FEED}`)).toBe(200);
    expect(await status('')).toBe(401);
    expect(await status('?token=')).toBe(401);
    expect(await status(`?token=${FEED}x`)).toBe(401);
    for (const token of [API_TOKEN, READ_TOKEN, TOKEN]) expect(await status(`?token=${token}`)).toBe(401);
    expect(await status('', { authorization: `Bearer ${READ_TOKEN}` })).toBe(200);
    expect(await status('', { authorization: `Bearer ${TOKEN}` })).toBe(401);
    for (const path of ['/v1/deadlines', '/v1/incidents', '/v1/coverage', '/metrics', '/']) {
      const answer = await fetch(`${relay.url}${path}?token=${FEED}`, { redirect: 'manual' });
      expect([path, answer.status === 401 || answer.status === 302 || answer.status === 303]).toEqual([path, true]);
      expect((await relay.get(path, { token: FEED })).status).toBe(path === '/' ? 200 : 401);
    }
    expect((await relay.call('POST', '/v1/receivers/azure-monitor', {}, FEED)).status).toBe(401);
  });

  test('an unchanged calendar is not sent twice; the type is what calendars ask for', async () => {
    const relay = await start();
    await relay.post(retirement({ endTime: inDays(40) }));
    const first = await feed(relay);
    expect(first.headers.get('content-type')).toBe('text/calendar; charset=utf-8');
    const etag = first.headers.get('etag')!;
    expect((await feed(relay, { 'if-none-match': etag })).status).toBe(304);
    await relay.post(retirement({ endTime: inDays(50) }));
    expect((await feed(relay, { 'if-none-match': etag })).status).toBe(200);
  });
});
