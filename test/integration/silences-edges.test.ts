/** Silences at their edges: the command line, the pages, rows that nobody can read, races, and the fallback after a hold. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { serviceHealth, type Post } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, READ_TOKEN, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { timePassed } from '#test/support/time-passed.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';
import { hold, postpone } from '#src/db/deliveries.ts';
import { relay as cli, type Ran } from '../unit/cli/memory-io.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let stores: Stores;
let relay: TestRelay;
let hook: WebhookServer;
let other: WebhookServer;
let db: pg.Client;
/** A round of the upkeep looks at what was not reached every two seconds. */
const ROUND_MS = 2_600;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
beforeEach(async () => {
  hook = await new WebhookServer(SECRET).start();
  other = await new WebhookServer(SECRET).start();
  const environment = await stores.environment();
  relay = await startRelay(
    stores,
    `destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [200ms] }, fallback: { to: other, after: 1m } }
  other: { type: webhook, url: "${other.url}/hook", secret: "${SECRET}" }
routes: [{ match: {}, to: [hook] }]
`,
    environment,
  );
  db = new pg.Client({ connectionString: environment['DATABASE_URL']! });
  await db.connect();
});
afterEach(async () => {
  await db.end();
  await relay.stop();
  await hook.stop();
  await other.stop();
});

const post = (trackingId: string, communication: number, stage: string, more: Partial<Post> = {}) =>
  relay.post(serviceHealth({ trackingId, communication, stage, ...more }));
const heard = (at = hook): string[] => at.events.map((event) => event.body.type.replace('incident.', ''));
const delivery = async (id: string) => (await relay.get(`/v1/incidents/${id}/deliveries`)).json?.deliveries?.[0];
const isHeld = (id: string) => expect.poll(async () => (await delivery(id))?.state).toBe('suppressed');
const operator = () => ({ env: { RELAY_URL: relay.url, RELAY_TOKEN: API_TOKEN } });
const silence = (...args: string[]): Promise<Ran> => cli(['silence', ...args], operator());
const passThrough = (...args: string[]): Promise<Ran> => cli(['pass-through', ...args], operator());

test('the command line sets, lists and lifts a silence, for people and for programs', async () => {
  expect((await silence('list')).out).toBe('no silences\n');
  await post('CLI-001', 1, 'Active');
  await relay.level('CLI-001', 1);
  const more = 'region=North* --for 2h --reason move --to hook'.split(' ');
  const set = await silence('add', 'kind=outage', 'region=West Europe', ...more);
  expect(set.code).toBe(0);
  expect(set.out).toMatch(
    /^(sil_\w+) until \d{4}-\d\d-\d\d \d\d:\d\dZ: kind outage; region West Europe, North\*, hook\nit covers 1 open now: inc_/,
  );
  const [id = ''] = set.out.split(' ');
  await post('CLI-002', 1, 'Active');
  await isHeld('CLI-002');
  expect((await delivery('CLI-002')).heldBack).toMatch(/^by a silence of ops until .* \(move\)$/);
  expect((await silence('list')).out).toMatch(
    new RegExp(`${id} +active .* kind outage; region West Europe, North\\* +hook +1 +ops +move\n$`),
  );
  expect(JSON.parse((await silence('list', '--json')).out).silences).toMatchObject([
    { id, match: { kind: ['outage'] } },
  ]);
  expect(await silence('end', id)).toMatchObject({
    code: 0,
    out: `${id} is lifted; what it held back is judged again\n`,
  });
  await relay.level('CLI-002', 1);
  const again = await silence('end', id);
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('no-such-silence')]);
  expect((await silence('list', '--all')).out).toContain('lifted by ops');
  const json = await silence('add', '--everything', '--until', new Date(Date.now() + 60_000).toISOString(), '--json');
  expect(JSON.parse(json.out).silence.match).toEqual({});
});

test('a slip on the command line is a usage error before anything is called', async () => {
  const slips: [string[], string][] = [
    [[], 'add, list or end?'],
    [['ad'], 'there is no silence ad'],
    [['add', 'kind=outage'], 'needs an end'],
    [['add', '--for', '2h'], '--everything'],
    [['add', 'kind=outage', '--everything', '--for', '2h'], '--everything'],
    [['add', 'regoin=x', '--for', '2h'], 'did you mean "region"'],
    [['add', 'region', '--for', '2h'], 'write region=value'],
    [['end'], 'missing'],
  ];
  for (const [args, words] of slips) {
    const { code, err } = await cli(['silence', ...args], { env: { RELAY_URL: 'http://127.0.0.1:1' } });
    expect([args, code]).toEqual([args, 2]);
    expect(err).toContain(words);
  }
  const refused = await silence('add', 'kind=outtage', '--for', '2h');
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('did you mean "outage"')]);
  const reader = await cli(['silence', 'add', '--everything', '--for', '1h'], {
    env: { RELAY_URL: relay.url, RELAY_TOKEN: READ_TOKEN },
  });
  expect([reader.code, reader.err]).toEqual([1, expect.stringContaining('403')]);
});

