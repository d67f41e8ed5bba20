/** Own alerts that are damped, on real stores: told when sustained, told once when flapping, whatever restarts meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import { FOOTINGS, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { settled, timePassed } from '#test/support/time-passed.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
/** Times that no test lives to see: they pass when it says so. What stays open is told after 20 minutes. */
const SUSTAINED = 'sustained: 3 of 5 in 50m';
const FLAPPING = 'flapping: { changes: 4, within: 1h, quiet: 10m }';
const FLAPS = ['opened', 'resolved', 'opened', 'resolved', 'opened FLAPPING'];

/** One firing of a rule on one registry, or the end of that firing. */
function alert(rule: string, fired: number, { over = false, severity = 'Sev2' } = {}): unknown {
  const body = fixture(`webhook-common/metric-acr-${over ? 'resolved' : 'fired'}.json`);
  const { essentials } = body.data;
  essentials.severity = severity;
  essentials.alertId += `-${rule}-${fired}`;
  essentials.alertRuleID += `-${rule}`;
  essentials.alertRule += `-${rule}`;
  const base = Date.parse('2026-09-14T08:00:00Z') + fired * 60_000;
  essentials.firedDateTime = new Date(base).toISOString();
  if (over) essentials.resolvedDateTime = new Date(base + 30_000).toISOString();
  return body;
}

/** A health event of one cluster, as one of two action groups sends it. */
function verdictOf(minute: number, verdict: string, door: number): unknown {
  const body = fixture('webhook-classic/rh-aks-degraded.json');
  const log = body.data.context.activityLog;
  const at = `2026-09-14T09:0${minute}:00Z`;
  Object.assign(log, { eventTimestamp: at, eventDataId: `event ${minute}`, correlationId: `by ${door}` });
  Object.assign(log.properties, { currentHealthStatus: verdict, previousHealthStatus: null });
  return body;
}

