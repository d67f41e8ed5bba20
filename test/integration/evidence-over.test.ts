/** Evidence of what is over: first heard of after its end, or seen by the last look only. On the record, and no page. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { MetricsServer } from '#test/support/azure/metrics-server.ts';
import { pushOf, recordOf } from '#test/support/azure/push.ts';
import type { AzureRecord } from '#test/support/azure/records.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const KEY = 'de0000000000000000000000000000a1';
const SUBSCRIPTION = subscriptionId(1);
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const idOf = (name: string, subscription = SUBSCRIPTION): string =>
  `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/${name}`;

let stores: Stores;
let arm: ArmServer;
let metrics: MetricsServer;
let hook: WebhookServer;
let pager: PagerDutyServer;
let relay: TestRelay;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  [arm, metrics, hook, pager] = await Promise.all([
    new ArmServer().start(),
    new MetricsServer().start(),
    new WebhookServer(SECRET).start(),
    new PagerDutyServer({ routingKeys: [KEY] }).start(),
  ]);
  registries({ acrone: SUBSCRIPTION });
});
afterEach(async () => {
  await relay.stop();
  await Promise.all([arm, metrics, hook, pager].map((server) => server.stop()));
});

function registries(all: Record<string, string>): void {
  const made = Object.entries(all);
  arm.subscriptions = made.map(([name, id]) => ({ id, name }));
  arm.resources = made.map(([name, id]) => ({
    id: idOf(name, id),
    type: 'microsoft.containerregistry/registries',
    location: 'westeurope',
  }));
  metrics.resources = made.map(([name, id]) => ({ id: idOf(name, id), region: 'westeurope', value: () => 20 }));
}

async function start({ backfill = 'enabled: false', maxCalls = 50 } = {}): Promise<void> {
  relay = await startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
backfill: { ${backfill} }
evidence: { every: 300ms, metricsUrl: "${metrics.template}", maxCalls: ${maxCalls} }
destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}" }
routes: [{ match: {}, to: [hook, oncall] }]
`,
  );
}

/** Posts so many minutes ago; over at the last but one, well before now. */
function ended(trackingId: string, minutesAgo = [90, 60, 30], more: Partial<AzureRecord> = {}): AzureRecord {
  const mitigatedAt = new Date(Date.now() - minutesAgo.at(-2)! * MINUTE_MS).toISOString();
  const { subscriptions = [SUBSCRIPTION], ...rest } = more;
  return recordOf({ trackingId, subscriptions, minutesAgo, status: 'Resolved', mitigatedAt, ...rest });
}

/** From the ninth minute to the end, two of five. */
function failing(name: string, record: AzureRecord): void {
  const [fromMs, toMs] = [Date.parse(record.startedAt) + 9 * MINUTE_MS, Date.parse(record.mitigatedAt!)];
  const one = metrics.resources.find(({ id }) => id.endsWith(`/${name}`))!;
  one.value = (metric, atMs) => (metric === 'SuccessfulPullCount' && atMs >= fromMs && atMs < toMs ? 12 : 20);
}

const told = (): string[] => hook.events.map((event) => event.body.data.action);
const entriesOf = async (id: string): Promise<string[]> =>
  (await relay.get(`/v1/incidents/${id}/timeline`)).json?.timeline
    .filter((entry: { kind: string }) => entry.kind === 'evidence')
    .map((entry: { summary: string }) => entry.summary);
const verdictsOf = async (id: string): Promise<string[]> =>
  (await relay.get(`/v1/incidents/${id}/evidence`)).json.evidence.resources.map(
    (one: { name: string; verdict: string }) => `${one.name} ${one.verdict}`,
  );
