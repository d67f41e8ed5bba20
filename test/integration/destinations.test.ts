/** Destinations that go away, come back, run behind or leave the config: nothing is lost and somebody is told. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { adapters } from '#src/app.ts';
import { loadConfig } from '#src/config/load.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { CONFIG_HEAD, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let stores: Stores;
let relay: TestRelay;
let pager: PagerDutyServer;
let hook: WebhookServer;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
beforeEach(async () => {
  pager = await new PagerDutyServer().start();
  hook = await new WebhookServer(SECRET).start();
});
afterEach(async () => {
  await relay.stop();
  await pager.stop();
  await hook.stop();
});

const post = (id: string, communication: number, stage: string): Promise<unknown> =>
  relay.post(serviceHealth({ trackingId: id, communication, stage }));
const ONCALL = (): string =>
  `  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager.url}", retry: { schedule: [100ms] }`;
const HOOK = (): string =>
  `  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }`;

test('a delivery that fails for good goes to its fallback, which is resolved too', async () => {
  pager.failAlways({
    kind: 'answer',
    answer: { status: 400, body: { status: 'invalid event', message: 'no', errors: ['no'] } },
  });
  relay = await startRelay(
    stores,
    `destinations:\n${ONCALL()}, fallback: { to: hook } }\n${HOOK()}\nroutes: [{ match: {}, to: [oncall], runbook: "https://wiki.example/outage" }]\n`,
  );
  await post('FALL-001', 1, 'Active');
  await expect.poll(() => hook.events.map((e) => e.body.type)).toEqual(['incident.opened']);
  await post('FALL-001', 2, 'Resolved');
  await expect.poll(() => hook.events.map((e) => e.body.type)).toEqual(['incident.opened', 'incident.resolved']);
  // Who gets it must not take it for a copy of what the pager has already: only the opening says so.
  expect(hook.events.map((e) => e.body.data.remark?.word)).toEqual(['FALLBACK', undefined]);
  expect(hook.events[0]!.body.data.route.runbook).toBe('https://wiki.example/outage');
  expect(hook.events[0]!.body.data.remark?.sentence).toContain('oncall was not reached');
  const { timeline } = (await relay.get('/v1/incidents/FALL-001/timeline')).json;
  expect(timeline.some((e: { data: { decision?: string } }) => e.data.decision === 'fallback')).toBe(true);
});

test('without a fallback the other destinations of the incident are told, once', async () => {
  pager.failAlways({
    kind: 'answer',
    answer: { status: 400, body: { status: 'invalid event', message: 'no', errors: ['no'] } },
  });
  relay = await startRelay(
    stores,
    `destinations:\n${ONCALL()} }\n${HOOK()}\nroutes: [{ match: {}, to: [oncall, hook] }]\n`,
  );
  await post('FALL-002', 1, 'Active');
  await expect.poll(() => hook.events.length).toBe(2);
  expect(JSON.stringify(hook.events[1]!.body)).toContain('oncall was not reached');
  await post('FALL-002', 2, 'Active');
  await expect.poll(() => hook.events.length).toBe(3);
});

test('a destination that refuses what it gets is named, with why and when, until it takes something', async () => {
  pager.failAlways({ kind: 'answer', answer: { status: 401, body: { status: 'unauthorized' } } });
  relay = await startRelay(
    stores,
    `destinations:\n${ONCALL()} }\n${HOOK()}\nroutes: [{ match: {}, to: [oncall, hook] }]\n`,
  );
  await post('REFUSED-1', 1, 'Active');
  await expect
    .poll(async () => (await relay.get('/readyz')).json.parts)
    .toContainEqual({
      name: 'destination oncall',
      status: 'degraded',
      detail: 'refused the last message (unauthorized)',
    });
  const oncall = async (): Promise<unknown> =>
    (await relay.get('/v1/destinations')).json.destinations.find((one: { name: string }) => one.name === 'oncall');
  expect(await oncall()).toMatchObject({
    lastReason: 'unauthorized',
    lastFailureAt: expect.stringMatching(/^20/),
    lastSuccessAt: null,
    consecutiveFailures: 0,
    pausedUntil: null,
  });
  const page = (await relay.get('/destinations', { accept: 'text/html' })).text;
  expect(page).toContain('1 failed');
  expect(page).toContain('(unauthorized)');
  expect(page).not.toMatch(/level\s*<span class="bad">/);

  const { timeline } = (await relay.get('/v1/incidents/REFUSED-1/timeline')).json;
  const refused = timeline.filter((e: { data: { outcome?: string } }) => e.data.outcome === 'permanent');
  expect(refused.length).toBeGreaterThan(0);
  for (const entry of refused) expect(entry.revision).toBe(entry.data.covers[1]);

  pager.failAlways(null);
  await post('REFUSED-1', 2, 'Active');
  await expect.poll(async () => (await relay.get('/readyz')).json.status).toBe('ok');
  // Refused once more so soon after a success: that success is the older word.
  pager.failAlways({ kind: 'answer', answer: { status: 400, body: { status: 'invalid event' } } });
  await post('REFUSED-2', 1, 'Active');
  await expect.poll(async () => (await relay.get('/readyz')).json.status).toBe('degraded');
  pager.failAlways(null);
  await post('REFUSED-3', 1, 'Active');
  await expect.poll(async () => (await relay.get('/readyz')).json.status).toBe('ok');
});

test('a review of what was never heard of pages nobody, also when a destination refuses it', async () => {
  hook.failAlways({ kind: 'answer', answer: { status: 400 } });
  relay = await startRelay(
    stores,
    `destinations:\n${ONCALL()} }\n${HOOK()}\nroutes: [{ match: {}, to: [oncall, hook] }]\n`,
  );
  await post('REVIEW-1', 1, 'RCA');
  // The news that the hook was not reached is itself a revision, and everybody has had their say about it.
  await expect
    .poll(async () => JSON.stringify((await relay.get('/v1/incidents/REVIEW-1/timeline')).json))
    .toContain('hook was not reached');
  await expect
    .poll(async () => (await relay.get('/v1/incidents/REVIEW-1/deliveries')).json.deliveries)
    .toContainEqual(expect.objectContaining({ destination: 'oncall', state: 'delivered', deliveredRevision: 2 }));
  expect((await relay.get('/v1/incidents/REVIEW-1')).json.incident).toMatchObject({
    state: 'resolved',
    title: 'Container Registry - West Europe - trouble',
  });
  expect(pager.alerts()).toEqual([]);
});

test('a destination that was away for long gets one message with the present state, not a queue of stale ones', async () => {
  hook.failAlways({ kind: 'answer', answer: { status: 503 } });
  relay = await startRelay(stores, `destinations:\n${HOOK()}\nroutes: [{ match: {}, to: [hook] }]\n`);
  for (let n = 1; n <= 9; n++) await post('AWAY-001', n, 'Active');
  // A try that was planned before the last posts must have failed, or it would tell of those before them only.
  const before = hook.requests.length;
  await expect.poll(() => hook.requests.length).toBeGreaterThan(before + 1);
  hook.failAlways(null);
  await relay.level('AWAY-001', 1);
  expect(hook.events.length).toBeLessThanOrEqual(2);
  expect(hook.events.at(-1)!.body.data.communication!.text).toContain('Communication 9');
});

test('429 pauses the destination for as long as the vendor says, and says so', async () => {
  pager.failNext({
    kind: 'answer',
    answer: { status: 429, headers: { 'retry-after': '6' }, body: { status: 'throttle exceeded' } },
  });
  relay = await startRelay(stores, `destinations:\n${ONCALL()} }\nroutes: [{ match: {}, to: [oncall] }]\n`);
  await post('RATE-001', 1, 'Active');
  await expect
    .poll(async () => (await relay.get('/v1/destinations')).json.destinations[0].pausedUntil as string | null)
    .not.toBeNull();
  await post('RATE-002', 1, 'Active');
  await relay.level('RATE-002', 1);
  await relay.level('RATE-001', 1);
  const [first, second] = pager.requests;
  expect(second!.at - first!.at).toBeGreaterThan(5_800);
  expect(pager.pages).toBe(2);
});

test(
  'failures in a row leave one probe at a time and show in /readyz; recovery clears both',
  {
    timeout: 120_000,
  },
  async () => {
    hook.failAlways({ kind: 'answer', answer: { status: 500 } });
    relay = await startRelay(stores, `destinations:\n${HOOK()}\nroutes: [{ match: {}, to: [hook] }]\n`);
    for (let n = 0; n < 12; n++) await post(`BRKR-0${10 + n}`, 1, 'Active');
    await expect
      .poll(() => relay.get('/readyz'))
      .toMatchObject({ status: 200, text: expect.stringContaining('destination hook') });
    const before = hook.requests.length - 1;
    // Calls that were under way come first; of two probes at a time one would follow the other at once.
    const isAlone = (n: number, all: readonly { at: number }[]): boolean =>
      n > 1 && all[n]!.at - all[n - 1]!.at > 900 && all[n - 1]!.at - all[n - 2]!.at > 900;
    await expect
      .poll(() => hook.requests.slice(before).some((_, n, all) => isAlone(n, all)), { timeout: 30_000 })
      .toBe(true);
    hook.failAlways(null);
    await expect.poll(() => hook.events.length, { timeout: 40_000 }).toBe(12);
    await expect.poll(async () => (await relay.get('/readyz')).json.status).toBe('ok');
  },
);

test('a renamed destination keeps its id, its vendor key and its open page', async () => {
  relay = await startRelay(stores, `destinations:\n${ONCALL()} }\nroutes: [{ match: {}, to: [oncall] }]\n`);
  await post('NAME-001', 1, 'Active');
  await relay.level('NAME-001', 1);
  const renamed = `destinations:\n${ONCALL().replace('oncall:', 'pager2:')}, id: oncall }\nroutes: [{ match: {}, to: [pager2] }]\n`;
  const loaded = loadConfig(CONFIG_HEAD + renamed, { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  relay.app.config.replace(loaded.config);
  await expect
    .poll(async () => (await relay.get('/v1/incidents/NAME-001/deliveries')).json.deliveries[0].destination as string)
    .toBe('pager2');
  await post('NAME-001', 2, 'Resolved');
  await relay.level('NAME-001', 1);
  expect(pager.pages).toBe(1);
  expect(pager.alerts().map((a) => a.status)).toEqual(['resolved']);
  expect((await relay.get('/v1/incidents/NAME-001/deliveries')).json.deliveries).toHaveLength(1);
});

test('a destination that leaves the config with a page open is a decision on the timeline and an alarm', async () => {
  const both = `destinations:\n${ONCALL()} }\n${HOOK()}\nroutes: [{ match: {}, to: [oncall, hook] }]\n`;
  relay = await startRelay(stores, both);
  await post('LEFT-001', 1, 'Active');
  await relay.level('LEFT-001', 2);
  const loaded = loadConfig(`${CONFIG_HEAD}destinations:\n${HOOK()}\nroutes: [{ match: {}, to: [hook] }]\n`, {
    file: 'relay.yaml',
    env: {},
    adapters,
  });
  if (!loaded.ok) throw new Error('the config of this test is broken');
  relay.app.config.replace(loaded.config);
  await post('LEFT-001', 2, 'Resolved');
  await expect
    .poll(async () => (await relay.get('/v1/incidents/LEFT-001/timeline')).text)
    .toContain('is no longer in the config');
  // The statement that writes it is over before it is counted.
  await expect.poll(async () => (await relay.get('/metrics')).text).toMatch(/relay_orphaned_deliveries 1/);
  const back = `destinations:\n${ONCALL()}, retired: true }\n${HOOK()}\nroutes: [{ match: {}, to: [hook] }]\n`;
  const again = loadConfig(CONFIG_HEAD + back, { file: 'relay.yaml', env: {}, adapters });
  if (!again.ok) throw new Error(JSON.stringify(again.faults));
  relay.app.config.replace(again.config);
  await expect.poll(() => pager.alerts().map((a) => a.status)).toEqual(['resolved']);
});
