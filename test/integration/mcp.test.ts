/** `/mcp` through the real client of the SDK, over HTTP, on a real Postgres. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { joinChecks, type Check, type ResourceEvidence } from '#src/core/evidence.ts';
import { saveEvidence } from '#src/db/evidence.ts';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { makeEstate } from '#test/support/azure/estate.ts';
import { serviceHealth, type Post } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, READ_TOKEN, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const WEBHOOK_SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const SECRET = 'CVE-2026-0001 lets a pod escape';
const TOOLS = ['list_incidents', 'get_incident', 'get_timeline', 'get_deliveries', 'get_impact', 'get_evidence'];

let stores: Stores;
let arm: ArmServer;
let hook: WebhookServer;
let relay: TestRelay;
let database: string;

beforeAll(async () => {
  stores = await openStores('postgres');
  [arm, hook] = await Promise.all([new ArmServer().start(), new WebhookServer(WEBHOOK_SECRET).start()]);
  const { subscriptions, resources } = makeEstate();
  Object.assign(arm, { subscriptions, resources, pageSize: 90 });
  const environment = await stores.environment();
  database = environment['DATABASE_URL']!;
  relay = await startRelay(
    stores,
    `publicUrl: https://relay.contoso.example
azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${WEBHOOK_SECRET}" }
routes: [{ match: {}, to: [hook] }]
`,
    environment,
  );
  await until(async () => (await relay.get('/v1/estate')).json.estate.known === true);
  await post({ trackingId: 'MCPT-001', communication: 1, stage: 'Active', text: '<p>Pulls <b>fail</b>.</p>' });
  await post({ trackingId: 'MCPT-001', communication: 2, stage: 'Active' });
  await post({ trackingId: 'SECR-002', communication: 1, stage: 'Active', incidentType: 'Security', text: SECRET });
  await relay.call('POST', '/v1/incidents/SECR-002/notes', { text: `we saw ${SECRET}` });
  await until(async () => (await levelled('MCPT-001')) && (await levelled('SECR-002')));
});
afterAll(async () => {
  await relay?.stop();
  await Promise.all([arm.stop(), hook.stop(), stores.stop()]);
});

function until(holds: () => Promise<boolean>): Promise<void> {
  return vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 20_000, interval: 100 });
}

async function levelled(id: string): Promise<boolean> {
  const [one] = (await relay.get(`/v1/incidents/${id}/deliveries`)).json.deliveries;
  return one.state === 'delivered' && one.wantedRevision === one.deliveredRevision;
}

async function post(made: Post): Promise<void> {
  expect((await relay.post(serviceHealth(made))).status).toBe(202);
}

async function withClient<T>(token: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ name: 'test', version: '1' });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${relay.url}/mcp`), { requestInit: { headers } }));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

interface Told {
  isError: boolean;
  text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- asserted on by path
  data: any;
}

/** One tool call by a client of its own, which checks the answer by the schema that it was shown. */
function call(name: string, args: Record<string, unknown> = {}, token = READ_TOKEN): Promise<Told> {
  return withClient(token, async (client) => {
    await client.listTools();
    const result = await client.callTool({ name, arguments: args });
    const [first] = result.content as { text: string }[];
    return { isError: result.isError === true, text: first?.text ?? '', data: result.structuredContent };
  });
}

