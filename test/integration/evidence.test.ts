/** Did it hit us: evidence from the real clients of Azure against local servers, on a real Postgres, while pages go out. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { LogsServer } from '#test/support/azure/logs-server.ts';
import { MetricsServer } from '#test/support/azure/metrics-server.ts';
import { pushOf, recordOf } from '#test/support/azure/push.ts';
import type { AzureRecord } from '#test/support/azure/records.ts';
import { fixture, subscriptionId } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const KEY = 'de0000000000000000000000000000a1';
const WORKSPACE = '44444444-dddd-4ddd-8ddd-000000000001';
const SUBSCRIPTION = subscriptionId(1);
const idOf = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/${name}`;

let stores: Stores;
let arm: ArmServer;
let metrics: MetricsServer;
let logs: LogsServer;
let hook: WebhookServer;
let pager: PagerDutyServer;
let relays: TestRelay[] = [];

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  [arm, metrics, logs, hook, pager] = await Promise.all([
    new ArmServer().start(),
    new MetricsServer().start(),
    new LogsServer().start(),
    new WebhookServer(SECRET).start(),
    new PagerDutyServer({ routingKeys: [KEY] }).start(),
  ]);
  arm.subscriptions = [{ id: SUBSCRIPTION, name: 'one' }];
  arm.resources = ['acrone', 'acrtwo'].map((name) => ({
    id: idOf(name),
    type: 'microsoft.containerregistry/registries',
    location: 'westeurope',
    sku: 'Premium',
  }));
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
  await Promise.all([arm, metrics, logs, hook, pager].map((server) => server.stop()));
});

async function start(evidence: string | null, environment?: Record<string, string>): Promise<TestRelay> {
  const relay = await startRelay(
    stores,
    `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
backfill: { enabled: false }
${evidence === null ? '' : `evidence: { every: 300ms, metricsUrl: "${metrics.template}", logsUrl: "${logs.url}", ${evidence} }`}
destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}" }
routes: [{ match: {}, to: [hook, oncall] }]
`,
    environment,
  );
  relays.push(relay);
  await expect.poll(async () => (await relay.get('/v1/estate')).json.estate.known).toBe(true);
  return relay;
}

/** An outage that began an hour ago, and pulls that fail since, from the ninth minute on. */
function outage(trackingId: string): AzureRecord {
  return recordOf({ trackingId, subscriptions: [SUBSCRIPTION], minutesAgo: [40, 20, 2] });
}

function failing(name: string, record: AzureRecord): void {
  const fromMs = Date.parse(record.startedAt) + 9 * 60_000;
  metrics.resources.push({
    id: idOf(name),
    region: 'westeurope',
    value: (metric, atMs) => (metric === 'SuccessfulPullCount' && atMs >= fromMs ? 12 : 20),
  });
}

function fine(name: string): void {
  metrics.resources.push({ id: idOf(name), region: 'westeurope', value: () => 20 });
}

/** The registry `acrone` has a copy in northeurope, and its logs go to the workspace. */
function giveReplica(): void {
  arm.resources.push({
    id: `${idOf('acrone')}/replications/northeurope`,
    type: 'microsoft.containerregistry/registries/replications',
    location: 'northeurope',
    endpoint: true,
  });
  logs.workspaces.add(WORKSPACE);
}
const evidenceOf = async (relay: TestRelay, id: string) =>
  (await relay.get(`/v1/incidents/${id}/evidence`)).json.evidence;
const verdictsOf = async (relay: TestRelay, id: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await evidenceOf(relay, id)).resources.map((one: { name: string; verdict: string }) => [one.name, one.verdict]),
  );
const entriesOf = async (relay: TestRelay, id: string) =>
  (await relay.get(`/v1/incidents/${id}/timeline`)).json.timeline.filter(
    (entry: { kind: string }) => entry.kind === 'evidence',
  );
