/** Which subscriptions would be heard: every fault is found, and nothing else, over an estate whose faults are known. */
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { groupOf, makeCoverage, ruleOf, webhook } from '#test/support/azure/coverage.ts';
import { serviceHealth, subscriptionId } from '#test/support/fixtures.ts';
import {
  API_TOKEN,
  openStores,
  READ_TOKEN,
  startRelay,
  TOKEN,
  type Stores,
  type TestRelay,
} from '#test/support/relay.ts';

const URL_OF_OURS = 'https://relay.contoso.example';
const OURS = { url: URL_OF_OURS, token: TOKEN };

let stores: Stores;
let arm: ArmServer;
let relays: TestRelay[] = [];

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => void (arm = await new ArmServer().start()));
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
  await arm.stop();
});

async function start(
  { coverage = '{}', subscriptions = 'all' }: { coverage?: string; subscriptions?: string } = {},
  environment?: Record<string, string>,
): Promise<TestRelay> {
  const relay = await startRelay(
    stores,
    `publicUrl: ${URL_OF_OURS}
azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN}, subscriptions: ${subscriptions} }
backfill: { enabled: false }
estate: { enabled: false }
coverage: ${coverage}
`,
    environment,
    { azureTimes: { coverage: { lookMs: 50, againMs: 200 } } },
  );
  relays.push(relay);
  return relay;
}

async function connect(environment: Record<string, string>): Promise<Client> {
  const client = new Client({ connectionString: environment['DATABASE_URL']! });
  await client.connect();
  return client;
}

// oxlint-disable-next-line typescript/no-explicit-any -- asserted on by path
async function coverageOf(relay: TestRelay, path = '/v1/coverage'): Promise<any> {
  return (await relay.get(path)).json.coverage;
}

const audited = (relay: TestRelay) =>
  expect.poll(async () => (await coverageOf(relay)).takenAt, { timeout: 15_000 }).not.toBeNull();

/** Kinds by subscription, those without any left out. */
function kindsOf(coverage: { subscriptions: { subscription: string; findings: { kind: string }[] }[] }) {
  return new Map(
    coverage.subscriptions
      .filter((row) => row.findings.length > 0)
      .map((row) => [row.subscription, row.findings.map((one) => one.kind)]),
  );
}