test('the switch by command line; who and when can be read afterwards', async () => {
  expect((await passThrough()).out).toBe('pass-through is off\n');
  await silence('add', '--everything', '--for', '1h');
  await post('CLI-003', 1, 'Active');
  await isHeld('CLI-003');
  const on = await passThrough('on', '--reason', 'we trust nothing');
  expect(on.code).toBe(0);
  expect(on.out).toMatch(/^pass-through is on, turned on by ops at \S+ \(we trust nothing\)\ntold now: hook\n$/);
  await relay.level('CLI-003', 1);
  expect((await passThrough('off')).out).toMatch(/^pass-through is off, turned off by ops/);
  expect(JSON.parse((await passThrough('--json')).out).turns.map((turn: { on: boolean }) => turn.on)).toEqual([
    false,
    true,
  ]);
  expect((await passThrough('maybe')).code).toBe(2);
});

test('every page says what keeps quiet, with what people wrote as text', async () => {
  const reason = '<b>patch</b> night';
  await relay.call('POST', '/v1/silences', { match: { region: 'West Europe' }, for: '1h', reason });
  await post('PAGE-001', 1, 'Active');
  await post('PAGE-002', 1, 'Active', { regions: ['East US'] });
  await isHeld('PAGE-001');
  const html = async (path: string): Promise<string> => (await relay.get(path, { accept: 'text/html' })).text;
  for (const path of ['/', '/destinations', '/incidents/PAGE-001']) {
    const text = await html(path);
    expect([path, text]).toEqual([path, expect.stringContaining('A silence is in force')]);
    expect(text).toContain('region West Europe, until');
    expect(text).toContain('&lt;b&gt;patch&lt;/b&gt; night');
    expect(text).not.toContain('<b>patch');
  }
  expect(await html('/destinations')).toContain('1 held back');
  expect(await html('/incidents/PAGE-001')).toContain('held back by a silence of ops');
  expect(await html('/incidents/PAGE-002')).not.toContain('silence');
  await relay.call('PUT', '/v1/pass-through', { on: true, reason: 'drill' });
  for (const path of ['/', '/destinations', '/incidents/PAGE-002'])
    expect(await html(path)).toContain('<strong>Pass-through is on</strong> by ops at');
});

test('a silence that cannot be read silences nobody, and keeps no other from being one', async () => {
  const insert = (id: string, match: string, until = `now() + interval '1 hour'`) =>
    db.query(
      `insert into silences (id, from_at, until_at, match, author) values ('${id}', now(), ${until}, '${match}', 'a hand')`,
    );
  const odd = ['null', '[]', '7', '{"later":["x"]}', '{"kind":"outage"}', '{"kind":[]}', '{"kind":[7]}'];
  for (const [index, match] of odd.entries()) {
    await db.query('delete from silences');
    await insert('sil_odd', match);
    await post(`ODD-00${index}`, 1, 'Active');
    await relay.level(`ODD-00${index}`, 1);
  }
  await db.query('delete from silences');
  await insert('sil_ever', '{}', `'infinity'`);
  await post('ODD-00I', 1, 'Active');
  await relay.level('ODD-00I', 1);
  await insert('sil_odd', 'null');
  await insert('sil_good', '{"kind":["outage"]}');
  await post('ODD-00G', 1, 'Active');
  await isHeld('ODD-00G');
});

test('an end that comes between the look and the hold is not held with it, nor postponed', async () => {
  await post('RACE-001', 1, 'Active');
  await relay.level('RACE-001', 1);
  await db.query(
    'insert into destination_state (destination, disabled) values ($1, true) on conflict (destination) do update set disabled = true',
    ['hook'],
  );
  await post('RACE-001', 2, 'Resolved');
  const row = async () =>
    (await db.query('select id, fence, wanted_revision, state, next_attempt_at <= now() as due from deliveries'))
      .rows[0];
  const { id, fence, wanted_revision: wanted } = await row();
  const stale = { id, fence, wanted: wanted - 1, until: new Date(Date.now() + 300_000).toISOString() };
  const rest = { why: 'silence', by: 'sil_x', mark: null, scope: 1, summary: 'held', data: {} };
  await hold(db, [{ ...stale, ...rest }]);
  await postpone(db, [stale]);
  expect(await row()).toMatchObject({ state: 'pending', due: true });
  // In one transaction: a round of the upkeep may come at any moment.
  await db.query('begin');
  await hold(db, [{ ...stale, ...rest, wanted }]);
  expect(await row()).toMatchObject({ state: 'suppressed', due: false });
  await db.query('commit');
  // Held in the very moment in which the silence went away: there is none of that name.
  await expect.poll(async () => (await row()).due).toBe(true);
});