const told = (): string[] => hook.events.map((event) => event.body.data.action);
const roundsOf = async (relay: TestRelay): Promise<number> => {
  const text = (await relay.get('/metrics')).text;
  return [...text.matchAll(/^relay_evidence_looks_total\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
};

describe('an active outage that meets registries of ours', () => {
  test('gets a verdict each, an entry, and a note that opens no page; what follows carries the numbers', async () => {
    const record = outage('EVID-001');
    failing('acrone', record);
    fine('acrtwo');
    const relay = await start('maxCalls: 50');
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(told).toEqual(['open', 'note']);
    expect(await verdictsOf(relay, 'EVID-001')).toEqual({ acrone: 'hit', acrtwo: 'not seen' });
    const note = hook.events[1]!.body.data;
    // Over midnight the day is said as well.
    expect(note.changes[0]).toMatch(
      /^Evidence: acrone hit: \d+ of [\d,]+ pulls failed from (?:[\d-]{10} )?\d\d:\d\d to (?:[\d-]{10} )?\d\d:\d\d UTC \(0 of [\d,]+ in the same time before\); not seen at acrtwo$/,
    );
    const { resources } = await evidenceOf(relay, 'EVID-001');
    const { during, before, points, query } = resources[0].checks[0];
    expect(during.failed / during.total).toBeCloseTo(0.4, 2);
    expect([before.failed, query]).toEqual([0, 'TotalPullCount - SuccessfulPullCount']);
    expect(points.length).toBeGreaterThan(20);

    // More looks at the same: nothing new is said, here or there.
    const rounds = await roundsOf(relay);
    await expect.poll(() => roundsOf(relay)).toBeGreaterThan(rounds + 2);
    expect(told()).toEqual(['open', 'note']);
    expect(await entriesOf(relay, 'EVID-001')).toHaveLength(1);

    await relay.post(pushOf(record, 2, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(told).toEqual(['open', 'note', 'update']);
    expect(hook.events[2]!.body.data.incident).toMatchObject({
      details: { Evidence: expect.stringMatching(/^acrone hit: /) },
    });
    // Evidence is no witness of where the incident is.
    const { provenance } = (await relay.get('/v1/incidents/EVID-001')).json.incident;
    expect(provenance.map((one: { source: string }) => one.source)).not.toContain('relay');
    await relay.level('EVID-001', 2);
    expect(pager.pages).toBe(1);
    expect(pager.changeEvents.map((event) => event.summary).join()).toContain('EVID-001');

    const page = await relay.get('/incidents/EVID-001', { accept: 'text/html' });
    expect(page.text).toContain('Did it hit us?');
    expect(page.text).toMatch(/role="img" aria-label="Chart of pulls from .*most failed at/);
    const external = await relay.get('/v1/incidents/EVID-001/timeline?format=markdown&audience=external');
    expect(external.text).not.toContain('acrone');
  });

  test('is looked at a last time after its end; that is on the record, and no message', async () => {
    const record = { ...outage('EVID-002'), mitigatedAt: new Date(Date.now() - 15 * 60_000).toISOString() };
    failing('acrone', record);
    fine('acrtwo');
    const relay = await start('maxCalls: 50');
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(told).toEqual(['open', 'note']);
    await relay.post(pushOf(record, 3, { subscription: SUBSCRIPTION, stage: 'Resolved' }));
    await expect
      .poll(async () => (await entriesOf(relay, 'EVID-002')).map((entry: { summary: string }) => entry.summary))
      .toEqual([expect.stringMatching(/^Evidence: /), expect.stringMatching(/^Evidence at the end: acrone hit/)]);
    await relay.level('EVID-002', 2);
    const asked = metrics.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(metrics.requests).toHaveLength(asked);
    expect(told()).toEqual(['open', 'note', 'resolve']);
  });

  test('stands beside the alerts of our own that name the same resource, and no others', async () => {
    const record = outage('EVID-012');
    fine('acrone');
    fine('acrtwo');
    const alert = (name: string, rule: string) => {
      const body = fixture('webhook-common/metric-acr-fired.json');
      body.data.essentials.alertTargetIDs = [idOf(name)];
      body.data.essentials.alertRuleID += rule;
      body.data.essentials.severity = 'Sev1';
      body.data.essentials.firedDateTime = new Date(Date.now() - 10 * 60_000).toISOString();
      return body;
    };
    const relay = await start('maxCalls: 50');
    await relay.post(alert('acrone', '-a'));
    await relay.post(alert('acrother', '-b'));
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(() => verdictsOf(relay, 'EVID-012')).toEqual({ acrone: 'not seen', acrtwo: 'not seen' });
    const [one, two] = (await evidenceOf(relay, 'EVID-012')).resources;
    expect([one.name, one.alerts.map((nearby: { kind: string }) => nearby.kind), two.alerts]).toEqual([
      'acrone',
      ['alert'],
      [],
    ]);
    expect((await relay.get('/incidents/EVID-012', { accept: 'text/html' })).text).toContain(
      'Alerts of our own about it',
    );
  });

  test('an alert that fired before and is still open stands beside it; one that was over before does not', async () => {
    const record = outage('EVID-015');
    fine('acrone');
    fine('acrtwo');
    const agoMs = Date.now() - Date.parse(record.startedAt);
    const alert = (rule: string, minutesBefore: number, ended: number | null = null) => {
      const body = fixture('webhook-common/metric-acr-fired.json');
      const { essentials } = body.data;
      essentials.alertTargetIDs = [idOf('acrone')];
      essentials.alertRuleID += rule;
      essentials.alertId += rule;
      const at = (minutes: number): string => new Date(Date.now() - agoMs - minutes * 60_000).toISOString();
      essentials.firedDateTime = at(minutesBefore);
      if (ended !== null) Object.assign(essentials, { monitorCondition: 'Resolved', resolvedDateTime: at(ended) });
      return body;
    };
    const relay = await start('maxCalls: 50');
    await relay.post(alert('-long', 120));
    await relay.post(alert('-over', 120));
    await relay.post(alert('-over', 120, 60));
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect
      .poll(() => verdictsOf(relay, 'EVID-015'), { timeout: 10_000 })
      .toEqual({ acrone: 'not seen', acrtwo: 'not seen' });
    const [one] = (await evidenceOf(relay, 'EVID-015')).resources;
    const open = (await relay.get('/v1/incidents?kind=alert&state=active')).json.incidents;
    expect(one.alerts.map((nearby: { id: string }) => nearby.id)).toEqual(open.map(({ id }: { id: string }) => id));
  });

  test.each([
    ['what a user stopped', 'Unavailable', 'UserInitiated', 'not seen'],
    ['that it is well again, without having been bad', 'Available', 'PlatformInitiated', 'not seen'],
    ['what the platform broke', 'Unavailable', 'PlatformInitiated', 'hit'],
  ])('Resource Health: %s', async (_, health, cause, verdict) => {
    const cluster = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks1`;
    arm.resources = [{ id: cluster, type: 'microsoft.containerservice/managedclusters', location: 'westeurope' }];
    metrics.resources.push({ id: cluster, region: 'westeurope', nodes: () => ({ n1: 'Ready', n2: 'Ready' }) });
    const body = fixture('action-group-test/common-resource-health.json');
    const { essentials, alertContext } = body.data;
    essentials.alertRule = 'aks-health';
    essentials.alertTargetIDs = [cluster];
    essentials.firedDateTime = alertContext.eventTimestamp = new Date(Date.now() - 10 * 60_000).toISOString();
    Object.assign(alertContext.properties, { currentHealthStatus: health, previousHealthStatus: null, cause });
    const relay = await start('maxCalls: 50');
    await relay.post(body);
    const record = { ...outage('EVID-016'), service: 'Azure Kubernetes Service (AKS)' };
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(() => verdictsOf(relay, 'EVID-016'), { timeout: 10_000 }).toEqual({ aks1: verdict });
    expect((await evidenceOf(relay, 'EVID-016')).resources[0].alerts).toHaveLength(1);
  });

  test('nothing is asked or said where nothing of ours is hit, for a security post, or without the section', async () => {
    fine('acrone');
    const relay = await start('maxCalls: 50');
    await relay.post(
      pushOf({ ...outage('EVID-003'), regions: ['Brazil South'] }, 1, { subscription: SUBSCRIPTION, stage: 'Active' }),
    );
    await relay.post(
      pushOf({ ...outage('EVID-004'), eventType: 'SecurityAdvisory' }, 1, {
        subscription: SUBSCRIPTION,
        stage: 'Active',
      }),
    );
    await expect.poll(() => told().length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(metrics.requests).toHaveLength(0);
    expect([await verdictsOf(relay, 'EVID-003'), await verdictsOf(relay, 'EVID-004')]).toEqual([{}, {}]);
    const off = await start(null);
    expect((await off.get('/readyz')).json.parts.map((part: { name: string }) => part.name)).not.toContain('evidence');
  });
});

describe('evidence that cannot be had', () => {
  test('holds up no page: Azure hangs, the page is out at once, and the verdict is unknown with the reason', async () => {
    metrics.failAlways({ kind: 'hang', taken: false });
    const record = outage('EVID-005');
    const environment = await stores.environment();
    const relay = await start('maxCalls: 50', environment);
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    // A call that hangs is given up after 45 s: until then whoever waited for it would have sent nothing.
    await expect.poll(() => pager.pages).toBe(1);
    await expect.poll(() => metrics.requests.length).toBeGreaterThan(0);
    // A second outage and its page do not wait for the look that hangs either.
    await relay.post(pushOf(outage('EVID-006'), 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(() => pager.pages).toBe(2);
    // And the relay can be stopped in the middle of it.
    const stopping = performance.now();
    await relays.pop()!.stop();
    expect(performance.now() - stopping).toBeLessThan(30_000);
    // What could not be read because we stopped says nothing, and whoever comes next may look at once.
    metrics.failAlways(null);
    failing('acrone', record);
    fine('acrtwo');
    const next = await start('maxCalls: 50', environment);
    await expect.poll(() => verdictsOf(next, 'EVID-005')).toMatchObject({ acrone: 'hit' });
    expect((await entriesOf(next, 'EVID-005')).map((entry: { summary: string }) => entry.summary)).toEqual([
      expect.stringMatching(/^Evidence: acrone hit/),
    ]);
  });

  test('refused is unknown with the reason, for everybody to see, and no message; given at last, it is told', async () => {
    metrics.failAlways({
      kind: 'answer',
      answer: { status: 403, body: { error: { code: 'AuthorizationFailed', message: 'no role' } } },
    });
    const record = outage('EVID-007');
    const relay = await start('maxCalls: 50');
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(() => verdictsOf(relay, 'EVID-007')).toEqual({ acrone: 'unknown', acrtwo: 'unknown' });
    // What a look has found is stored before the process says so, and told by another way.
    await expect
      .poll(async () => (await relay.get('/readyz')).json.parts as unknown[])
      .toContainEqual({
        name: 'evidence',
        status: 'degraded',
        detail: 'metrics could not be read (403 AuthorizationFailed: no role)',
      });
    await relay.level('EVID-007', 2);
    expect(told()).toEqual(['open']);
    failing('acrone', record);
    fine('acrtwo');
    metrics.failAlways(null);
    await expect.poll(told).toEqual(['open', 'note']);
    // Lost again: on the record, with what was known; nobody is told that we know less.
    metrics.failAlways({ kind: 'answer', answer: { status: 500, body: 'oops' } });
    await expect.poll(() => verdictsOf(relay, 'EVID-007')).toMatchObject({ acrone: 'unknown' });
    expect((await evidenceOf(relay, 'EVID-007')).resources[0].reason).toMatch(/when it could last be told, it was hit/);
    metrics.failAlways(null);
    await expect.poll(() => verdictsOf(relay, 'EVID-007')).toMatchObject({ acrone: 'hit' });
    expect(told()).toEqual(['open', 'note']);
    expect((await entriesOf(relay, 'EVID-007')).length).toBe(4);
  });

  test('throttled is waited out within the round, and half of the answer is a verdict for that half', async () => {
    metrics.failNext({ kind: 'answer', answer: { status: 429, headers: { 'retry-after': '1' }, body: {} } });
    metrics.leftOut.add(idOf('acrtwo').toLowerCase());
    const record = outage('EVID-008');
    failing('acrone', record);
    fine('acrtwo');
    const relay = await start('maxCalls: 50');
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(() => verdictsOf(relay, 'EVID-008')).toEqual({ acrone: 'hit', acrtwo: 'unknown' });
  });
});

describe('a budget that is too small for all', () => {
  test('reaches everyone in turn; what was not asked keeps its word, and nothing flaps', async () => {
    const many = Array.from({ length: 12 }, (_, n) => ({
      id: idOf(`acr${n}`).replace(SUBSCRIPTION, subscriptionId(n + 1)),
      name: `acr${n}`,
    }));
    arm.subscriptions = many.map((_, n) => ({ id: subscriptionId(n + 1), name: `sub${n}` }));
    arm.resources = many.map(({ id }) => ({
      id,
      type: 'microsoft.containerregistry/registries',
      location: 'westeurope',
    }));
    metrics.resources = many.map(({ id }) => ({ id, region: 'westeurope', value: () => 20 }));
    const relay = await start('maxCalls: 5');
    await relay.post(pushOf(outage('EVID-011'), 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    const everyone = Object.fromEntries(many.map(({ name }) => [name, 'not seen']));
    await expect.poll(() => verdictsOf(relay, 'EVID-011')).toEqual(everyone);
    const entries = (await entriesOf(relay, 'EVID-011')).length;
    const rounds = await roundsOf(relay);
    await expect.poll(() => roundsOf(relay)).toBeGreaterThan(rounds + 4);
    expect(await verdictsOf(relay, 'EVID-011')).toEqual(everyone);
    expect(await entriesOf(relay, 'EVID-011')).toHaveLength(entries);
    const asked = new Map<string, number>();
    for (const { path } of metrics.requests) asked.set(path.split('/')[3]!, (asked.get(path.split('/')[3]!) ?? 0) + 1);
    expect(asked.size).toBe(12);
    expect(Math.max(...asked.values()) - Math.min(...asked.values())).toBeLessThanOrEqual(2);
    await expect
      .poll(async () => (await relay.get('/readyz')).json.parts as unknown[])
      .toContainEqual({ name: 'evidence', status: 'ok' });
  });
});

describe('logs', () => {
  test('tell the region that serves, answers by code, and what a person can do', async () => {
    giveReplica();
    const record = { ...outage('EVID-009'), regions: ['West Europe'] };
    const startMs = Date.parse(record.startedAt);
    for (let minute = -50; minute < 45; minute++) {
      const at = new Date(startMs + minute * 60_000).toISOString();
      const moved = minute >= 15;
      logs.requestsLogged.push({
        resource: idOf('acrone'),
        at,
        region: moved ? 'northeurope' : 'westeurope',
        operation: 'Pull',
        code: '200',
        count: 20,
      });
      if (minute >= 5 && minute < 15)
        logs.requestsLogged.push({
          resource: idOf('acrone'),
          at,
          region: 'westeurope',
          operation: 'Pull',
          code: '503',
          count: 15,
        });
    }
    const relay = await start(`metrics: false, workspaces: [${WORKSPACE}]`);
    await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(() => verdictsOf(relay, 'EVID-009')).toEqual({ acrone: 'hit', acrtwo: 'unknown' });
    const [one] = (await evidenceOf(relay, 'EVID-009')).resources;
    expect(one.reason).toMatch(/pulls failed .*: 503 in westeurope$/);
    expect(one.serving.moved).toMatchObject({ from: 'westeurope', to: 'northeurope' });
    expect(one.advice.join()).toContain('az acr replication update --name westeurope --registry acrone');
    expect(metrics.requests).toHaveLength(0);
    // In the message as well: the person on call reads that one.
    await expect.poll(told, { timeout: 10_000 }).toEqual(['open', 'note']);
    const words = JSON.stringify(hook.events[1]!.body.data.incident.details);
    expect(words).toMatch(/acrone: Pulls moved from westeurope to northeurope at \d\d:\d\d UTC\./);
    expect(words).toMatch(
      /az acr replication update --name westeurope --registry acrone --subscription [0-9a-f-]{36} --region/,
    );
    expect(words).toMatch(/because of DNS.*need a retry.*may be missing/);
    await expect
      .poll(() => JSON.stringify(pager.changeEvents))
      .toMatch(/az acr replication update.*--region-endpoint-enabled false/);
    // The relay never executes what it advises: it only reads.
    expect(arm.requests.every((request) => request.method === 'GET' || request.path.includes('ResourceGraph'))).toBe(
      true,
    );
  });
});

test('pulls that move after the verdict are told, once, and page nobody', async () => {
  giveReplica();
  const record = { ...outage('EVID-017'), regions: ['West Europe'] };
  const startMs = Date.parse(record.startedAt);
  const pulls = (region: (minute: number) => string) =>
    Array.from({ length: 95 }, (_, index) => index - 50).map((minute) => ({
      resource: idOf('acrone'),
      at: new Date(startMs + minute * 60_000).toISOString(),
      region: region(minute),
      operation: 'Pull' as const,
      code: '200',
      count: 20,
    }));
  logs.requestsLogged.push(...pulls(() => 'westeurope'));
  const relay = await start(`metrics: false, workspaces: [${WORKSPACE}]`);
  await relay.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
  await expect.poll(told, { timeout: 10_000 }).toEqual(['open', 'note']);
  logs.requestsLogged.splice(0, Infinity, ...pulls((minute) => (minute >= 15 ? 'northeurope' : 'westeurope')));
  await expect.poll(told, { timeout: 10_000 }).toEqual(['open', 'note', 'note']);
  expect(hook.events[2]!.body.data.changes).toEqual([
    expect.stringMatching(/^Evidence: pulls of acrone moved from westeurope to northeurope at \d\d:\d\d UTC$/),
  ]);
  const rounds = await roundsOf(relay);
  await expect.poll(() => roundsOf(relay)).toBeGreaterThan(rounds + 2);
  await relay.level('EVID-017', 2);
  expect([told(), pager.pages]).toEqual([['open', 'note', 'note'], 1]);
});

describe('two replicas', () => {
  test('look once between them, and say it once', async () => {
    const record = outage('EVID-010');
    failing('acrone', record);
    fine('acrtwo');
    const environment = await stores.environment();
    const [first, second] = [await start('maxCalls: 50', environment), await start('maxCalls: 50', environment)];
    await first.post(pushOf(record, 1, { subscription: SUBSCRIPTION, stage: 'Active' }));
    await expect.poll(told).toEqual(['open', 'note']);
    await expect.poll(async () => (await roundsOf(first)) + (await roundsOf(second))).toBeGreaterThan(5);
    const asked = metrics.requests.length;
    const looked = (await roundsOf(first)) + (await roundsOf(second));
    expect(asked).toBeLessThanOrEqual(looked + 1);
    expect(told()).toEqual(['open', 'note']);
    expect(await entriesOf(first, 'EVID-010')).toHaveLength(1);
    await first.level('EVID-010', 2);
    expect(pager.pages).toBe(1);
  });
});