const sorted = <T>(map: Map<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test('on 500 subscriptions with 50 known faults of 17 shapes exactly those are found, in pages', async () => {
  const made = makeCoverage(500, OURS);
  expect(new Set([...made.expected.values()].flat()).size).toBeGreaterThanOrEqual(13);
  Object.assign(arm, { ...made, pageSize: 90 });
  const relay = await start();
  await audited(relay);
  const coverage = await coverageOf(relay);
  // Without a hub of ours nobody asks for exports: those three shapes have no rule.
  const exported = [...made.settings.keys()];
  const expected = new Map(made.expected);
  for (const id of exported) expected.set(id, ['no-rule']);
  expect(sorted(kindsOf(coverage))).toEqual(sorted(expected));
  expect(arm.count('diagnosticSettings')).toBe(0);
  expect(coverage).toMatchObject({ known: true, well: false, unlisted: [] });
  expect(coverage.counts.covered).toBe(500 - expected.size);
  // The worst first.
  expect(coverage.subscriptions[0].status).toBe('uncovered');
  expect(coverage.subscriptions.at(-1).status).toBe('covered');
  expect(coverage.counts.uncovered).toBe(
    coverage.subscriptions.filter((row: { status: string }) => row.status === 'uncovered').length,
  );
});

test('no token of an action group is in the answer, in the metrics or in the database', async () => {
  const made = makeCoverage(180, OURS);
  Object.assign(arm, made);
  const environment = await stores.environment();
  const relay = await start({}, environment);
  await audited(relay);
  const { text } = await relay.get('/v1/coverage');
  expect(text).toContain(`${URL_OF_OURS}/v1/receivers/azure-monitor`);
  const page = (await relay.get('/sources', { token: API_TOKEN, accept: 'text/html' })).text;
  const metrics = (await relay.get('/metrics')).text;
  const client = await connect(environment);
  const { rows } = await client.query<{ data: string }>('select data::text as data from coverage_state');
  await client.end();
  for (const told of [text, page, metrics, rows[0]!.data]) {
    expect(told).not.toContain(TOKEN);
    expect(told).not.toContain('last-years');
  }
  expect(metrics).toMatch(/relay_coverage_findings\{finding="rule-off"\} [1-9]/);
  expect(metrics).toMatch(/relay_coverage_subscriptions\{status="covered"\} 1\d\d/);
  expect(page).toContain('action group ag-relay is in swedencentral');
});

describe('what cannot be read', () => {
  test('is unknown before the first audit and when it fails, and never well', async () => {
    Object.assign(arm, makeCoverage(3, OURS));
    arm.forbidden.add('graph');
    const relay = await start();
    await expect.poll(async () => (await coverageOf(relay)).fault, { timeout: 15_000 }).toMatch(/403/);
    expect(await coverageOf(relay)).toMatchObject({ known: false, well: false, counts: null, subscriptions: [] });
    expect((await relay.get('/metrics')).text).not.toMatch(/relay_coverage_subscriptions\{/);
    const { parts } = (await relay.get('/readyz')).json;
    expect(parts).toContainEqual(expect.objectContaining({ name: 'coverage', status: 'degraded' }));
    arm.forbidden.delete('graph');
    await audited(relay);
    expect(await coverageOf(relay)).toMatchObject({ known: true, fault: null });
  });

  test('an identity that sees no subscription at all is a fault and no empty estate', async () => {
    const relay = await start();
    await expect.poll(async () => (await coverageOf(relay)).fault, { timeout: 15_000 }).toMatch(/sees no subscription/);
    expect((await coverageOf(relay)).well).toBe(false);
  });

  test('a subscription of the config that Azure does not show is unknown; one that is off is left out', async () => {
    const made = makeCoverage(2, OURS);
    made.subscriptions[1]!.state = 'Disabled';
    Object.assign(arm, made);
    const [one, two, three] = [1, 2, 3].map(subscriptionId);
    const relay = await start({ subscriptions: `["${one}", "${two}", "${three!.toUpperCase()}"]` });
    await audited(relay);
    const { subscriptions, well } = await coverageOf(relay);
    expect(
      subscriptions.map((row: { subscription: string; status: string }) => [row.subscription, row.status]),
    ).toEqual([
      [three, 'unknown'],
      [one, 'covered'],
    ]);
    expect(well).toBe(false);
  });
});

test('who is heard of and not shown by Azure is unlisted, and who is heard has the time of it', async () => {
  Object.assign(arm, makeCoverage(2, OURS));
  const environment = await stores.environment();
  const first = await start({}, environment);
  for (const subscription of [2, 77]) {
    const body = serviceHealth({ trackingId: 'HEAR-1', communication: 1, stage: 'Active', subscription });
    expect((await first.post(body)).status).toBe(202);
  }
  await first.stop();
  relays = [];
  // The next audit, as after an hour.
  const relay = await start({ coverage: '{ every: 1m }' }, environment);
  const client = await connect(environment);
  await client.query(
    `update coverage_state set taken_at = now() - interval '2 minutes', tried_at = now() - interval '2 minutes'`,
  );
  await client.end();
  await expect
    .poll(async () => (await coverageOf(relay)).unlisted, { timeout: 15_000 })
    .toEqual([{ subscription: subscriptionId(77), lastHeardAt: expect.any(String) }]);
  const { subscriptions } = await coverageOf(relay);
  const heard = subscriptions.filter((row: { lastHeardAt: string | null }) => row.lastHeardAt !== null);
  expect(heard.map((row: { subscription: string }) => row.subscription)).toEqual([subscriptionId(2)]);
});

test('changes between two audits are told: turned off, other groups, narrower; a new way is none', async () => {
  const [one, two, three, four] = [1, 2, 3, 4].map(subscriptionId) as [string, string, string, string];
  const receiver = `${URL_OF_OURS}/v1/receivers/azure-monitor?token=${TOKEN}`;
  const ids = [one, two, three, four];
  arm.subscriptions = ids.map((id) => ({ id, name: id.slice(-2) }));
  arm.groups = ids.map((id) => groupOf(id, webhook(receiver)));
  arm.rules = [one, two, three].map((id, index) => ruleOf(id, [arm.groups[index]!.id]));
  const environment = await stores.environment();
  const relay = await start({ coverage: '{ every: 1m }' }, environment);
  await audited(relay);
  expect(sorted(kindsOf(await coverageOf(relay)))).toEqual([[four, ['no-rule']]]);

  arm.rules[0]!.properties['enabled'] = false;
  arm.rules[1] = ruleOf(two, []);
  arm.groups[2] = groupOf(three, webhook(receiver.replace('https://relay', 'https://somebody')));
  arm.rules.push(ruleOf(four, [arm.groups[3]!.id]));
  const client = await connect(environment);
  const again = () => client.query(`update coverage_state set taken_at = now() - interval '2 minutes'`);
  await again();
  await expect
    .poll(async () => sorted(kindsOf(await coverageOf(relay))), { timeout: 15_000 })
    .toEqual([
      [one, ['rule-off', 'changed']],
      [two, ['no-group', 'changed']],
      [three, ['elsewhere', 'changed']],
    ]);
  const said = (await coverageOf(relay)).subscriptions.flatMap(
    (row: { findings: { kind: string; detail: string }[] }) =>
      row.findings.filter(({ kind }) => kind === 'changed').map(({ detail }) => detail),
  );
  expect(said.sort()).toEqual([
    'sh-rule by ag-relay: no longer leads to us',
    'sh-rule by ag-relay: no longer leads to us',
    'sh-rule by ag-relay: obstacles none → rule-off',
  ]);
  // A third audit without a change says the same once, not twice.
  const before = (await coverageOf(relay)).takenAt;
  await again();
  // Later, and not only other: `again` dates it back.
  await expect.poll(async () => (await coverageOf(relay)).takenAt > before, { timeout: 15_000 }).toBe(true);
  const { rows } = await client.query<{ count: number }>('select count(*)::int as count from coverage_changes');
  await client.end();
  expect(rows[0]!.count).toBe(3);
});

test('two replicas audit once between them', async () => {
  Object.assign(arm, makeCoverage(20, OURS));
  const environment = await stores.environment();
  const [left, right] = await Promise.all([start({}, environment), start({}, environment)]);
  await Promise.all([audited(left), audited(right)]);
  expect(arm.count('ResourceGraph')).toBe(3);
  expect((await coverageOf(left)).takenAt).toBe((await coverageOf(right)).takenAt);
});

test('without the section the answer says so; filters and roles hold', async () => {
  Object.assign(arm, makeCoverage(20, OURS));
  const relay = await start({ coverage: `{ exempt: ["${subscriptionId(4)}"], ignore: [plain-webhook] }` });
  await audited(relay);
  const { subscriptions } = await coverageOf(relay, '/v1/coverage?status=exempt&status=uncovered');
  expect(subscriptions.map((row: { status: string }) => row.status).sort()).toEqual(['exempt', 'uncovered']);
  expect((await relay.get('/v1/coverage?status=odd')).status).toBe(400);
  expect((await relay.get('/v1/coverage', { token: READ_TOKEN })).status).toBe(200);
  expect((await relay.get('/v1/coverage', { token: 'nobody-nobody-nobody' })).status).toBe(401);
  const plain = await startRelay(stores, 'passThrough: false\n');
  relays.push(plain);
  expect(await coverageOf(plain)).toMatchObject({ known: false, unknown: expect.stringContaining('not configured') });
});
