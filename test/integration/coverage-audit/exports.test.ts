/** Event Hubs: action groups and diagnostic settings that lead to a hub of ours; one call per subscription, within the budget. */
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { adapters } from '#src/app.ts';
import { openSession, type AzureSession } from '#src/azure/session.ts';
import { loadConfig } from '#src/config/load.ts';
import type { AzureConfig, RelayConfig } from '#src/config/types.ts';
import { migrate } from '#src/db/migrate.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import { auditCoverage } from '#src/pipeline/coverage-audit/audit.ts';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { groupOf, makeCoverage, ruleOf } from '#test/support/azure/coverage.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';
import { TOKEN } from '#test/support/relay.ts';

const URL_OF_OURS = 'https://relay.contoso.example';
const HUB =
  'Endpoint=sb://Contoso-NS.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=a2V5a2V5;EntityPath=insights';

let postgres: TestPostgres;
let pool: Pool;
let arm: ArmServer;
let http: HttpClient;
const abort = new AbortController();

beforeAll(async () => void (postgres = await startTestPostgres()));
afterAll(() => postgres.stop());
beforeEach(async () => {
  const url = await postgres.freshDatabase();
  await migrate(url);
  pool = new Pool({ connectionString: url });
  // The server ends before its last idle connection does.
  pool.on('error', () => undefined);
  arm = await new ArmServer().start();
  http = createHttpClient({ egress: { allow: ['127.0.0.0/8'] } });
});
afterEach(async () => {
  await Promise.all([pool.end(), arm.stop(), http.close()]);
});

function config(hub: string): RelayConfig & { azure: AzureConfig } {
  const text = `publicUrl: ${URL_OF_OURS}
receivers: { tokens: [{ source: test, token: ${TOKEN} }], entra: { tenant: t, audience: [a] }, eventHubs: [{ name: activity, source: prod, ${hub} }] }
azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
coverage: {}
`;
  const loaded = loadConfig(text, { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return { ...loaded.config, azure: loaded.config.azure! };
}

function session(callsMax = 1000): AzureSession {
  const token = { get: () => Promise.resolve(ARM_TOKEN), forget: () => undefined };
  return openSession({ armUrl: arm.url, http, token, callsMax, signal: abort.signal });
}

const audit = (hub: string, callsMax?: number) =>
  auditCoverage(session(callsMax), { pool, config: config(hub), signal: abort.signal });
const kinds = (rows: Awaited<ReturnType<typeof audit>>['subscriptions']) =>
  rows
    .filter((row) => row.findings.length > 0)
    .map((row): [string, string[]] => [row.subscription, row.findings.map((one) => one.kind)]);

test.each([
  ['a connection string', `connectionString: "${HUB}"`],
  ['managed identity', 'namespace: contoso-ns, hub: Insights'],
])(
  'an export of Service Health to our hub, by %s, covers; of other categories or to another hub does not',
  async (_, hub) => {
    const made = makeCoverage(180, { url: URL_OF_OURS, token: TOKEN });
    Object.assign(arm, made);
    const { subscriptions } = await audit(hub);
    expect(new Map(kinds(subscriptions))).toEqual(made.expected);
    // Only those are asked that no rule covers.
    const covered = subscriptions.filter((row) => row.status === 'covered' || row.status === 'weak').length;
    expect(arm.count('diagnosticSettings')).toBe(180 - covered + 1);
  },
);

test('an action group whose Event Hub is ours covers without a webhook; another namespace is elsewhere', async () => {
  const ids = [subscriptionId(1), subscriptionId(2)];
  arm.subscriptions = ids.map((id) => ({ id, name: id }));
  arm.groups = ids.map((id, index) =>
    groupOf(id, {
      eventHubReceivers: [
        {
          name: 'hub',
          subscriptionId: id,
          eventHubNameSpace: index === 0 ? 'contoso-ns' : 'other',
          eventHubName: 'insights',
        },
      ],
    }),
  );
  arm.rules = ids.map((id, index) => ruleOf(id, [arm.groups[index]!.id]));
  const { subscriptions } = await audit(`connectionString: "${HUB}"`);
  expect(subscriptions.map((row) => [row.subscription, row.status, row.findings.map((one) => one.kind)])).toEqual([
    [ids[1], 'uncovered', ['elsewhere']],
    [ids[0], 'covered', []],
  ]);
});

test('settings that may not be read, or for which no call is left, make unknown and never covered', async () => {
  arm.subscriptions = [1, 2, 3].map((n) => ({ id: subscriptionId(n), name: `sub-${n}` }));
  arm.forbidden.add(`settings ${subscriptionId(1)}`);
  // Three pages, then one call for settings that is refused, and one that is answered.
  const { subscriptions } = await audit(`connectionString: "${HUB}"`, 5);
  expect(subscriptions.map((row) => [row.subscription, row.status])).toEqual([
    [subscriptionId(2), 'uncovered'],
    [subscriptionId(1), 'unknown'],
    [subscriptionId(3), 'unknown'],
  ]);
  const words = subscriptions.map((row) => row.findings.map((one) => one.detail).join('; '));
  expect(words[1]).toContain('403 AuthorizationFailed');
  expect(words[2]).toContain('the budget of 5 calls is used up');
});

test('what is unknown for a while is no drift, and its ways are remembered until it is known again', async () => {
  const made = makeCoverage(1, { url: URL_OF_OURS, token: TOKEN });
  Object.assign(arm, made);
  const hub = `connectionString: "${HUB}"`;
  expect((await audit(hub)).subscriptions[0]!.status).toBe('covered');
  const { groups } = arm;
  arm.groups = [];
  const away = (await audit(hub)).subscriptions[0]!;
  expect([away.status, away.findings.map((one) => one.kind)]).toEqual(['unknown', ['unseen']]);
  arm.groups = groups;
  expect((await audit(hub)).subscriptions[0]).toMatchObject({ status: 'covered', findings: [] });
  arm.groups = [];
  arm.rules = [];
  expect((await audit(hub)).subscriptions[0]!.findings.map((one) => one.kind)).toEqual(['no-rule', 'changed']);
});