test('the time before a fallback does not run while a silence holds', async () => {
  const { id } = (await relay.call('POST', '/v1/silences', { match: {}, for: '1h' })).json.silence;
  await post('FALL-001', 1, 'Active');
  await isHeld('FALL-001');
  // Older than `after` by far.
  await db.query(`update deliveries set created_at = now() - interval '1 hour'`);
  hook.failAlways({ kind: 'answer', answer: { status: 503 } });
  await relay.call('DELETE', `/v1/silences/${id}`);
  await sleep(ROUND_MS);
  hook.failAlways(null);
  await relay.level('FALL-001', 1);
  expect([heard(), heard(other)]).toEqual([['opened'], []]);
  hook.failAlways({ kind: 'answer', answer: { status: 503 } });
  const again = (await relay.call('POST', '/v1/silences', { match: {}, for: '1h' })).json.silence.id;
  await post('FALL-002', 1, 'Active');
  await isHeld('FALL-002');
  await relay.call('DELETE', `/v1/silences/${again}`);
  await expect.poll(async () => (await delivery('FALL-002')).state).toBe('retrying');
  await timePassed(db, '2 minutes');
  await expect.poll(() => heard(other)).toEqual(['opened']);
});

test('a silence that begins while a failed opening waits for its next try holds it; a fallback is then no news', async () => {
  hook.failAlways({ kind: 'answer', answer: { status: 503 } });
  await post('LATE-001', 1, 'Active');
  await expect.poll(async () => (await delivery('LATE-001'))?.state).toBe('retrying');
  await relay.call('POST', '/v1/silences', { match: {}, for: '1h' });
  await isHeld('LATE-001');
  hook.failAlways(null);
  await timePassed(db, '2 minutes');
  await sleep(2 * ROUND_MS);
  expect([heard(), heard(other)]).toEqual([[], []]);
});

test('what waits for the time of its digest is not taken for unreached, and passThrough lets it out', async () => {
  const hour = new Date(Date.now() + 3 * 3_600_000).toISOString().slice(11, 13);
  const environment = await stores.environment();
  const digest = await startRelay(
    stores,
    `destinations:
  daily: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", updates: { policy: digest, at: "${hour}:00" }, fallback: { to: other, after: 1m } }
  other: { type: webhook, url: "${other.url}/hook", secret: "${SECRET}" }
routes: [{ match: {}, to: [daily] }]
`,
    environment,
  );
  const its = new pg.Client({ connectionString: environment['DATABASE_URL']! });
  await its.connect();
  try {
    await digest.post(serviceHealth({ trackingId: 'DIG-001', communication: 1, stage: 'Active' }));
    const waiting = 'select from deliveries where held_until > now()';
    await expect.poll(() => its.query(waiting)).toMatchObject({ rowCount: 1 });
    await timePassed(its, '2 minutes');
    await sleep(ROUND_MS);
    expect([heard(), heard(other)]).toEqual([[], []]);
    await digest.call('PUT', '/v1/pass-through', { on: true });
    await digest.level('DIG-001', 1);
    await sleep(ROUND_MS);
    expect([heard(), heard(other)]).toEqual([['opened'], []]);
  } finally {
    await its.end();
    await digest.stop();
  }
});

test('the switch turned to and fro by many at once ends as the last turn says, and tells nothing twice', async () => {
  await relay.call('POST', '/v1/silences', { match: {}, for: '1h' });
  for (let n = 0; n < 10; n++) await post(`FRO-00${n}`, 1, 'Active');
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => relay.call('PUT', '/v1/pass-through', { on: n % 2 === 0, reason: `${n}` })),
  );
  const last = await relay.call('PUT', '/v1/pass-through', { on: true, reason: 'last' });
  expect(last.json.on).toBe(true);
  await expect.poll(() => hook.openings).toBe(10);
  await sleep(ROUND_MS);
  expect(hook.events).toHaveLength(10);
  // A message comes a second time only where its first try had no answer.
  const unsure = await db.query(`select from attempts where outcome is distinct from 'accepted'`);
  expect(hook.duplicates.length).toBeLessThanOrEqual(unsure.rowCount!);
});

test('the hundred-and-first silence is refused, and a hundred in force hold as one does', async () => {
  for (let n = 0; n < 100; n++)
    await relay.call('POST', '/v1/silences', { match: { kind: 'outage', region: `region ${n}` }, for: '1h' });
  const refused = await relay.call('POST', '/v1/silences', { match: {}, for: '1h' });
  expect([refused.status, refused.json.code]).toEqual([409, 'too-many']);
  await post('MANY-001', 1, 'Active', { regions: ['region 99'] });
  await post('MANY-002', 1, 'Active', { regions: ['West Europe'] });
  await isHeld('MANY-001');
  await relay.level('MANY-002', 1);
});

test('OpenAPI describes the routes as they answer', async () => {
  const { paths, components } = (await relay.get('/openapi.json')).json;
  expect(Object.keys(paths['/v1/silences'])).toEqual(['get', 'post']);
  expect(Object.keys(paths['/v1/silences/{id}'])).toEqual(['delete']);
  expect(Object.keys(paths['/v1/pass-through'])).toEqual(['get', 'put']);
  expect(components.schemas.NewSilence.required).toEqual(['match']);
  const { silence: made } = (await relay.call('POST', '/v1/silences', { match: {}, for: '1h' })).json;
  expect(Object.keys(made).toSorted()).toEqual(Object.keys(components.schemas.Silence.properties).toSorted());
});
