/** Calls of Azure: pages, throttling, refusals, budget and tokens, against a strict local server. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEvent } from '#src/azure/event-shape.ts';
import { getEvent, listEvents, queryEvents, queryImpacted } from '#src/azure/events.ts';
import { listSubscriptions, readEstate } from '#src/azure/estate-read.ts';
import { BudgetError, openSession, type AzureSession } from '#src/azure/session.ts';
import { createTokenSource, type TokenSource } from '#src/azure/token.ts';
import type { AzureConfig } from '#src/config/types.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import { ARM_TOKEN, ArmServer, restEvent } from '#test/support/azure/arm-server.ts';
import { makeEstate } from '#test/support/azure/estate.ts';
import { recordOf } from '#test/support/azure/push.ts';
import { subscriptionId } from '#test/support/fixtures.ts';

const [ONE, TWO] = [subscriptionId(1), subscriptionId(2)];
let arm: ArmServer;
let http: HttpClient;

beforeEach(async () => {
  arm = await new ArmServer().start();
  arm.subscriptions = [ONE, TWO].map((id) => ({ id, name: id }));
  http = createHttpClient({ egress: { allow: ['127.0.0.0/8'] } });
});
afterEach(async () => {
  await http.close();
  await arm.stop();
});

const fixed: TokenSource = { get: () => Promise.resolve(ARM_TOKEN), forget: () => undefined };

function session(more: { callsMax?: number; token?: TokenSource } = {}): AzureSession {
  return openSession({
    armUrl: arm.url,
    http,
    token: fixed,
    callsMax: 100,
    signal: new AbortController().signal,
    ...more,
  });
}

describe('lists', () => {
  test('pages are followed to the end, over the events API and over Resource Graph', async () => {
    arm.pageSize = 7;
    arm.events = Array.from({ length: 20 }, (_, n) =>
      recordOf({ trackingId: `PAGE-${n}`, subscriptions: [ONE, TWO], minutesAgo: [n + 1] }),
    );
    const since = new Date(Date.now() - 3_600_000).toISOString();
    expect(await listEvents(session(), ONE, since)).toHaveLength(20);
    expect(await queryEvents(session(), { subscriptions: null, since })).toHaveLength(40);
    expect(await queryEvents(session(), { subscriptions: [TWO], since })).toHaveLength(20);
    expect(await listSubscriptions(session())).toEqual([ONE, TWO]);
  });

  test('both sources tell the same event: times as text or ticks, keys in either case', async () => {
    arm.events = [recordOf({ trackingId: 'SAME-1', subscriptions: [ONE], minutesAgo: [30, 5] })];
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const [[rest], [row]] = await Promise.all([
      listEvents(session(), ONE, since),
      queryEvents(session(), { subscriptions: null, since }),
    ]);
    const { updates, ...head } = rest!;
    expect({ ...row!, updates: null }).toEqual({ ...head, updates: null });
    expect(updates).toHaveLength(2);
    expect(row!.updates).toEqual([{ ...updates[1], tags: [] }]);
  });

  test("the estate's five hundred subscriptions and its replicas come whole", async () => {
    const made = makeEstate();
    Object.assign(arm, { subscriptions: made.subscriptions, resources: made.resources });
    const estate = await readEstate(session(), { subscriptions: null });
    expect([estate.resources.length, estate.subscriptions.length]).toEqual([200, 500]);
    const regions = new Map(
      estate.resources.map((one) => [one.id, [one.region, ...one.replicas.map((replica) => replica.region)].sort()]),
    );
    expect(Object.fromEntries(regions)).toEqual(
      Object.fromEntries(made.known.map((one) => [one.id, one.regions.toSorted()])),
    );
  });

  test("Azure's own list is asked for by tracking ID, and a tracking ID cannot break out of the query", async () => {
    const type = 'microsoft.containerregistry/registries';
    arm.listed = [
      { trackingId: 'LIST-1', subscription: ONE, resource: '/Subscriptions/A/x', type, status: 'Confirmed' },
    ];
    expect(await queryImpacted(session(), { subscriptions: null, trackingIds: ['list-1'] })).toEqual([
      { trackingId: 'LIST-1', subscription: ONE, resource: '/subscriptions/a/x', status: 'Confirmed' },
    ]);
    await queryImpacted(session(), { subscriptions: null, trackingIds: ["x') or true or ('"] });
    const { query } = JSON.parse(arm.requests.at(-1)!.body) as { query: string };
    expect(query.split("'").length % 2).toBe(1);
    expect(query).toContain("in~ ('x) or true or (')");
  });
});

describe('answers that lead nowhere', () => {
  const since = new Date().toISOString();
  const answer = (body: unknown) => ({ kind: 'answer' as const, answer: { status: 200, body } });
  const path = `/subscriptions/${ONE}/providers/Microsoft.ResourceHealth/events?api-version=2025-05-01`;

  test('a list whose pages never end stops by itself and leaves the budget to others', async () => {
    for (let n = 0; n < 300; n++) arm.failNext(answer({ value: [], nextLink: `${arm.url}${path}&page=${n}` }));
    const asked = session({ callsMax: 1_000 });
    await expect(listEvents(asked, ONE, since)).rejects.toThrow('the list has more than 200 pages');
    expect(asked.calls).toBe(200);
  });

  test('a page that leads back to one before is no end: what was read is not taken for the whole', async () => {
    const back = answer({ value: [], nextLink: `${arm.url}${path}&page=1` });
    arm.failNext(back);
    arm.failNext(back);
    await expect(listEvents(session(), ONE, since)).rejects.toThrow('leads back');
    arm.failNext(answer({ data: [], $skipToken: 'same' }), 5);
    const asked = session();
    await expect(queryEvents(asked, { subscriptions: null, since })).rejects.toThrow('leads back');
    expect(asked.calls).toBe(2);
  });

  test('half an answer of Resource Graph is none, and neither is an error with status 200', async () => {
    arm.failNext(answer({ data: [], resultTruncated: 'true' }));
    await expect(readEstate(session(), { subscriptions: null })).rejects.toThrow('in part only');
    const error = answer({ error: { code: 'InternalServerError', message: 'try later' } });
    arm.failNext(error, 3);
    await expect(readEstate(session(), { subscriptions: null })).rejects.toThrow('no rows');
    await expect(listEvents(session(), ONE, since)).rejects.toThrow('no list');
    await expect(getEvent(session(), ONE, 'LOOP-1')).rejects.toThrow('no event');
  });

  test('what Postgres cannot store is replaced: a tag must not end every reading of the estate', async () => {
    arm.resources = [
      {
        id: `/subscriptions/${ONE}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/acr`,
        type: 'microsoft.containerregistry/registries',
        location: 'westeurope',
        tags: { 'na\0me': 'a\0b', half: '\ud800x', smile: '\u{1F600}' },
      },
    ];
    const { resources } = await readEstate(session(), { subscriptions: null });
    expect(resources[0]!.tags).toEqual({ 'na\uFFFDme': 'a\uFFFDb', half: '\uFFFDx', smile: '\u{1F600}' });
  });
});

describe('an event', () => {
  test('a text that every region repeats is one post, and a summary stands in where no post is listed', () => {
    const record = recordOf({ trackingId: 'EVNT-1', subscriptions: [ONE], minutesAgo: [30, 5] });
    expect(readEvent(restEvent(record), ONE)?.updates.map((update) => update.at)).toEqual(
      record.posts.map((post) => post.at.replace(/Z$/, 'Z')),
    );
    const bare = {
      name: 'EVNT-2',
      properties: { title: 't', summary: 'only text', lastUpdateTime: '2026-09-14T08:00:00Z' },
    };
    expect(readEvent(bare, null)?.updates).toEqual([{ at: '2026-09-14T08:00:00.000Z', html: 'only text', tags: [] }]);
    for (const broken of [null, 7, [], {}, { name: 'X' }, { properties: { impact: 'x' } }])
      expect(readEvent(broken, ONE)).toBeNull();
  });
});

describe('refusals', () => {
  test('a 429 is waited out as Azure asks, for all calls of the round', async () => {
    arm.failNext({
      kind: 'answer',
      answer: {
        status: 429,
        headers: { 'retry-after': '1' },
        body: { error: { code: 'TooManyRequests', message: 'slow' } },
      },
    });
    const asked = session();
    const started = performance.now();
    await asked.get('/subscriptions?api-version=2022-12-01');
    await asked.get('/subscriptions?api-version=2022-12-01');
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(asked.calls).toBe(3);
  });

  test('a longer pause than a minute ends the call, and so does 403, in words', async () => {
    arm.failNext({ kind: 'answer', answer: { status: 429, headers: { 'retry-after': '600' }, body: {} } });
    await expect(session().get('/subscriptions?api-version=1')).rejects.toMatchObject({ status: 429 });
    arm.forbidden.add(ONE);
    await expect(listEvents(session(), ONE, new Date().toISOString())).rejects.toThrow('403 AuthorizationFailed');
    expect(arm.requests).toHaveLength(2);
  });

  test('the budget counts repeats, and ends with an error of its own', async () => {
    const asked = session({ callsMax: 2 });
    arm.failNext({ kind: 'reset', taken: false });
    await asked.get('/subscriptions?api-version=1');
    await expect(asked.get('/subscriptions?api-version=1')).rejects.toBeInstanceOf(BudgetError);
    expect(arm.requests).toHaveLength(2);
  });

  test('a link to another host gets no token', async () => {
    arm.failNext({
      kind: 'answer',
      answer: { status: 200, body: { value: [], nextLink: 'http://127.0.0.1:9/steal?api-version=1' } },
    });
    await expect(listSubscriptions(session())).rejects.toThrow('refused to follow a link');
  });

  test('a token that is refused is asked for anew, once', async () => {
    let given = 'old';
    const token: TokenSource = { get: () => Promise.resolve(given), forget: () => void (given = ARM_TOKEN) };
    expect(await listSubscriptions(session({ token }))).toHaveLength(2);
    arm.token = 'something else';
    await expect(listSubscriptions(session({ token }))).rejects.toMatchObject({ status: 401 });
    expect(arm.requests).toHaveLength(4);
  });
});

describe('the managed identity', () => {
  let identity: Server;
  const asked: string[] = [];
  beforeEach(async () => {
    asked.length = 0;
    identity = createServer((request, response) => {
      asked.push(`${String(request.headers['x-identity-header'])} ${request.url ?? ''}`);
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          access_token: ARM_TOKEN,
          expires_on: String(Math.floor(Date.now() / 1000) + 3600),
          resource: arm.url,
          token_type: 'Bearer',
        }),
      );
    });
    await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    delete process.env['IDENTITY_ENDPOINT'];
    delete process.env['IDENTITY_HEADER'];
    await new Promise((resolve) => identity.close(resolve));
  });

  test('gives the token that the calls carry, for the client id of the config, and is asked once', async () => {
    // As Container Apps and App Service set them.
    process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`;
    process.env['IDENTITY_HEADER'] = 'secret-header';
    const azure: AzureConfig = {
      tenant: null,
      subscriptions: 'all',
      armUrl: arm.url,
      clientId: 'client-7',
      accessToken: null,
      callsMax: 10,
    };
    const token = createTokenSource(azure);
    expect(await listSubscriptions(session({ token }))).toHaveLength(2);
    expect(await listSubscriptions(session({ token }))).toHaveLength(2);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('secret-header');
    expect(decodeURIComponent(asked[0]!)).toContain(`resource=${arm.url}`);
    expect(asked[0]).toContain('client_id=client-7');
  });
});
