/** What a relay answers to its peer: who may ask, what is refused, and when a destination counts as told. */
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import {
  API_TOKEN,
  openStores,
  READ_TOKEN,
  startRelay,
  TOKEN,
  type Stores,
  type TestRelay,
} from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const NEWS = { open: true, severity: 'warning', startedAt: null, communication: null };

let stores: Stores;
let hook: WebhookServer;
let relay: TestRelay;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
beforeEach(async () => {
  hook = await new WebhookServer(SECRET).start();
});
afterEach(async () => {
  await relay.stop();
  await hook.stop();
});

async function start(keys = '', route = '', environment?: Record<string, string>): Promise<void> {
  const config = `relayId: pair
destinations:
  hook: { type: webhook, id: chan, url: "${hook.url}/hook", secret: "${SECRET}"${keys} }
routes: [{ match: {}, to: [hook]${route} }]
`;
  relay = await startRelay(stores, config, environment);
}
const ask = (asks: unknown, token = READ_TOKEN) => relay.call('POST', '/v1/peer', { asks }, token);
async function about(identity: string, ...news: object[]): Promise<unknown> {
  const asked = news.map((one) => ({ ...NEWS, ...one }));
  return (await ask([{ identity, destination: 'chan', news: asked }])).json.answers[0];
}
const post = (trackingId: string, communication: number, stage: string) =>
  relay.post(serviceHealth({ trackingId, communication, stage }));
const saying = (trackingId: string, n: number): object => ({ communication: `11000${trackingId}${n}` });

test('a token of role read may ask; a receiver, a cookie and nobody may not', async () => {
  await start();
  const answer = await ask([]);
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    relayId: 'pair',
    store: expect.stringMatching(/^[0-9a-f]{16}$/),
    delivers: true,
    answers: [],
  });
  expect((await ask([], API_TOKEN)).status).toBe(200);
  expect((await ask([], TOKEN)).status).toBe(401);
  const signedIn = await fetch(`${relay.url}/v1/peer`, {
    method: 'POST',
    headers: { cookie: 'relay_session=x.y', 'content-type': 'application/json' },
    body: '{}',
  });
  expect(signedIn.status).toBe(401);
  expect((await relay.call('GET', '/v1/peer', undefined, READ_TOKEN)).status).toBe(405);
});

test.each([
  ['not JSON', 'x', 'not-json'],
  ['a list', '[]', 'invalid'],
  ['no news', JSON.stringify({ asks: [{ identity: 'sh/a', destination: 'chan', news: [] }] }), 'invalid'],
  [
    'too much news',
    JSON.stringify({ asks: [{ identity: 'sh/a', destination: 'chan', news: Array.from({ length: 21 }, () => NEWS) }] }),
    'invalid',
  ],
  [
    'too many questions',
    JSON.stringify({ asks: Array.from({ length: 101 }, () => ({ identity: 'sh/a', destination: 'c', news: [NEWS] })) }),
    'invalid',
  ],
])('%s is refused with 400', async (_, body, code) => {
  await start();
  const answer = await relay.call('POST', '/v1/peer', body, READ_TOKEN);
  expect([answer.status, answer.json.code]).toEqual([400, code]);
});

test('what was accepted is told; what nobody heard of, what is on its way and another destination are not', async () => {
  await start(', retry: { schedule: [20s] }');
  const nothing = { settled: 0, accepted: false, held: false };
  expect(await about('sh/door-001', {})).toEqual(nothing);
  await post('DOOR-001', 1, 'Active');
  await relay.level('DOOR-001', 1);
  expect(await about('sh/door-001', saying('DOOR-001', 1))).toEqual({ settled: 1, accepted: true, held: false });
  hook.failAlways({ kind: 'answer', answer: { status: 500 } });
  await post('DOOR-001', 2, 'Resolved');
  await expect.poll(() => hook.requests.length).toBe(2);
  const both = [saying('DOOR-001', 1), { ...saying('DOOR-001', 2), open: false }];
  expect(await about('sh/door-001', ...both)).toEqual({ settled: 1, accepted: true, held: false });
  const elsewhere = (await ask([{ identity: 'sh/door-001', destination: 'hook', news: [NEWS] }])).json.answers;
  expect(elsewhere).toEqual([nothing]);
});

test('what a silence or a policy holds back is held; what came and went behind it needs nobody else', async () => {
  await start(
    ', updates: { policy: latest, minInterval: 1h }',
    ', sustained: { times: 3, of: 3, in: 1h, severe: true }',
  );
  await post('DOOR-002', 1, 'Active');
  await relay.level('DOOR-002', 1);
  await post('DOOR-002', 2, 'Active');
  await expect
    .poll(() => about('sh/door-002', saying('DOOR-002', 2)))
    .toEqual({ settled: 0, accepted: false, held: true });
  const fired = fixture('webhook-common/metric-acr-fired.json');
  const [{ incident }] = (await relay.post(fired)).json.signals;
  const { identity, startedAt } = (await relay.get(`/v1/incidents/${incident}`)).json.incident;
  await expect.poll(() => about(identity, { startedAt })).toMatchObject({ settled: 0, held: true });
  await relay.post(fixture('webhook-common/metric-acr-resolved.json'));
  await relay.level(incident, 1);
  const cameAndWent = [{ startedAt }, { startedAt, open: false }];
  expect(await about(identity, ...cameAndWent)).toEqual({ settled: 2, accepted: false, held: false });
  // A later firing was never heard of here.
  expect(
    await about(identity, { startedAt: new Date(Date.now() + 3_600_000).toISOString(), open: false }),
  ).toMatchObject({ settled: 0 });
});

test('what was held back and is due is held no longer where the destination is switched off: nobody here will tell it', async () => {
  const environment = await stores.environment();
  await start('', '', environment);
  const silence = (await relay.call('POST', '/v1/silences', { match: {}, for: '1h' })).json.silence;
  await post('DOOR-004', 1, 'Active');
  await expect.poll(() => about('sh/door-004', saying('DOOR-004', 1))).toMatchObject({ settled: 0, held: true });
  const db = new Client({ connectionString: environment['DATABASE_URL'] });
  await db.connect();
  await db.query(`insert into destination_state (destination, disabled) values ('hook', true)`);
  await relay.call('DELETE', `/v1/silences/${silence.id}`);
  await expect
    .poll(async () => (await db.query('select 1 from deliveries where next_attempt_at <= now()')).rowCount)
    .toBe(1);
  expect(await about('sh/door-004', saying('DOOR-004', 1))).toMatchObject({ held: true });
  await db.query(`update deliveries set next_attempt_at = now() - interval '11 seconds'`);
  expect(await about('sh/door-004', saying('DOOR-004', 1))).toEqual({ settled: 0, accepted: false, held: false });
  await db.end();
});

test('on standby here as well, nothing counts as told without a receipt', async () => {
  await start(', standby: true');
  await relay.call('POST', '/v1/silences', { match: {}, for: '1h', reason: 'quiet' });
  await post('DOOR-003', 1, 'Active');
  await post('DOOR-003', 2, 'Resolved');
  const answer = await about('sh/door-003', saying('DOOR-003', 1));
  expect(answer).toMatchObject({ settled: 0, accepted: false });
});