/** Long enough for several rounds more. */
const pause = (ms = 1_500): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('an outage that is over when it is first heard of', () => {
  test('by a push of its end: asked once for its window, on the timeline, and nobody is paged', async () => {
    await start();
    const record = ended('OVER-001');
    await relay.post(pushOf(record, 3, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
    await expect
      .poll(() => entriesOf('OVER-001'), { timeout: 20_000 })
      .toEqual([expect.stringMatching(/^Evidence at the end: not seen at acrone/)]);
    const asked = metrics.requests.length;
    await pause();
    expect(metrics.requests).toHaveLength(asked);
    await relay.level('OVER-001', 2);
    expect([told(), pager.pages]).toEqual([['resolve'], 0]);
    const { checks } = (await relay.get('/v1/incidents/OVER-001/evidence')).json.evidence.resources[0];
    // 42 minutes from the start to the mitigation: not until now.
    expect(checks[0].during.total).toBe(42 * 20);
  });

  test('and did hit us: those who were told that it is over are told that as well, as a note', async () => {
    await start();
    const record = ended('OVER-006');
    failing('acrone', record);
    await relay.post(pushOf(record, 3, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
    await expect.poll(told, { timeout: 20_000 }).toEqual(['resolve', 'note']);
    expect(hook.events[1]!.body.data.changes[0]).toMatch(/^Evidence at the end: acrone hit: /);
    await relay.level('OVER-006', 2);
    await pause();
    expect([told(), pager.pages, pager.changeEvents.length]).toEqual([['resolve', 'note'], 0, 2]);
    expect(await entriesOf('OVER-006')).toHaveLength(1);
  });

  test('while metrics are throttled: the rounds after it ask again, and the entry at the end has an answer', async () => {
    const answer = { status: 429, headers: { 'retry-after': '3600' }, body: {} };
    metrics.failAlways({ kind: 'answer', answer });
    await start();
    await relay.post(pushOf(ended('OVER-007'), 3, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
    await expect.poll(() => metrics.requests.length, { timeout: 20_000 }).toBeGreaterThan(1);
    metrics.failAlways(null);
    await expect
      .poll(() => entriesOf('OVER-007'), { timeout: 20_000 })
      .toEqual([
        expect.stringMatching(/^Evidence: unknown at acrone \(metrics could not be read \(429/),
        expect.stringMatching(/^Evidence at the end: not seen at acrone/),
      ]);
    const asked = metrics.requests.length;
    await pause();
    expect(metrics.requests).toHaveLength(asked);
  });

  test('and throttled for ever: some tries, then it is unknown, and nobody asks any more', async () => {
    metrics.failAlways({ kind: 'answer', answer: { status: 429, headers: { 'retry-after': '3600' }, body: {} } });
    await start();
    await relay.post(pushOf(ended('OVER-008'), 3, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
    await expect
      .poll(async () => (await entriesOf('OVER-008')).at(-1), { timeout: 40_000 })
      .toMatch(/^Evidence at the end: unknown at acrone/);
    await pause();
    expect(metrics.requests).toHaveLength(12);
  });

  test('by back-fill, after a night in which no relay ran', async () => {
    arm.events = [ended('OVER-002', [12 * 60, 11 * 60, 10 * 60])];
    await start({ backfill: 'every: 1s, lookback: 1d' });
    await expect
      .poll(() => entriesOf('OVER-002'), { timeout: 20_000 })
      .toEqual([expect.stringMatching(/^Evidence at the end: not seen at acrone/)]);
    expect(pager.pages).toBe(0);
  });

  test('long ago, or called off before it began: nothing is asked, and nothing said', async () => {
    const old = [10.2, 10.1, 10].map((days) => days * DAY_MINUTES);
    const later = new Date(Date.now() + 60 * MINUTE_MS).toISOString();
    const off = ended('OVER-004', [60, 40, 30], { eventType: 'PlannedMaintenance', startedAt: later });
    await start();
    await relay.post(pushOf(ended('OVER-003', old), 3, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
    await relay.post(pushOf(off, 1, { subscription: SUBSCRIPTION, stage: 'Planned' }));
    await relay.post(pushOf(off, 3, { subscription: SUBSCRIPTION, stage: 'Canceled' }));
    await expect.poll(async () => (await relay.get('/v1/incidents/OVER-004')).json?.incident.state).toBe('resolved');
    await pause();
    expect(metrics.requests).toHaveLength(0);
    expect([await entriesOf('OVER-003'), await entriesOf('OVER-004')]).toEqual([[], []]);
  });

  test('and a budget that is too small for all of ours at once: the rounds after it ask the others, then it is over', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `acr${String(n).padStart(2, '0')}`);
    registries(Object.fromEntries(names.map((name, n) => [name, subscriptionId(n + 1)])));
    await start({ maxCalls: 5 });
    await relay.post(pushOf(ended('OVER-005'), 3, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
    const all = names.map((name) => `${name} not seen`);
    await expect.poll(() => verdictsOf('OVER-005'), { timeout: 40_000 }).toEqual(all);
    await pause();
    expect(metrics.requests).toHaveLength(12);
    expect((await entriesOf('OVER-005')).at(-1)).toMatch(
      /^Evidence at the end: not seen at acr\d\d, acr\d\d, acr\d\d and 9 more/,
    );
  });
});
