/** The real clients of Azure for metrics and logs, through our HTTP client, against strict local servers. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { registryQuery, registryRows } from '#src/azure/evidence-queries.ts';
import { openLogs } from '#src/azure/logs.ts';
import { openMetrics, type MetricsRequest } from '#src/azure/metrics.ts';
import { createBudget, type CallBudget, type SdkOptions } from '#src/azure/sdk-transport.ts';
import { AzureError, BudgetError } from '#src/azure/session.ts';
import { createTokenSource } from '#src/azure/token.ts';
import { NODE_FILTER } from '#src/core/evidence-metrics.ts';
import type { Windows } from '#src/core/evidence-window.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import { ARM_TOKEN } from '#test/support/azure/arm-server.ts';
import { LogsServer } from '#test/support/azure/logs-server.ts';
import { MetricsServer } from '#test/support/azure/metrics-server.ts';
import { subscriptionId } from '#test/support/fixtures.ts';

const WORKSPACE = '44444444-dddd-4ddd-8ddd-000000000001';
const SCOPE = 'https://metrics.example/.default';
const idOf = (name: string, type = 'Microsoft.ContainerRegistry/registries', subscription = 1): string =>
  `/subscriptions/${subscriptionId(subscription)}/resourcegroups/rg/providers/${type}/${name}`.toLowerCase();

let http: HttpClient;
let metrics: MetricsServer;
let logs: LogsServer;
let outcomes: string[] = [];

beforeEach(async () => {
  outcomes = [];
  http = createHttpClient({ egress: { allow: ['127.0.0.0/8'] } });
  [metrics, logs] = await Promise.all([new MetricsServer().start(), new LogsServer().start()]);
  logs.workspaces.add(WORKSPACE);
});
afterEach(async () => {
  await http.close();
  await Promise.all([metrics.stop(), logs.stop()]);
});

function options(more: Partial<SdkOptions> & { budget?: CallBudget } = {}): SdkOptions {
  return {
    http,
    token: { get: () => Promise.resolve(ARM_TOKEN), forget: () => undefined },
    budget: createBudget(50),
    signal: new AbortController().signal,
    onCall: (outcome) => void outcomes.push(outcome),
    ...more,
  };
}

const windows: Windows = {
  before: { from: '2026-09-14T07:00:00.000Z', to: '2026-09-14T08:00:00.000Z' },
  during: { from: '2026-09-14T08:00:00.000Z', to: '2026-09-14T09:00:00.000Z' },
  grain: 'PT5M',
};

const registryRequest = (names: string[]): MetricsRequest => ({
  resources: names.map((name) => idOf(name)),
  region: 'westeurope',
  namespace: 'Microsoft.ContainerRegistry/registries',
  metrics: ['TotalPullCount', 'SuccessfulPullCount'],
  aggregation: 'total',
  grain: 'PT5M',
  from: windows.before.from,
  to: windows.during.to,
});

describe('metrics', () => {
  test('of many resources come in one call, with the token, over the address of their region', async () => {
    metrics.resources = ['acra', 'acrb'].map((name) => ({
      id: idOf(name).toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'),
      region: 'westeurope',
      value: (metric, atMs) => (atMs % 600_000 === 0 ? (metric === 'TotalPullCount' ? 3 : 2) : null),
    }));
    const reader = await openMetrics(metrics.template, SCOPE, options());
    const found = await reader.read(registryRequest(['acra', 'acrb']));
    expect(found.map(({ resource, metric }) => `${resource.split('/').at(-1)} ${metric}`)).toEqual([
      'acra TotalPullCount',
      'acra SuccessfulPullCount',
      'acrb TotalPullCount',
      'acrb SuccessfulPullCount',
    ]);
    expect(found[0]!.points).toHaveLength(24);
    expect(found[0]!.points.slice(0, 2)).toEqual([
      { atMs: Date.parse(windows.before.from), value: 15 },
      { atMs: Date.parse(windows.before.from) + 300_000, value: null },
    ]);
    expect(metrics.requests).toHaveLength(1);
    expect(metrics.requests[0]!.headers['accept-encoding']).toBeUndefined();
    expect(outcomes).toEqual(['200']);
  });

  test('split by node come with the names of what they are split by', async () => {
    const id = idOf('aks1', 'Microsoft.ContainerService/managedClusters');
    metrics.resources = [{ id, region: 'westeurope', nodes: () => ({ 'node-1': 'Ready', 'node-2': 'NotReady' }) }];
    const reader = await openMetrics(metrics.template, SCOPE, options());
    const found = await reader.read({
      ...registryRequest([]),
      resources: [id],
      namespace: 'Microsoft.ContainerService/managedClusters',
      metrics: ['kube_node_status_condition'],
      aggregation: 'average',
      filter: NODE_FILTER,
      seriesMax: 100,
    });
    expect(found.map((one) => one.dimensions)).toEqual([
      { condition: 'ready', status2: 'ready', node: 'node-1' },
      { condition: 'ready', status2: 'notready', node: 'node-2' },
    ]);
  });

  test('one that Azure cannot tell is a reason, beside those that it can', async () => {
    metrics.resources = [{ id: idOf('acra'), region: 'westeurope', value: () => 1 }];
    metrics.broken.set('SuccessfulPullCount', { code: 'InternalServerError', message: 'try\u0000 later' });
    const reader = await openMetrics(metrics.template, SCOPE, options());
    const found = await reader.read(registryRequest(['acra']));
    expect(found.map((one) => one.fault)).toEqual([
      null,
      'Azure could not tell SuccessfulPullCount (InternalServerError: try\uFFFD later)',
    ]);
  });

  test('throttled: waited out as asked, for every call of the round, and not for ever', async () => {
    metrics.resources = [{ id: idOf('acra'), region: 'westeurope', value: () => 1 }];
    const throttle = (seconds: string) =>
      ({
        kind: 'answer',
        answer: {
          status: 429,
          headers: { 'retry-after': seconds },
          body: { error: { code: 'TooMany', message: 'slow' } },
        },
      }) as const;
    const shared = options();
    const reader = await openMetrics(metrics.template, SCOPE, shared);
    metrics.failNext(throttle('1'));
    const started = performance.now();
    await reader.read(registryRequest(['acra']));
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(outcomes).toEqual(['429', '200']);
    metrics.failNext(throttle('600'));
    // Ten minutes that were waited out would outlast the test.
    await expect(reader.read(registryRequest(['acra']))).rejects.toThrow('429 TooMany: slow');
    expect(shared.budget.calls).toBe(3);
  });

  test('a refusal, an answer that is no JSON, a hang and a used-up budget end in words', async () => {
    const reader = (more: Partial<SdkOptions> = {}) => openMetrics(metrics.template, SCOPE, options(more));
    metrics.failNext({
      kind: 'answer',
      answer: { status: 403, body: { error: { code: 'AuthorizationFailed', message: 'no' } } },
    });
    await expect((await reader()).read(registryRequest(['acra']))).rejects.toThrow('403 AuthorizationFailed: no');
    metrics.failNext({
      kind: 'answer',
      answer: { status: 200, headers: { 'content-type': 'application/json' }, body: '<html>' },
    });
    await expect((await reader()).read(registryRequest(['acra']))).rejects.toBeInstanceOf(AzureError);
    metrics.failNext({ kind: 'answer', answer: { status: 200, body: {} } });
    expect(await (await reader()).read(registryRequest(['acra']))).toEqual([]);
    metrics.failAlways({ kind: 'hang', taken: false });
    const hung = await reader({ signal: AbortSignal.timeout(300) });
    await expect(hung.read(registryRequest(['acra']))).rejects.toBeInstanceOf(AzureError);
    metrics.failAlways(null);
    const empty = await reader({ budget: createBudget(0) });
    await expect(empty.read(registryRequest(['acra']))).rejects.toBeInstanceOf(BudgetError);
  });

  test('a target that the egress rules refuse is not called', async () => {
    const strict = createHttpClient({ egress: { allow: [] } });
    const reader = await openMetrics(metrics.template, SCOPE, options({ http: strict }));
    await expect(reader.read(registryRequest(['acra']))).rejects.toThrow(/no answer/);
    expect(metrics.requests).toHaveLength(0);
    await strict.close();
  });

  describe('with a managed identity', () => {
    let identity: Server;
    const asked: string[] = [];
    beforeEach(async () => {
      identity = createServer((request, response) => {
        asked.push(decodeURIComponent(request.url ?? ''));
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({
            access_token: ARM_TOKEN,
            expires_on: String(Math.floor(Date.now() / 1000) + 3600),
            token_type: 'Bearer',
          }),
        );
      });
      await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
      process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`;
      process.env['IDENTITY_HEADER'] = 'secret-header';
    });
    afterEach(async () => {
      delete process.env['IDENTITY_ENDPOINT'];
      delete process.env['IDENTITY_HEADER'];
      await new Promise((resolve) => identity.close(resolve));
    });

    test('the token is asked for the audience of metrics, not for that of Resource Manager', async () => {
      const azure = {
        tenant: null,
        subscriptions: 'all',
        armUrl: 'https://arm.example',
        clientId: null,
        accessToken: null,
        callsMax: 9,
      } as const;
      const token = createTokenSource(azure, undefined, SCOPE);
      metrics.resources = [{ id: idOf('acra'), region: 'westeurope', value: () => 1 }];
      const reader = await openMetrics(metrics.template, SCOPE, options({ token }));
      expect(await reader.read(registryRequest(['acra']))).toHaveLength(2);
      await reader.read(registryRequest(['acra']));
      expect(asked).toHaveLength(1);
      expect(asked[0]).toContain('resource=https://metrics.example');
    });
  });
});

describe('logs', () => {
  const read = async (more: Partial<SdkOptions> = {}, workspace = WORKSPACE) =>
    (await openLogs(logs.url, 'https://logs.example/.default', options(more))).query(
      workspace,
      registryQuery([idOf('acra')], windows),
      { from: windows.before.from, to: windows.during.to },
    );

  test('come as rows by region and answer, in bins that begin where the window does', async () => {
    logs.requestsLogged = [
      {
        resource: idOf('ACRA'),
        at: '2026-09-14T08:07:30.000Z',
        region: 'westeurope',
        operation: 'Pull',
        code: '503',
        count: 7,
      },
      {
        resource: idOf('acra'),
        at: '2026-09-14T08:09:59.000Z',
        region: 'westeurope',
        operation: 'Pull',
        code: '503',
        count: 3,
      },
      { resource: idOf('acra'), at: '2026-09-14T06:59:59.000Z', region: 'westeurope', operation: 'Pull', code: '503' },
      { resource: idOf('other'), at: '2026-09-14T08:07:30.000Z', region: 'westeurope', operation: 'Pull', code: '503' },
    ];
    const { rows, partial } = await read();
    expect(partial).toBeNull();
    expect(registryRows(rows)).toEqual([
      {
        resource: idOf('acra'),
        atMs: Date.parse('2026-09-14T08:05:00.000Z'),
        region: 'westeurope',
        operation: 'pull',
        code: '503',
        count: 10,
      },
    ]);
  });

  test('that come in part only say so and keep what came', async () => {
    logs.requestsLogged = [1, 2, 3, 4].map((n) => ({
      resource: idOf('acra'),
      at: `2026-09-14T08:${n}0:00.000Z`,
      region: 'westeurope',
      operation: 'Pull',
      code: '200',
    }));
    logs.partial = { code: 'PartialError', message: 'There were some errors when processing your query.' };
    const { rows, partial } = await read();
    expect([rows.length, partial]).toEqual([2, 'PartialError: There were some errors when processing your query.']);
  });

  test('of a workspace that we may not read, and throttled for too long, end in words', async () => {
    await expect(read({}, '44444444-dddd-4ddd-8ddd-00000000ffff')).rejects.toThrow('403 InsufficientAccessError');
    logs.failNext({ kind: 'answer', answer: { status: 429, headers: { 'retry-after': '3600' }, body: {} } });
    await expect(read()).rejects.toMatchObject({ status: 429 });
  });

  test('a name with a quote cannot break out of the query, and rows of an odd shape are left out', () => {
    const text = registryQuery(["a') or true or ('"], windows);
    expect(text).toContain("in ('a) or true or (')");
    const odd = [
      {},
      { resource: 7 },
      { resource: 'a', operation: 'pull', at: 'soon', requests: 1 },
      { resource: 'a', operation: 'untag', at: new Date(), requests: 1 },
    ];
    expect(registryRows(odd)).toEqual([]);
  });
});

test('each library has one file that knows it, and is loaded only when it is used', () => {
  const root = join(import.meta.dirname, '../../../src');
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      readFileSync(join(root, name), 'utf8')
        .split('\n')
        .filter((line) => /['"]@azure\/monitor-query/.test(line))
        .map(
          (line) =>
            `${name}: ${/^import type|await import\(/.test(line.trim()) || line.includes('await import(') ? 'on demand' : line}`,
        ),
    );
  expect([...new Set(found)].sort()).toEqual(['azure/logs.ts: on demand', 'azure/metrics.ts: on demand']);
});