describe.each(FOOTINGS.filter((footing) => footing !== 'embedded'))('on the footing %s', (footing) => {
  let stores: Stores;
  let environment: Record<string, string>;
  let db: Client;
  let relays: TestRelay[];
  let pager: PagerDutyServer;
  let hook: WebhookServer;

  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());
  beforeEach(async () => {
    environment = await stores.environment();
    db = new Client({ connectionString: environment['DATABASE_URL']! });
    await db.connect();
    pager = await new PagerDutyServer().start();
    hook = await new WebhookServer(SECRET).start();
    relays = [];
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await db.end();
    await pager.stop();
    await hook.stop();
  });

  async function start(route: string, { to = 'hook', head = '' } = {}): Promise<TestRelay> {
    const relay = await startRelay(
      stores,
      `${head}destinations:
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}", retry: { schedule: [100ms] }, fallback: { to: hook, after: 1m } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }
routes:
  - match: {}
    to: [${to}]
    ${route}
`,
      environment,
    );
    relays.push(relay);
    return relay;
  }

  const heard = (): string[] =>
    hook.events.map(
      ({ body }) => `${body.type.replace('incident.', '')}${body.data.remark ? ` ${body.data.remark.word}` : ''}`,
    );
  const opened = (): number => heard().filter((one) => one.startsWith('opened')).length;

  async function decisions(relay: TestRelay): Promise<string[]> {
    const { incidents } = (await relay.get('/v1/incidents?limit=200')).json;
    const found: string[] = [];
    for (const { id } of incidents) {
      const { timeline } = (await relay.get(`/v1/incidents/${id}/timeline`)).json;
      found.push(
        ...timeline.filter((e: { kind: string }) => e.kind === 'decision').map((e: { summary: string }) => e.summary),
      );
    }
    return found;
  }

  /** So much time passes, once everything was looked at. */
  async function pass(time: string): Promise<void> {
    await settled(db);
    await timePassed(db, time);
  }

  /**
   * Two occasions, each told and closed, and the third, which is told as flapping.
   * `paged`: the pager is waited for as well; a lane that lags behind would see one opening less.
   */
  async function untilFlapping(relay: TestRelay, rule: string, { paged = false } = {}): Promise<void> {
    const closed = (): number => pager.alerts().filter((one) => one.status === 'resolved').length;
    for (let n = 1; n <= 3; n++) {
      await relay.post(alert(rule, n));
      await expect.poll(opened).toBe(n);
      if (paged) await expect.poll(() => pager.pages).toBe(n);
      if (n === 3) break;
      await relay.post(alert(rule, n, { over: true }));
      await expect.poll(() => heard().filter((one) => one === 'resolved')).toHaveLength(n);
      if (paged) await expect.poll(closed).toBe(n);
    }
    expect(heard()).toEqual(FLAPS);
    // Heard is not yet written down, and only a page that is can go on with the next episode.
    await settled(db);
  }

  test('another verdict on a resource that is still down is one more report that it fires', async () => {
    const relay = await start('sustained: { times: 3, of: 3, in: 1h, severe: true }');
    for (const [minute, verdict] of ['Unavailable', 'Degraded', 'Unavailable'].entries()) {
      expect(heard()).toEqual([]);
      for (const door of [1, 2]) await relay.post(verdictOf(minute, verdict, door));
    }
    await expect.poll(() => heard()[0]).toBe('opened');
  });

  test('what stays open is told when it is sustained, before its window is over; what came and went is told to nobody', async () => {
    const relay = await start(SUSTAINED);
    await relay.post(alert('stays', 1));
    await relay.post(alert('goes', 1));
    await settled(db);
    await relay.post(alert('goes', 1, { over: true }));
    await pass('19 minutes');
    await settled(db);
    expect(heard()).toEqual([]);
    await pass('2 minutes');
    await expect.poll(heard).toEqual(['opened']);
    await settled(db);
    expect(heard()).toEqual(['opened']);
    const said = await decisions(relay);
    expect(said).toContainEqual(
      expect.stringContaining('held back until it is sustained (1 of 1 observation firing, wants 3 of 5 in 50m)'),
    );
    expect(said).toContainEqual(expect.stringContaining('came and went, not sustained'));
    expect(JSON.stringify(hook.events[0]!.body)).toContain('held back until it is sustained');
  });

  test('a rule that fires again and again is told at its third firing; outages, Sev1 and passThrough are told at once', async () => {
    const relay = await start(SUSTAINED);
    await relay.post(alert('severe', 1, { severity: 'Sev1' }));
    await relay.post(serviceHealth({ trackingId: 'SUST-001', communication: 1, stage: 'Active' }));
    await expect.poll(() => heard().length).toBe(2);
    await relay.post(alert('stateless', 1));
    await relay.post(alert('stateless', 2));
    await relay.post(alert('stateless', 2));
    // A held delivery looks again after half a minute; by silence alone it would take 20 of them.
    await pass('31 seconds');
    await settled(db);
    expect(heard().length).toBe(2);
    await relay.post(alert('stateless', 3));
    await pass('31 seconds');
    await expect.poll(() => heard().length).toBe(3);
    await relay.post(alert('waits', 1));
    await expect.poll(async () => (await decisions(relay)).length).toBe(2);
    await relays.pop()!.stop();
    await start(SUSTAINED, { head: 'passThrough: true\n' });
    await pass('31 seconds');
    await expect.poll(() => heard().length).toBe(4);
  });

  test('the deadline outlives the process; two replicas tell it once, and waiting is no failure that a fallback hears of', async () => {
    const first = await start(SUSTAINED, { to: 'oncall' });
    await first.post(alert('outlives', 1));
    await expect.poll(() => decisions(first)).toHaveLength(1);
    await relays.pop()!.stop();
    expect(pager.pages).toBe(0);
    await Promise.all([start(SUSTAINED, { to: 'oncall' }), start(SUSTAINED, { to: 'oncall' })]);
    await pass('19 minutes');
    // A round of the upkeep looks at what was not reached every two seconds.
    await sleep(2_500);
    expect([pager.pages, heard()]).toEqual([0, []]);
    await pass('2 minutes');
    await expect.poll(() => pager.pages).toBe(1);
    await sleep(2_500);
    expect(pager.pages).toBe(1);
    expect(heard()).toEqual([]);
  });

  test('what flaps is one page that says so, over episodes and a restart, and is resolved when it has been quiet', async () => {
    const relay = await start(FLAPPING, { to: 'oncall, hook' });
    await untilFlapping(relay, 'flaps', { paged: true });
    for (let n = 4; n <= 8; n++) {
      await relay.post(alert('flaps', n - 1, { over: true }));
      await relay.post(alert('flaps', n));
      if (n === 6) {
        await relays.pop()!.stop();
        await Promise.all([start(FLAPPING, { to: 'oncall, hook' }), start(FLAPPING, { to: 'oncall, hook' })]);
      }
      await sleep(150);
      if (n === 6) Object.assign(relay, relays[0]);
    }
    expect(heard()).toHaveLength(5);
    await relay.post(alert('flaps', 8, { over: true }));
    await pass('11 minutes');
    await expect.poll(() => heard().at(-1)).toBe('resolved STOPPED FLAPPING');
    await expect.poll(() => pager.alerts().map((one) => one.status)).toEqual(['resolved', 'resolved', 'resolved']);
    expect(heard()).toEqual([...FLAPS, 'resolved STOPPED FLAPPING']);
    expect(pager.pages).toBe(3);
    const vendorKeys = hook.events.map(({ body }) => body.data.vendorKey);
    expect(vendorKeys[5]).toBe(vendorKeys[4]);
    const { incidents } = (await relay.get('/v1/incidents?limit=200')).json;
    expect(incidents).toHaveLength(8);
    const level = `select from deliveries where state = 'delivered' and wanted_revision = delivered_revision`;
    await expect.poll(async () => (await db.query(level)).rowCount).toBe(2 * 8);
    expect((await decisions(relay)).filter((one) => one.includes('flap')).length).toBeGreaterThan(5);
  }, 60_000);

  test('still open when it is quiet: it says so on the same page, and the end goes there too', async () => {
    const relay = await start(FLAPPING, { to: 'oncall, hook' });
    await untilFlapping(relay, 'open', { paged: true });
    for (let n = 4; n <= 5; n++) {
      await relay.post(alert('open', n - 1, { over: true }));
      await relay.post(alert('open', n));
      await sleep(200);
    }
    await pass('11 minutes');
    await expect.poll(() => heard().at(-1)).toBe('updated STOPPED FLAPPING');
    const count = heard().length;
    await sleep(2_500);
    expect(heard()).toHaveLength(count);
    expect(pager.alerts().filter((one) => one.status !== 'resolved')).toHaveLength(1);
    await relay.post(alert('open', 5, { over: true }));
    await expect.poll(() => heard().at(-1)).toBe('resolved');
    await expect.poll(() => pager.alerts().every((one) => one.status === 'resolved')).toBe(true);
    const keys = hook.events.slice(-2).map(({ body }) => body.data.vendorKey);
    expect(keys[0]).toBe(keys[1]);
    expect(opened()).toBe(3);
  });

  test('an alert that opens as flapping and stays says that it has stopped, once', async () => {
    const relay = await start(FLAPPING);
    await untilFlapping(relay, 'once');
    await pass('11 minutes');
    await expect.poll(() => heard().at(-1)).toBe('updated STOPPED FLAPPING');
    await sleep(3_500);
    expect(heard()).toEqual([...FLAPS, 'updated STOPPED FLAPPING']);
  });

  test('a storm of flapping alerts, two replicas, a vendor that stumbles: what is over has no open page, what is open has one', async () => {
    const rules = 'sustained: 2 of 3 in 1s\n    flapping: { changes: 4, within: 1m, quiet: 2s }';
    const both = await Promise.all([start(rules, { to: 'oncall' }), start(rules, { to: 'oncall' })]);
    const faults = [
      { kind: 'answer', answer: { status: 500, body: 'no' } },
      { kind: 'reset', taken: true },
      { kind: 'reset', taken: false },
    ] as const;
    const openings = new Map<string, number>();
    let stumble = 1;
    const story = async (rule: string, changes: number): Promise<void> => {
      for (let n = 0; n < changes; n++) {
        await both[n % 2]!.post(alert(rule, Math.floor(n / 2) + 1, { over: n % 2 === 1 }));
        // Some are sent on the heels of each other, others have time to be told.
        await sleep([0, 20, 150, 400, 700][(n * 7 + changes) % 5]);
        // Every third request stumbles: more in a row would open the breaker, which has tests of its own.
        if (pager.requests.length < stumble) continue;
        stumble = pager.requests.length + 3;
        pager.failNext(faults[(n + changes) % 3]!);
      }
      openings.set(rule, Math.ceil(changes / 2));
    };
    await Promise.all([8, 9, 10, 11, 12, 13].map((changes) => story(`storm${changes}`, changes)));
    await sleep(2_500);
    const openPages = (rule: string): number =>
      pager.alerts().filter((one) => one.status !== 'resolved' && one.title.includes(`-${rule} `)).length;
    const wanted = Object.fromEntries([...openings.keys()].map((rule) => [rule, Number(rule.slice(5)) % 2]));
    await expect
      .poll(() => Object.fromEntries([...openings.keys()].map((rule) => [rule, openPages(rule)])), { timeout: 30_000 })
      .toEqual(wanted);
    await sleep(3_000);
    expect(Object.fromEntries([...openings.keys()].map((rule) => [rule, openPages(rule)]))).toEqual(wanted);
    const total = [...openings.values()].reduce((sum, one) => sum + one, 0);
    expect(pager.pages).toBeLessThan(total);
  }, 60_000);
});
