/** Deliveries stay true to their promise when news, people, vendors and dead processes meet in one row. */
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { takeUnconfirmed, writeDropped } from '#src/db/confirm.ts';
import { takeOverPages } from '#src/db/damping.ts';
import { claim, complete, hold, type Completion, type Hold } from '#src/db/deliveries.ts';
import { addFallback, adoptRenamed, findUnreached } from '#src/db/destinations.ts';
import { recordDirect, type DirectAttempt } from '#src/db/spool.ts';
import { addAttempt, addDelivery, addIncident, deliveryOf, openDatabase } from '#test/support/delivery-rows.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';

let postgres: TestPostgres;
let db: Pool;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  db = await openDatabase(postgres);
});
afterEach(() => db.end());

const completion = (over: Partial<Completion>): Completion => ({
  id: 'dlv',
  fence: 1,
  outcome: 'accepted',
  reason: null,
  status: 202,
  detail: null,
  receipt: null,
  delivered: 1,
  told: 'open',
  told_severity: 'error',
  memo: null,
  state: 'delivered',
  delay_ms: 0,
  confirm: false,
  timeline: { summary: 'said', data: {} },
  ...over,
});

const held = (over: Partial<Hold>): Hold => ({
  id: 'dlv',
  fence: 0,
  until: new Date(Date.now() + 60_000).toISOString(),
  wanted: 1,
  why: 'silence',
  by: 'sil_1',
  mark: null,
  scope: 0,
  summary: 'held back',
  data: {},
  ...over,
});

/** A process that lives for as long as a test may take: nobody beats for it. */
const beats = (id: string): Promise<unknown> =>
  db.query(`insert into workers (id, host, role, beat_at) values ($1, 'here', 'worker', now() + interval '1 hour')`, [
    id,
  ]);

test('a destination that is renamed while its process is dead keeps what it was promised', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'old', state: 'delivering', holder: 'wrk_dead' });
  await beats('wrk_lives');
  await addIncident(db, 'inc2');
  await addDelivery(db, 'dlv2', { incident_id: 'inc2', destination: 'old', state: 'delivering', holder: 'wrk_lives' });
  await adoptRenamed(db, [{ id: 'old', name: 'new' }]);
  expect((await deliveryOf(db, 'dlv')).destination).toBe('new');
  expect((await deliveryOf(db, 'dlv2')).destination).toBe('old');
});

test('an end that comes in while the last try fails for good is told after it', async () => {
  await addIncident(db, 'inc', { revisions: [{}, {}, { state: 'resolved', change: 'close' }] });
  await addDelivery(db, 'dlv', {
    incident_id: 'inc',
    destination: 'a',
    wanted_revision: 2,
    delivered_revision: 1,
    told: 'open',
  });
  await beats('wrk');
  await claim(db, 'wrk', [{ id: 'dlv', fence: 0, action: 'update', covers_from: 2, covers_to: 2, is_repeat: false }]);
  await db.query(`update deliveries set wanted_revision = 3`);
  const refused = { outcome: 'permanent', reason: 'invalid-request', delivered: null, state: 'failed' } as const;
  const [done] = await complete(db, [completion(refused)]);
  expect(done?.more).toBe(true);
  expect(await deliveryOf(db, 'dlv')).toMatchObject({ state: 'pending', tries: 0, step_since: null });
  await claim(db, 'wrk', [{ id: 'dlv', fence: 1, action: 'resolve', covers_from: 2, covers_to: 3, is_repeat: false }]);
  await complete(db, [completion({ ...refused, fence: 2 })]);
  expect(await deliveryOf(db, 'dlv')).toMatchObject({ state: 'failed' });
});

test('a fallback that is promised while news comes in wants that news as well', async () => {
  await addIncident(db, 'inc', { revisions: [{}, { state: 'resolved', change: 'close' }] });
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'a', wanted_revision: 2 });
  const ingest = await db.connect();
  await ingest.query('begin');
  await ingest.query(`select 1 from incidents where id = 'inc' for no key update`);
  await ingest.query(`update incidents set revision = 3 where id = 'inc'`);
  const row = { id: 'dlv_b', incidentId: 'inc', destination: 'b', destinationId: 'b', type: 'webhook', of: 'a' };
  const promising = addFallback(db, { ...row, revision: 1, reason: 'not reached' });
  await new Promise((done) => setTimeout(done, 200));
  await ingest.query('commit');
  ingest.release();
  await promising;
  expect(await deliveryOf(db, 'dlv_b')).toMatchObject({ wanted_revision: 3, first_revision: 3, fallback_of: 'a' });
});

