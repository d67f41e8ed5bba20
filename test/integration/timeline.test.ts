/** The record for the review: as of a moment, who may read what, related incidents, exports, clocks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fixture, serviceHealth, subscriptionId } from '#test/support/fixtures.ts';
import {
  API_TOKEN,
  FOOTINGS,
  openStores,
  READ_TOKEN,
  startRelay,
  type Stores,
  type TestRelay,
} from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

describe.each(FOOTINGS)('on the footing %s', (footing) => {
  let stores: Stores;
  let relay: TestRelay;
  let hook: WebhookServer;

  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());
  beforeEach(async () => {
    hook = await new WebhookServer(SECRET).start();
    relay = await startRelay(
      stores,
      `destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }
subscriptions: { "${subscriptionId(1)}": { name: Payments prod } }
routes: [{ match: {}, to: [hook] }]
`,
    );
  });
  afterEach(async () => {
    await relay.stop();
    await hook.stop();
  });

  const post = async (
    trackingId: string,
    communication: number,
    more: Partial<Parameters<typeof serviceHealth>[0]> = {},
  ) => relay.post(serviceHealth({ trackingId, communication, stage: 'Active', ...more }));

  test('as of a moment shows what was known then: state, scope, timeline and deliveries', async () => {
    const before = new Date().toISOString();
    await sleep(20);
    await post('ASOF-001', 1);
    await relay.level('ASOF-001', 1);
    await sleep(20);
    const then = new Date().toISOString();
    await sleep(20);
    await post('ASOF-001', 2, { subscription: 2, regions: ['West Europe', 'North Europe'] });
    await post('ASOF-001', 3, { stage: 'Resolved' });
    await relay.level('ASOF-001', 1);
    const at = async (path: string, time: string) => (await relay.get(`/v1/incidents/ASOF-001${path}?at=${time}`)).json;
    const { incident } = await at('', then);
    expect(incident).toMatchObject({
      state: 'active',
      revision: 1,
      resolvedAt: null,
      subscriptions: [subscriptionId(1)],
    });
    expect(incident.impacts).toEqual([{ service: 'Container Registry', region: 'West Europe' }]);
    const { timeline } = await at('/timeline', then);
    expect(timeline.filter((e: { kind: string }) => e.kind === 'communication')).toHaveLength(1);
    const { deliveries } = await at('/deliveries', then);
    expect(deliveries[0]).toMatchObject({ state: 'delivered', wantedRevision: 1, deliveredRevision: 1 });
    expect((await relay.get(`/v1/incidents/ASOF-001?at=${before}`)).status).toBe(404);
    expect((await relay.get('/v1/incidents/ASOF-001?at=yesterday')).status).toBe(400);
    const now = (await relay.get('/v1/incidents/ASOF-001')).json.incident;
    expect(now).toMatchObject({ state: 'resolved', subscriptionCount: 2 });
  });

  test('a communication says what changed since the one before, to readers and to destinations alike', async () => {
    await post('DIFF-001', 1, { regions: ['West Europe', 'North Europe'], text: '<p>Pulls fail.</p>' });
    await post('DIFF-001', 2, { regions: ['West Europe'], text: '<p>Pulls fail. Cause found.</p>' });
    await relay.level('DIFF-001', 1);
    const { timeline } = (await relay.get('/v1/incidents/DIFF-001/timeline')).json;
    const changes = ['No longer named: Container Registry in North Europe.', 'Text added: "Cause found."'];
    expect(timeline.filter((e: { kind: string }) => e.kind === 'communication').at(-1).changes).toEqual(changes);
    expect(JSON.stringify(hook.events.at(-1)!.body)).toContain('No longer named');
  });

  test('the text of a security post is for those whom the config names; title and scope are for every reader', async () => {
    const secret = 'CVE-2026-0001 lets a pod escape';
    await post('SECR-001', 1, { incidentType: 'Security', text: `<p>${secret}</p>`, title: 'Security advisory' });
    await relay.call('POST', '/v1/incidents/SECR-001/notes', { text: `we saw ${secret}` });
    await relay.level('SECR-001', 1);
    const formats = ['json', 'markdown', 'html', 'csv'].map(
      (format) => `/v1/incidents/SECR-001/timeline?format=${format}`,
    );
    const paths = ['/v1/incidents/SECR-001', '/v1/incidents?kind=security', '/incidents/SECR-001', ...formats];
    for (const path of paths) {
      const answer = await relay.get(path, { token: READ_TOKEN, accept: 'application/json' });
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('Security advisory');
      expect(answer.text).not.toContain('pod escape');
    }
    expect((await relay.get('/v1/incidents?q=escape', { token: READ_TOKEN })).json.incidents).toEqual([]);
    expect((await relay.get('/v1/incidents?q=escape', { token: API_TOKEN })).json.incidents).toHaveLength(1);
    expect((await relay.get(formats[0]!, { token: API_TOKEN })).text).toContain(secret);
    expect((await relay.get('/v1/incidents/SECR-001')).json.incident).toMatchObject({ withheld: true });
  });

  test('an own alert and the outage of its service know each other, with the reason', async () => {
    const alert = fixture('webhook-common/metric-acr-fired.json');
    const at = new Date().toISOString();
    alert.data.essentials.firedDateTime = at;
    const [{ incident: own }] = (await relay.post(alert)).json.signals;
    const outage = serviceHealth({ trackingId: 'RELA-001', communication: 1, stage: 'Active' }) as ReturnType<
      typeof fixture
    >;
    const log = outage.data.context.activityLog;
    log.properties.impactStartTime = at;
    [log.eventTimestamp, log.submissionTimestamp] = [at, at];
    await relay.post(outage);
    const related = async (id: string) =>
      (await relay.get(`/v1/incidents/${id}`)).json.incident.related.map((r: Record<string, string>) => [
        r['id'],
        r['reason'],
      ]);
    const event = (await relay.get('/v1/incidents/RELA-001')).json.incident.id;
    expect(await related('RELA-001')).toEqual([[own, 'same service: Container Registry']]);
    expect(await related(own)).toEqual([[event, 'same service: Container Registry']]);
  });

  test('people add notes, corrections of an entry and acknowledgements under the name of their token', async () => {
    await post('NOTE-001', 1);
    const entry = (await relay.get('/v1/incidents/NOTE-001/timeline')).json.timeline[0].id;
    const add = (body: unknown) => relay.call('POST', '/v1/incidents/NOTE-001/notes', body);
    expect((await add({ text: 'began at 07:50 here', event: 'correction', corrects: entry })).status).toBe(201);
    expect((await add({ event: 'acknowledged' })).status).toBe(201);
    expect((await add({ text: '  ' })).status).toBe(400);
    expect((await add({ text: 'x', corrects: entry })).status).toBe(400);
    expect((await add({ text: 'x', event: 'correction', corrects: 987_654_321 })).status).toBe(404);
    const { timeline } = (await relay.get('/v1/incidents/NOTE-001/timeline')).json;
    const people = timeline.filter((e: { voice: string }) => e.voice === 'person');
    expect(people.map((e: { summary: string }) => e.summary)).toEqual([
      'Correction by ops: began at 07:50 here',
      'Acknowledged by ops',
    ]);
    expect(people[0].data).toMatchObject({ author: 'ops', corrects: entry });
    expect((await relay.get('/v1/incidents/NOTE-001/clocks')).json.clocks.acknowledgedAt).not.toBeNull();
  });

  test('words of posts and beginnings of words are found, odd input finds nothing and breaks nothing', async () => {
    await post('FIND-001', 1, { text: '<p>Die Störung betrifft storage accounts.</p>' });
    await post('FIND-002', 1, { text: '<p>Another thing.</p>' });
    const found = async (q: string): Promise<string[]> => {
      const answer = await relay.get(`/v1/incidents?q=${encodeURIComponent(q)}`);
      expect(answer.status).toBe(200);
      return answer.json.incidents.map((i: { trackingId: string }) => i.trackingId);
    };
    expect(await found('stor acc')).toEqual(['FIND-001']);
    expect(await found('störung')).toEqual(['FIND-001']);
    expect(await found('find-002')).toEqual(['FIND-002']);
    for (const odd of ["' | !", '&&&', 'a\u0000b', '\\', '😀', ':* <->', '%', "x' or 1=1"])
      expect(await found(odd)).toEqual([]);
  });

  test('an unchanged answer is 304 for who has it, a changed one is not', async () => {
    await post('ETAG-001', 1);
    await relay.level('ETAG-001', 1);
    const url = `${relay.url}/v1/incidents/ETAG-001/timeline`;
    const headers = { authorization: `Bearer ${READ_TOKEN}` };
    const tag = (await fetch(url, { headers })).headers.get('etag')!;
    const again = () => fetch(url, { headers: { ...headers, 'if-none-match': tag } });
    expect((await again()).status).toBe(304);
    await post('ETAG-001', 2);
    expect((await again()).status).toBe(200);
  });

  test('clocks over many come as JSON and CSV; impact is in minutes per month', async () => {
    await post('CLCK-001', 1);
    await post('CLCK-001', 6, { stage: 'Resolved' });
    const period = 'from=2026-09-01T00:00Z&to=2026-10-01T00:00Z';
    const { groups } = (await relay.get(`/v1/clocks?by=month&kind=outage&${period}`)).json;
    expect(groups.map((g: { key: string; incidents: number }) => [g.key, g.incidents])).toEqual([['2026-09', 1]]);
    expect(groups[0].impactMinutes).toBeGreaterThan(0);
    const csv = await relay.get(`/v1/clocks?by=incident&format=csv&${period}`);
    expect(csv.text.split('\r\n')[1]).toContain('CLCK-001');
    expect((await relay.get(`/v1/clocks?by=nothing&${period}`)).status).toBe(400);
  });

  test('the documents of the API name every route that is served', async () => {
    const openapi = (await relay.get('/openapi.json')).json;
    expect(openapi.openapi).toMatch(/^3\.1/);
    const routes = [
      '/v1/incidents',
      '/v1/incidents/{id}/clocks',
      '/v1/clocks',
      '/v1/stream',
      '/v1/deliveries/{id}/retry',
    ];
    expect(Object.keys(openapi.paths)).toEqual(expect.arrayContaining(routes));
    const docs = await relay.get('/docs', { accept: 'text/html' });
    expect(docs.text).toContain('/v1/clocks');
    expect(docs.text).not.toMatch(/(?:src|href)="https?:/);
  });
});