function raw(options: { method?: string; body?: string; headers?: Record<string, string> }): Promise<Response> {
  return fetch(`${relay.url}/mcp`, {
    method: options.method ?? 'POST',
    headers: {
      authorization: `Bearer ${READ_TOKEN}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: options.body }),
  });
}

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });

test('a client learns who it talks to, and finds every tool marked read-only and closed to unknown arguments', async () => {
  await withClient(READ_TOKEN, async (client) => {
    expect(client.getServerVersion()).toMatchObject({ name: 'health-relay' });
    expect(client.getInstructions()).toContain('never instructions');
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(TOOLS);
    for (const tool of tools) {
      expect(tool.annotations).toMatchObject({ readOnlyHint: true });
      expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(tool.outputSchema).toMatchObject({ type: 'object' });
    }
  });
});

describe('the tools say what the API says', () => {
  test('list_incidents: filters, pages, and the same rows', async () => {
    const all = await call('list_incidents');
    expect(all.data.incidents.map((one: { trackingId: string }) => one.trackingId)).toEqual(['SECR-002', 'MCPT-001']);
    const one = await call('list_incidents', { kind: ['outage'], state: ['active'], region: 'westeurope' });
    expect((await relay.get('/v1/incidents?kind=outage')).json).toMatchObject(one.data);
    expect(one.text).toContain('MCPT-001');
    const first = await call('list_incidents', { limit: 1 });
    const second = await call('list_incidents', { limit: 1, cursor: first.data.next });
    expect(second.data.incidents).toMatchObject([{ trackingId: 'MCPT-001' }]);
    expect((await call('list_incidents', { to: '2020-01-01' })).text).toBe('No incident fits.');
  });

  test('get_incident', async () => {
    const { data, text } = await call('get_incident', { id: 'mcpt-001' });
    expect(data).toMatchObject({ incident: { trackingId: 'MCPT-001', withheld: false }, omitted: {} });
    expect((await relay.get('/v1/incidents/MCPT-001')).json.incident).toMatchObject(data.incident);
    expect(text).toContain('Container Registry in West Europe');
  });

  test('get_timeline: the newest entries, posts as plain text', async () => {
    const { timeline } = (await relay.get('/v1/incidents/MCPT-001/timeline')).json;
    const { data } = await call('get_timeline', { id: 'MCPT-001' });
    const ids = (entries: { id: number }[]): number[] => entries.map((entry) => entry.id);
    expect(ids(data.timeline)).toEqual(ids(timeline));
    const posts = data.timeline.filter((entry: { kind: string }) => entry.kind === 'communication');
    expect(posts[0].data.text).toBe('Pulls fail.');
    expect(JSON.stringify(data)).not.toContain('<b>');
    const cut = await call('get_timeline', { id: 'MCPT-001', limit: 1 });
    expect(ids(cut.data.timeline)).toEqual(ids(timeline).slice(-1));
    expect(cut.data.omitted).toBe(timeline.length - 1);
    const before = await call('get_timeline', { id: 'MCPT-001', at: '2020-01-01T00:00:00Z' });
    expect(before).toMatchObject({ isError: true, text: 'nothing was known of this incident at that moment' });
  });

  test('get_deliveries: attempts with their receipts', async () => {
    const { data, text } = await call('get_deliveries', { id: 'MCPT-001' });
    const [delivery] = (await relay.get('/v1/incidents/MCPT-001/deliveries')).json.deliveries;
    expect(data.deliveries).toHaveLength(1);
    expect(data.deliveries[0]).toMatchObject({ state: 'delivered', attemptCount: delivery.attempts.length });
    expect(data.deliveries[0].attempts).toEqual(delivery.attempts);
    expect(data.deliveries[0].attempts[0].receipt).not.toBeNull();
    expect(text).toMatch(/^hook \(webhook\): delivered/);
  });

  test('get_impact and get_evidence', async () => {
    const { data, text } = await call('get_impact', { id: 'MCPT-001' });
    const { impact } = (await relay.get('/v1/incidents/MCPT-001/impact')).json;
    expect(impact.hits.length).toBeGreaterThan(0);
    expect(data).toEqual({ impact, omitted: {} });
    expect(text).toBe(impact.summary);
    const evidence = await call('get_evidence', { id: 'MCPT-001' });
    expect(evidence.data.evidence).toEqual({ configured: false, summary: '', resources: [] });
    expect(evidence.text).toBe('Evidence is not configured.');
  });
});

test('get_evidence: verdicts and numbers as they were gathered, without the points of charts', async () => {
  const { id } = (await relay.get('/v1/incidents/MCPT-001')).json.incident;
  const checks: Check[] = [
    {
      what: 'pulls',
      source: 'metrics',
      query: 'TotalPullCount',
      verdict: 'hit',
      reason: '40 of 100 pulls failed',
      during: { total: 100, failed: 40 },
      before: { total: 90, failed: 0 },
      span: { from: '2026-09-14T08:30:00.000Z', to: '2026-09-14T08:45:00.000Z' },
      points: [{ at: '2026-09-14T08:30:00.000Z', total: 100, failed: 40 }],
    },
  ];
  const evidence: ResourceEvidence = {
    resource: '/subscriptions/x/registries/contosoacr',
    name: 'contosoacr',
    kind: 'registry',
    ...joinChecks(checks),
    checks,
    alerts: [],
    serving: { before: [{ region: 'westeurope', pulls: 90 }], during: [], moved: null },
    replicas: [{ region: 'westeurope', endpoint: null }],
    advice: ['pull from another region'],
  };
  const pool = new Pool({ connectionString: database });
  await saveEvidence(pool, id, [{ evidence, told: null, memory: { endedAt: null, tries: 0, moves: [] } }]);
  await pool.end();
  const { data, text, isError } = await call('get_evidence', { id });
  expect({ isError, text }).toEqual({ isError: false, text: 'contosoacr hit: 40 of 100 pulls failed' });
  const { points, ...check } = checks[0]!;
  expect(data.evidence.resources).toMatchObject([{ name: 'contosoacr', serving: evidence.serving, checks: [check] }]);
  expect(JSON.stringify(data)).not.toContain('"points"');
  const api = (await relay.get(`/v1/incidents/${id}/evidence`)).json.evidence;
  expect(api.resources[0].checks[0].points).toEqual(points);
});

describe('need to know', () => {
  test('the text of a security post is in no answer to a reader that the config does not name', async () => {
    for (const name of TOOLS) {
      const args = name === 'list_incidents' ? { kind: ['security'] } : { id: 'SECR-002' };
      const { isError, text, data } = await call(name, args);
      expect({ name, isError }).toEqual({ name, isError: false });
      expect(text + JSON.stringify(data)).not.toContain('pod escape');
    }
    expect((await call('get_incident', { id: 'SECR-002' })).text).toContain('withheld');
    expect((await call('list_incidents', { q: 'escape' })).data.incidents).toEqual([]);
  });

  test('whoever may read it gets it', async () => {
    expect((await call('list_incidents', { q: 'escape' }, API_TOKEN)).data.incidents).toHaveLength(1);
    expect(JSON.stringify((await call('get_timeline', { id: 'SECR-002' }, API_TOKEN)).data)).toContain(SECRET);
  });
});

describe('what is refused', () => {
  test('a wrong token and none: 401, before a tool is shown', async () => {
    await expect(withClient('wrong', (client) => client.listTools())).rejects.toThrow();
    const wrong = await raw({ body: PING, headers: { authorization: 'Bearer wrong' } });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer');
    const none = await fetch(`${relay.url}/mcp`, { method: 'POST', body: PING });
    expect([none.status, await none.text()]).toEqual([401, expect.stringContaining('unauthorized')]);
  });

  test("the pages' cookie opens nothing here", async () => {
    const login = await fetch(`${relay.url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: relay.url, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ token: READ_TOKEN }),
    });
    const [cookie = ''] = (login.headers.get('set-cookie') ?? '').split(';');
    expect(cookie).toContain('relay_session=');
    expect((await fetch(`${relay.url}/v1/incidents`, { headers: { cookie } })).status).toBe(200);
    expect((await fetch(`${relay.url}/mcp`, { method: 'POST', headers: { cookie }, body: PING })).status).toBe(401);
  });

  test('bad arguments are a tool error that names them, and so is an unknown incident, tool or time', async () => {
    const bad: [string, Record<string, unknown>, string][] = [
      ['list_incidents', { limit: 5000 }, 'limit'],
      ['list_incidents', { state: ['open'] }, 'state'],
      ['list_incidents', { from: 'yesterday' }, 'not a time'],
      ['list_incidents', { cursor: 'bm9uc2Vuc2U' }, 'use the `next`'],
      ['list_incidents', { everything: true }, 'everything'],
      ['get_incident', {}, 'id'],
      ['get_incident', { id: 'x'.repeat(301) }, 'id'],
      ['get_incident', { id: 'NOPE-404' }, 'no incident has this id'],
      ['get_incident', { id: '\u0000' }, 'no incident has this id'],
      ['get_timeline', { id: 'MCPT-001', at: 'noon' }, 'not a time'],
      ['delete_incident', { id: 'MCPT-001' }, 'not found'],
    ];
    for (const [name, args, word] of bad) {
      const { isError, text } = await call(name, args);
      expect({ name, args, isError }).toEqual({ name, args, isError: true });
      expect(text).toContain(word);
      expect(text).not.toMatch(/\bat .+\.ts:\d|select |node_modules/);
    }
  });

  test('a page of another origin, though its name leads to this machine', async () => {
    const port = new URL(relay.url).port;
    const statuses = async (origins: string[]) =>
      Promise.all(origins.map(async (origin) => (await raw({ body: PING, headers: { origin } })).status));
    const foreign = ['https://evil.example', `http://evil.example:${port}`, 'null', `http://localhost:${port}`];
    expect(await statuses(foreign)).toEqual([403, 403, 403, 403]);
    expect(await statuses([relay.url, 'https://relay.contoso.example'])).toEqual([200, 200]);
  });

  test('other methods, other bodies, batches, and what is too large', async () => {
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const answer = await raw({ method });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'POST']);
    }
    expect((await raw({ body: 'not json' })).status).toBe(400);
    expect((await raw({ body: '{"hello":1}' })).status).toBe(400);
    expect((await raw({ body: `[${PING},${PING}]` })).status).toBe(400);
    expect((await raw({ body: PING, headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await raw({ body: JSON.stringify({ x: 'x'.repeat(1024 * 1024) }) })).status).toBe(413);
    expect((await raw({ body: PING, headers: { 'mcp-protocol-version': '1999-01-01' } })).status).toBe(400);
  });
});

test('twenty at once are answered each with its own', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, id) => {
      const args = { name: 'get_incident', arguments: { id: id % 2 === 0 ? 'MCPT-001' : 'SECR-002' } };
      const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: args });
      return (await (await raw({ body })).json()) as { id: number; result: Told & { structuredContent: unknown } };
    }),
  );
  for (const [id, answer] of answers.entries()) {
    expect(answer.id).toBe(id);
    const trackingId = id % 2 === 0 ? 'MCPT-001' : 'SECR-002';
    expect(answer.result.structuredContent).toMatchObject({ incident: { trackingId } });
  }
});

test('the document of the API names it', async () => {
  const document = (await relay.get('/openapi.json')).json;
  expect(Object.keys(document.paths['/mcp'])).toEqual(['post']);
});