test('what was held back and is due, while its destination is switched off, is passed on once nothing holds it any more', async () => {
  const ago = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);
  const due = { held_until: ago(6), next_attempt_at: ago(6), held_why: 'silence', held_scope: 1 };
  const rows: Record<string, Record<string, unknown>> = {
    over: { ...due, held_by: 'sil_over' },
    grown: { ...due, held_by: 'sil_on', held_scope: 0 },
    sustained: { ...due, held_why: 'sustained' },
    child_of_old: { ...due, held_why: 'parent', held_by: 'ended' },
    not_due: { ...due, held_until: ago(-6), next_attempt_at: ago(-6), step_since: ago(9) },
    silenced: { ...due, held_by: 'sil_on' },
    by_config: { ...due, held_by: 'config/one' },
    child: { ...due, held_why: 'parent', held_by: 'goes_on' },
  };
  await db.query(
    `insert into silences (id, from_at, until_at, match, author) values ('sil_on', now() - interval '1 day', now() + interval '1 day', '{}', 'me')`,
  );
  await addIncident(db, 'goes_on');
  await addIncident(db, 'ended', { revisions: [{ state: 'resolved', change: 'close' }] });
  for (const [id, columns] of Object.entries(rows)) {
    await addIncident(db, `inc_${id}`);
    await addDelivery(db, id, {
      incident_id: `inc_${id}`,
      destination: 'a',
      state: 'suppressed',
      created_at: ago(600),
      ...columns,
    });
  }
  const unreached = async (silences: string[] | null): Promise<string[]> =>
    (await findUnreached(db, { a: 300_000 }, silences)).map(({ id }) => id);
  expect(await unreached(null)).toEqual([]);
  expect((await findUnreached(db, { another: 1 }, null)).length).toBe(7);
  await db.query(`insert into destination_state (destination, disabled) values ('a', true)`);
  expect(await unreached(['config/one'])).toEqual(['child_of_old', 'grown', 'over', 'sustained']);
  expect(await unreached(null)).toHaveLength(7);
  await db.query(`insert into pass_through (turned_on, author) values (true, 'me')`);
  expect(await unreached([])).toHaveLength(7);
});

test('news of what was left to the peer until now has not failed to arrive the moment it comes', async () => {
  const ago = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);
  const left = { created_at: ago(600), held_why: 'standby', held_until: ago(590), held_revision: 1 };
  const rows: Record<string, Record<string, unknown>> = {
    just_come: { ...left, wanted_at: ago(0) },
    waits_long: { ...left, wanted_at: ago(6) },
    never_left: { created_at: ago(6), wanted_at: ago(6) },
  };
  for (const [id, columns] of Object.entries(rows)) {
    await addIncident(db, `inc_${id}`, { revisions: [{}, {}] });
    await addDelivery(db, id, {
      incident_id: `inc_${id}`,
      destination: 'a',
      wanted_revision: 2,
      delivered_revision: 1,
      ...columns,
    });
  }
  expect((await findUnreached(db, { a: 300_000 })).map(({ id }) => id)).toEqual(['never_left', 'waits_long']);
});

test('being held back starts the clock of the tries anew', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', {
    incident_id: 'inc',
    destination: 'a',
    state: 'retrying',
    tries: 7,
    step_since: new Date(Date.now() - 3_600_000),
  });
  await hold(db, [held({})]);
  expect(await deliveryOf(db, 'dlv')).toMatchObject({ state: 'suppressed', tries: 0, step_since: null });
});

test('a step that was planned before its opening was found dropped does not go out', async () => {
  await addIncident(db, 'inc', { revisions: [{}, {}] });
  await addDelivery(db, 'dlv', {
    incident_id: 'inc',
    destination: 'a',
    wanted_revision: 2,
    delivered_revision: 1,
    told: 'open',
    fence: 1,
    confirm_at: new Date(0),
    first_accepted_at: new Date(),
  });
  await addAttempt(db, 'dlv', { number: 1, receipt: { level: 'accepted' } });
  const [asked] = await takeUnconfirmed(db, 5);
  const planned = {
    id: 'dlv',
    fence: (await deliveryOf(db, 'dlv')).fence,
    action: 'update' as const,
    covers_from: 2,
    covers_to: 2,
    is_repeat: false,
  };
  const dropped = { receipt: { level: 'accepted' as const, failed: true }, summary: 'dropped', triesMax: 3 };
  expect(await writeDropped(db, asked!, dropped)).toBe(true);
  expect((await claim(db, 'wrk', [planned])).size).toBe(0);
  expect(await deliveryOf(db, 'dlv')).toMatchObject({
    told: 'nothing',
    delivered_revision: 0,
    first_accepted_at: null,
  });
});

