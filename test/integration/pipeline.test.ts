/** From HTTP to the vendors on every footing: what must hold whoever keeps the truth and rings the bell. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serviceHealth, subscriptionId } from '#test/support/fixtures.ts';
import { FOOTINGS, openStores, startRelay, TOKEN, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

describe.each(FOOTINGS)('on the footing %s', (footing) => {
  let stores: Stores;
  let relay: TestRelay;
  let pager: PagerDutyServer;
  let hook: WebhookServer;

  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());

  beforeEach(async () => {
    pager = await new PagerDutyServer().start();
    hook = await new WebhookServer(SECRET).start();
    relay = await startRelay(
      stores,
      `subscriptions: { "${subscriptionId(1)}": { name: Payments dev, environment: dev }, "${subscriptionId(2)}": { name: Payments prod, environment: prod } }
destinations:
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}", retry: { schedule: [100ms, 200ms] } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms, 200ms] } }
routes:
  - match: { kind: outage, environment: prod }
    to: [oncall]
  - match: { kind: change }
    to: [hook]
  - match: {}
    to: [hook]
`,
    );
  });
  afterEach(async () => {
    await relay.stop();
    await pager.stop();
    await hook.stop();
  });

  const outcomes = async (body: unknown): Promise<string[]> =>
    (await relay.post(body)).json.signals.map((s: { outcome: string }) => s.outcome);

  test('an outage is one page and one story, in order, with the review as a change event', async () => {
    const id = 'LIFE-001';
    expect(
      await outcomes(serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 2 })),
    ).toEqual(['opened']);
    await relay.level(id, 2);
    expect(
      await outcomes(serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 3 })),
    ).toEqual(['updated']);
    expect(
      await outcomes(serviceHealth({ trackingId: id, communication: 2, stage: 'Active', subscription: 2 })),
    ).toEqual(['updated']);
    expect(
      await outcomes(serviceHealth({ trackingId: id, communication: 3, stage: 'Resolved', subscription: 2 })),
    ).toEqual(['resolved']);
    expect(await outcomes(serviceHealth({ trackingId: id, communication: 4, stage: 'RCA', subscription: 2 }))).toEqual([
      'noted',
    ]);
    const deliveries = await relay.level(id, 2);
    expect(pager.pages).toBe(1);
    expect(pager.alerts().map((alert) => alert.status)).toEqual(['resolved']);
    expect(pager.changeEvents).toHaveLength(1);
    expect(hook.events.map(({ body }) => `${body.type} ${body.data.action}`)).toEqual([
      'incident.opened open',
      'incident.updated update',
      'incident.resolved resolve',
      'incident.updated note',
    ]);
    // What came twice had no known outcome the first time.
    const tries = deliveries.flatMap((one) => one['attempts'] as { outcome: string }[]);
    expect(hook.duplicates.length).toBeLessThanOrEqual(tries.filter(({ outcome }) => outcome === 'unknown').length);
  });

  test('first a dev subscription, then the same communication from prod: one page, to the pager, at the second', async () => {
    const id = 'LATE-002';
    await relay.post(serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 1 }));
    await relay.level(id, 1);
    expect(pager.pages).toBe(0);
    expect(hook.events).toHaveLength(1);
    await relay.post(serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 2 }));
    await relay.level(id, 2);
    expect(pager.pages).toBe(1);
    expect(hook.events).toHaveLength(1);
  });

  test('repeats through rules, channels and retries add nothing that anyone hears, and grow the record', async () => {
    const id = 'REPT-003';
    const first = serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 2 });
    await relay.post(first);
    await relay.level(id, 2);
    expect(await outcomes(first)).toEqual(['duplicate']);
    for (let subscription = 10; subscription < 30; subscription++) {
      await relay.post(serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription }));
    }
    await relay.level(id, 2);
    const { incident } = (await relay.get(`/v1/incidents/${id}`)).json;
    expect(incident.subscriptions).toHaveLength(21);
    expect(incident.provenance).toHaveLength(21);
    expect(incident.revision).toBe(1);
    expect(pager.entries).toHaveLength(1);
    expect(hook.events).toHaveLength(1);
  });

  test('an incident first seen closed pages nobody', async () => {
    const id = 'OVER-004';
    expect(
      await outcomes(serviceHealth({ trackingId: id, communication: 3, stage: 'Resolved', subscription: 2 })),
    ).toEqual(['resolved']);
    await relay.level(id, 2);
    expect(
      await outcomes(serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 2 })),
    ).toEqual(['noted']);
    expect(pager.pages).toBe(0);
    expect(pager.changeEvents).toHaveLength(1);
    expect((await relay.get(`/v1/incidents/${id}`)).json.incident.state).toBe('resolved');
  });

  test('a vendor that fails is tried again until it takes the page, once', async () => {
    pager.failNext({ kind: 'answer', answer: { status: 500, body: 'oops' } }, 2);
    pager.failNext({ kind: 'reset', taken: true });
    await relay.post(serviceHealth({ trackingId: 'FAIL-005', communication: 1, stage: 'Active', subscription: 2 }));
    const deliveries = await relay.level('FAIL-005', 2);
    const attempts = deliveries.find((d) => d['destination'] === 'oncall')!['attempts'] as { outcome: string }[];
    expect(attempts.map((a) => a.outcome)).toEqual(['retryable', 'retryable', 'unknown', 'accepted']);
    expect(pager.pages).toBe(1);
  });

  test('what is authenticated but not understood is kept, counted and told once', async () => {
    expect(await outcomes({ odd: 1, shape: { here: true } })).toEqual(['unrecognised']);
    expect(await outcomes({ odd: 2, shape: { here: false } })).toEqual(['unrecognised']);
    expect((await relay.post('null')).json.signals[0].outcome).toBe('unrecognised');
    expect((await relay.post('{nope')).status).toBe(400);
    expect((await relay.post({}, undefined, 'wrong-token-000000000')).status).toBe(401);
    const list = (await relay.get('/v1/incidents?kind=unrecognised')).json.incidents;
    expect(list).toHaveLength(2);
    await expect.poll(() => hook.events.length).toBe(2);
  });

  test('the API lists, filters, pages and exports what happened', async () => {
    for (let n = 0; n < 5; n++)
      await relay.post(
        serviceHealth({
          trackingId: `LIST-00${n}`,
          communication: 1,
          stage: 'Active',
          subscription: 2,
          regions: [n % 2 ? 'East US' : 'West Europe'],
        }),
      );
    const first = (await relay.get('/v1/incidents?limit=2&kind=outage')).json;
    const second = (await relay.get(`/v1/incidents?limit=3&kind=outage&cursor=${first.next}`)).json;
    expect([...first.incidents, ...second.incidents].map((i: { trackingId: string }) => i.trackingId)).toEqual([
      'LIST-004',
      'LIST-003',
      'LIST-002',
      'LIST-001',
      'LIST-000',
    ]);
    expect(second.next).toBeNull();
    expect(
      (await relay.get('/v1/incidents?region=east%20us&service=container%20registry')).json.incidents,
    ).toHaveLength(2);
    expect((await relay.get(`/v1/incidents?subscription=${subscriptionId(2)}&q=LIST-003`)).json.incidents).toHaveLength(
      1,
    );
    expect((await relay.get('/v1/incidents?limit=abc')).status).toBe(400);
    const markdown = await relay.get('/v1/incidents/list-003/timeline?format=markdown');
    expect(markdown.text).toContain('LIST-003');
    expect(markdown.headers.get('content-type')).toContain('text/markdown');
    // Its deliveries write their attempts there as well.
    await relay.level('LIST-003', 2);
    const note = await relay.call('POST', '/v1/incidents/LIST-003/notes', { text: 'Failed over by hand' });
    expect(note.status).toBe(201);
    expect((await relay.get('/v1/incidents/LIST-003/timeline')).json.timeline.at(-1).data).toEqual({
      author: 'ops',
      text: 'Failed over by hand',
    });
    expect(
      (await relay.call('POST', '/v1/incidents/LIST-003/notes', { text: 'x' }, 'test-read-token-0000001')).status,
    ).toBe(403);
    expect((await fetch(`${relay.url}/v1/incidents`)).status).toBe(401);
    expect((await relay.get('/v1/incidents', { token: TOKEN })).status).toBe(401);
  });
});
