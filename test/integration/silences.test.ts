/** Silences and the switch over all holding back: what waits, what does not, and what is told at the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { adapters } from '#src/app.ts';
import { loadConfig } from '#src/config/load.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fixture, serviceHealth, type Post } from '#test/support/fixtures.ts';
import {
  API_TOKEN,
  CONFIG_HEAD,
  FOOTINGS,
  openStores,
  READ_TOKEN,
  startRelay,
  type Stores,
  type TestRelay,
} from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

interface Entry {
  summary: string;
  data: Record<string, unknown>;
}

describe.each(FOOTINGS.filter((name) => name !== 'postgres'))('on the footing %s', (footing) => {
  let stores: Stores;
  let hook: WebhookServer;
  let pager: PagerDutyServer;
  let environment: Record<string, string>;
  let relays: TestRelay[] = [];
  let relay: TestRelay;

  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());
  beforeEach(async () => {
    hook = await new WebhookServer(SECRET).start();
    pager = await new PagerDutyServer().start();
    environment = await stores.environment();
  });
  afterEach(async () => {
    await Promise.all(relays.map((one) => one.stop()));
    relays = [];
    await hook.stop();
    await pager.stop();
  });

  const yaml = (extra = '', hookKeys = ''): string =>
    `${extra}destinations:\n  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}"${hookKeys} }\n` +
    `  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager.url}" }\n` +
    `routes: [{ match: {}, to: [hook] }, { match: { severity: [error, critical] }, to: [oncall] }]\n`;
  async function start(extra = '', hookKeys = ''): Promise<TestRelay> {
    relay = await startRelay(stores, yaml(extra, hookKeys), environment);
    relays.push(relay);
    return relay;
  }
  const post = (trackingId: string, communication: number, stage: string, more: Partial<Post> = {}) =>
    relay.post(serviceHealth({ trackingId, communication, stage, ...more }));
  const heard = (): string[] => hook.events.map((event) => event.body.type.replace('incident.', ''));
  const silence = async (body: Record<string, unknown> = {}) =>
    relay.call('POST', '/v1/silences', { match: {}, for: '1h', reason: 'patch night', ...body });
  async function decisions(id: string): Promise<Entry[]> {
    const { timeline } = (await relay.get(`/v1/incidents/${id}/timeline`)).json;
    return (timeline as Entry[]).filter((entry) => entry.data['decision'] !== undefined);
  }
  async function states(id: string): Promise<Record<string, string>> {
    const { deliveries } = (await relay.get(`/v1/incidents/${id}/deliveries`)).json;
    return Object.fromEntries(
      (deliveries as { destination: string; state: string }[]).map((d) => [d.destination, d.state]),
    );
  }
  const held = (id: string, destination = 'hook') =>
    expect.poll(async () => (await states(id))[destination]).toBe('suppressed');

  test('an outage within a silence waits for its end, then pages, marked; the decision names who, why and until when', async () => {
    await start();
    // Far enough that a machine that stalls for some seconds still sees it held.
    const until = new Date(Date.now() + 10_000).toISOString();
    const set = await silence({ until, for: undefined, match: { kind: 'outage', region: 'West Europe' } });
    expect(set.status).toBe(201);
    await post('SIL-001', 1, 'Active', { level: 'Error' });
    await held('SIL-001');
    await held('SIL-001', 'oncall');
    expect(heard()).toEqual([]);
    const [decision] = (await decisions('SIL-001')).filter((entry) => entry.data['decision'] === 'suppressed');
    expect(decision!.data).toMatchObject({ why: 'silence', author: 'ops', reason: 'patch night', until });
    expect(decision!.summary).toContain(
      `held back by a silence of ops until ${until.slice(0, 16).replace('T', ' ')} UTC (patch night)`,
    );
    expect((await relay.get('/v1/silences')).json.silences).toMatchObject([
      { state: 'active', held: 2, origin: 'call' },
    ]);
    await expect.poll(heard, { timeout: 30_000 }).toEqual(['opened']);
    expect(hook.requests[0]!.at).toBeGreaterThanOrEqual(Date.parse(until));
    expect(JSON.stringify(hook.events[0]!.body)).toContain('held back by a silence of ops');
    await expect.poll(() => pager.alerts().filter((alert) => alert.status === 'open').length).toBe(1);
    // Once told, the next message has no mark.
    await post('SIL-001', 2, 'Active');
    await expect.poll(heard).toEqual(['opened', 'updated']);
    expect(JSON.stringify(hook.events[1]!.body)).not.toContain('held back');
  });

  test('what is over by the end of a silence is a record, not a page', async () => {
    await start();
    const { json } = await silence();
    await post('SIL-002', 1, 'Active', { level: 'Error' });
    await post('SIL-002', 2, 'Resolved', { level: 'Error' });
    await held('SIL-002', 'oncall');
    await held('SIL-002');
    expect((await relay.call('DELETE', `/v1/silences/${json.silence.id}`)).status).toBe(200);
    await relay.level('SIL-002', 2);
    expect(heard()).toEqual(['resolved']);
    expect(pager.alerts()).toEqual([]);
    expect(pager.changeEvents).toHaveLength(1);
    const lifted = (await decisions('SIL-002')).find((entry) => entry.data['decision'] === 'silence-lifted');
    expect(lifted!.data).toMatchObject({ author: 'ops', silence: json.silence.id });
  });

  test('the end of what is open is told within a silence; an update and the review are not', async () => {
    await start();
    await post('SIL-003', 1, 'Active', { level: 'Error' });
    await relay.level('SIL-003', 2);
    const set = await silence();
    expect(set.json.covers).toHaveLength(1);
    expect((await decisions('SIL-003')).at(-1)!.summary).toContain('Silence by ops until');
    await post('SIL-003', 2, 'Active', { level: 'Error' });
    await held('SIL-003');
    await post('SIL-003', 3, 'Resolved', { level: 'Error' });
    await expect.poll(heard).toEqual(['opened', 'resolved']);
    await expect.poll(() => pager.alerts().map((alert) => alert.status)).toEqual(['resolved']);
    await post('SIL-003', 4, 'RCA', { level: 'Error' });
    await held('SIL-003');
    expect(heard()).toEqual(['opened', 'resolved']);
  });

  test('only what lies wholly within is silenced, and only at its destinations; growth beyond it is told soon', async () => {
    await start();
    await silence({ match: { region: ['West Europe'] }, destinations: ['hook'] });
    await post('SIL-004', 1, 'Active', { regions: ['West Europe', 'East US'], level: 'Error' });
    await post('SIL-005', 1, 'Active', { level: 'Error' });
    await held('SIL-005');
    await expect.poll(() => pager.alerts().length).toBe(2);
    await expect.poll(() => hook.events.map((event) => event.body.data.incident['trackingId'])).toEqual(['SIL-004']);
    await relay.call('DELETE', `/v1/silences/${(await relay.get('/v1/silences')).json.silences[0].id}`);
    await expect.poll(() => hook.events.length).toBe(2);
    // Growth alone is no revision and rings nobody: the upkeep finds it, and not the next judgement five minutes later.
    await silence({ match: { source: ['test'], subscription: ['11111111-aaaa-4aaa-8aaa-000000000001'] } });
    await post('SIL-006', 1, 'Active');
    await held('SIL-006');
    await post('SIL-006', 1, 'Active', { subscription: 2 });
    await expect.poll(() => hook.events.length).toBe(3);
  });

  test('a restart in the middle of a silence changes nothing', async () => {
    await start();
    const until = new Date(Date.now() + 8_000).toISOString();
    await silence({ until, for: undefined });
    await post('SIL-007', 1, 'Active');
    await held('SIL-007');
    await relay.stop();
    relays = [];
    await start();
    // A start may take longer than the rest of the silence: what counts is that nothing was sent before its end.
    await expect.poll(heard, { timeout: 30_000 }).toEqual(['opened']);
    expect(hook.requests[0]!.at).toBeGreaterThanOrEqual(Date.parse(until));
    await sleep(1_500);
    expect(heard()).toEqual(['opened']);
  });

  test('silences of the config are in force by their content: a reload lifts them, and what they held is told', async () => {
    const window = `from: "${new Date(Date.now() - 60_000).toISOString()}", until: "${new Date(Date.now() + 3_600_000).toISOString()}"`;
    const section = `silences: [{ ${window}, match: { kind: outage }, reason: move }]\n`;
    await start(section);
    await post('SIL-008', 1, 'Active');
    await held('SIL-008');
    const [listed] = (await relay.get('/v1/silences')).json.silences;
    expect(listed).toMatchObject({ origin: 'config', held: 1, author: 'the config', reason: 'move' });
    expect((await relay.call('DELETE', `/v1/silences/${encodeURIComponent(listed.id)}`)).status).toBe(409);
    const loaded = loadConfig(CONFIG_HEAD + yaml(), { file: 'relay.yaml', env: {}, adapters });
    if (!loaded.ok) throw new Error('the config of the test is broken');
    relay.app.config.replace(loaded.config);
    await expect.poll(heard).toEqual(['opened']);
  });

  test('passThrough by call lets out held children, silenced ones and what waits for its policy, and says who turned it', async () => {
    await start('', ', updates: { policy: latest, minInterval: 1h }');
    await post('SIL-009', 1, 'Active');
    await relay.level('SIL-009', 1);
    const child = fixture('webhook-common/metric-acr-fired.json');
    child.data.essentials.severity = 'Sev2';
    child.data.alertContext.condition.allOf[0].dimensions = [{ name: 'Region', value: 'West Europe' }];
    const alert = (await relay.post(child)).json.signals[0].incident as string;
    await held(alert);
    await post('SIL-009', 2, 'Active');
    await silence({ match: { region: 'East US' } });
    await post('SIL-010', 1, 'Active', { regions: ['East US'] });
    await held('SIL-010');
    await sleep(300);
    expect(heard()).toEqual(['opened']);
    expect((await relay.call('PUT', '/v1/pass-through', { on: true }, READ_TOKEN)).status).toBe(403);
    const turned = await relay.call('PUT', '/v1/pass-through', { on: true, reason: 'drill' });
    expect(turned.json).toMatchObject({ on: true, changed: true, turn: { author: 'ops', reason: 'drill' } });
    await expect.poll(() => heard().toSorted()).toEqual(['opened', 'opened', 'opened', 'updated']);
    for (const id of ['SIL-009', 'SIL-010', alert]) {
      const entry = (await decisions(id)).find((one) => one.data['decision'] === 'pass-through');
      expect(entry!.summary).toContain('turned on by ops');
      expect(entry!.data).toMatchObject({ author: 'ops', reason: 'drill', destinations: ['hook'] });
    }
    // While it is on nothing is held, and the silence that is still in force does not count.
    await post('SIL-011', 1, 'Active', { regions: ['East US'] });
    await expect.poll(() => heard().length).toBe(5);
    const parts = [
      { name: 'pass-through', status: 'ok', detail: expect.stringContaining('by ops') },
      { name: 'silences', status: 'ok', detail: expect.stringContaining('region East US by ops') },
    ];
    await expect
      .poll(async () => (await relay.get('/readyz')).json.parts as unknown[])
      .toEqual(expect.arrayContaining(parts));
    const metrics = (await relay.get('/metrics')).text;
    expect(metrics).toMatch(/^relay_pass_through 1$/m);
    expect(metrics).toMatch(/^relay_silences_active 1$/m);
    expect((await relay.call('PUT', '/v1/pass-through', { on: false })).json).toMatchObject({
      on: false,
      changed: true,
    });
    expect((await relay.call('PUT', '/v1/pass-through', { on: false })).json).toMatchObject({ changed: false });
    await post('SIL-012', 1, 'Active', { regions: ['East US'] });
    await held('SIL-012');
    expect((await relay.get('/v1/pass-through')).json.turns).toHaveLength(2);
  });

  test('a reload that turns passThrough on lets out what is held; a silence that is ahead holds from its start', async () => {
    await start();
    const state = async () => (await relay.get('/v1/silences')).json.silences[0].state as string;
    await silence({ from: new Date(Date.now() + 8_000).toISOString() });
    expect(await state()).toBe('ahead');
    await post('SIL-013', 1, 'Active');
    await relay.level('SIL-013', 1);
    await expect.poll(state, { timeout: 30_000 }).toBe('active');
    await post('SIL-013', 2, 'Active');
    await held('SIL-013');
    const loaded = loadConfig(CONFIG_HEAD + yaml('passThrough: true\n'), { file: 'relay.yaml', env: {}, adapters });
    if (!loaded.ok) throw new Error('the config of the test is broken');
    relay.app.config.replace(loaded.config);
    await expect.poll(heard).toEqual(['opened', 'updated']);
    const entry = (await decisions('SIL-013')).find((one) => one.data['decision'] === 'pass-through');
    expect(entry!.data).toMatchObject({ author: 'the config', configured: true });
    expect((await relay.call('PUT', '/v1/pass-through', { on: false })).json).toMatchObject({
      on: true,
      configured: true,
    });
  });

  test('what cannot be a silence is refused with the reason; who may only read sets and lifts none', async () => {
    await start();
    const refused = async (body: Record<string, unknown>): Promise<string> => {
      const { status, json } = await silence(body);
      expect(status).toBe(400);
      return json.detail as string;
    };
    expect(await refused({ for: undefined })).toContain('needs an end');
    expect(await refused({ until: new Date(Date.now() + 1e6).toISOString() })).toContain('needs an end');
    expect(await refused({ for: undefined, until: '2020-01-01T00:00:00Z' })).toContain('until');
    expect(await refused({ for: '91d' })).toContain('at most 90 days');
    expect(await refused({ match: undefined })).toContain('match: {}');
    expect(await refused({ match: { kind: 'outtage' } })).toContain('did you mean "outage"');
    expect(await refused({ match: { regoin: 'x' } })).toContain('regoin');
    expect(await refused({ match: { region: [] } })).toContain('region');
    expect(await refused({ match: { region: 'x\u0000y' } })).toContain('characters');
    expect(await refused({ match: { region: 'x'.repeat(5_000) } })).toContain('4000');
    expect(await refused({ destinations: ['hok'] })).toContain('did you mean "hook"');
    expect(await refused({ destinations: [] })).toContain('every destination');
    for (const [method, path, body] of [
      ['POST', '/v1/silences', { match: {}, for: '1h' }],
      ['DELETE', '/v1/silences/sil_x', undefined],
    ] as const)
      expect((await relay.call(method, path, body, READ_TOKEN)).status).toBe(403);
    expect((await relay.call('DELETE', '/v1/silences/sil_none')).status).toBe(404);
    expect((await relay.call('DELETE', '/v1/silences/%00', undefined, API_TOKEN)).status).toBe(404);
    expect((await relay.get('/v1/silences?all=true')).json.silences).toEqual([]);
    const { id } = (await silence()).json.silence;
    expect((await relay.call('DELETE', `/v1/silences/${id}`)).status).toBe(200);
    expect((await relay.call('DELETE', `/v1/silences/${id}`)).status).toBe(404);
    expect((await relay.get('/v1/silences')).json.silences).toEqual([]);
    expect((await relay.get('/v1/silences?all=true')).json.silences).toMatchObject([
      { id, state: 'over', author: 'ops', endedBy: 'ops' },
    ]);
  });

  test.runIf(footing !== 'embedded')(
    'two replicas follow a silence and the switch at once, whoever was called',
    async () => {
      const first = await start();
      const second = await start();
      const { json } = await first.call('POST', '/v1/silences', { match: {}, for: '1h' });
      relay = second;
      for (let n = 0; n < 6; n++) await post(`TWO-00${n}`, 1, 'Active');
      for (let n = 0; n < 6; n++) await held(`TWO-00${n}`);
      expect(heard()).toEqual([]);
      await second.call('DELETE', `/v1/silences/${json.silence.id}`);
      await expect.poll(() => heard().length).toBe(6);
      await first.call('POST', '/v1/silences', { match: {}, for: '1h' });
      await second.call('PUT', '/v1/pass-through', { on: true });
      relay = first;
      for (let n = 0; n < 6; n++) await post(`TRI-00${n}`, 1, 'Active');
      await expect.poll(() => heard().length).toBe(12);
      await sleep(1_500);
      expect(hook.openings).toBe(12);
      expect(hook.duplicates).toEqual([]);
    },
  );
});