test('an opening is asked about although an update went out after it, and is sent again when it was dropped', async () => {
  await addIncident(db, 'inc', { revisions: [{}, {}] });
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'a', told: 'nothing' });
  await beats('wrk');
  await claim(db, 'wrk', [{ id: 'dlv', fence: 0, action: 'open', covers_from: 1, covers_to: 1, is_repeat: false }]);
  await complete(db, [completion({ confirm: true, receipt: { level: 'accepted', requestId: 'one' } })]);
  await db.query('update deliveries set wanted_revision = 2');
  await claim(db, 'wrk', [{ id: 'dlv', fence: 1, action: 'update', covers_from: 2, covers_to: 2, is_repeat: false }]);
  await complete(db, [
    completion({ fence: 2, delivered: 2, confirm: true, receipt: { level: 'accepted', requestId: 'two' } }),
  ]);
  await db.query('update deliveries set confirm_at = now()');
  const [asked] = await takeUnconfirmed(db, 5);
  expect(asked?.receipt).toMatchObject({ requestId: 'one' });
  await writeDropped(db, asked!, { receipt: { level: 'accepted', failed: true }, summary: 'dropped', triesMax: 3 });
  expect(await deliveryOf(db, 'dlv')).toMatchObject({ told: 'nothing', delivered_revision: 0, state: 'retrying' });
});

test('a page that goes on over episodes is asked about under the key that it was opened with', async () => {
  await addIncident(db, 'inc', { identity: 'alert/x', episode: 3, kind: 'alert' });
  await addDelivery(db, 'dlv', {
    incident_id: 'inc',
    destination: 'a',
    told: 'open',
    fence: 1,
    key_episode: 1,
    confirm_at: new Date(0),
  });
  await addAttempt(db, 'dlv', { number: 1, action: 'update', receipt: { level: 'accepted' } });
  expect((await takeUnconfirmed(db, 5))[0]?.episode).toBe(1);
});

test('only a page that was accepted and has not failed goes on with the next episode, and a lock on it is waited for', async () => {
  for (const episode of [1, 2]) await addIncident(db, `inc${episode}`, { identity: 'alert/x', episode, kind: 'alert' });
  await addDelivery(db, 'old', {
    incident_id: 'inc1',
    destination: 'a',
    told: 'open',
    state: 'failed',
    flapping_since: new Date(),
  });
  await addDelivery(db, 'new', { incident_id: 'inc2', destination: 'a' });
  const wanted = [{ id: 'new', fence: 0, until: new Date().toISOString() }];
  expect(await takeOverPages(db, wanted)).toEqual([]);
  await db.query(`update deliveries set state = 'suppressed', first_accepted_at = now() where id = 'old'`);
  const other = await db.connect();
  await other.query('begin');
  await other.query(`update deliveries set wanted_revision = 2 where id = 'old'`);
  const taking = takeOverPages(db, wanted);
  await new Promise((done) => setTimeout(done, 200));
  await other.query('commit');
  other.release();
  expect(await taking).toMatchObject([{ id: 'new', keyEpisode: 1 }]);
  expect(await deliveryOf(db, 'old')).toMatchObject({ told: 'closed', delivered_revision: 2 });
  expect(await deliveryOf(db, 'new')).toMatchObject({ told: 'open' });
});

test('an opening that was made while the database was away is asked about like any other', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'a' });
  const at = new Date().toISOString();
  const attempt: DirectAttempt = {
    identity: 'sh/inc',
    destination: 'a',
    destinationId: 'a',
    type: 'opsgenie',
    deliveryId: 'dlv_x',
    startedAt: at,
    finishedAt: at,
    outcome: 'accepted',
    status: 202,
    detail: null,
    memo: null,
    severity: 'error',
    receipt: { level: 'accepted', requestId: 'direct' },
  };
  await recordDirect(db, [attempt]);
  expect(await takeUnconfirmed(db, 5)).toMatchObject([{ id: 'dlv', action: 'open', receipt: { requestId: 'direct' } }]);
});
