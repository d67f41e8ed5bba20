/**
 * Plans of the hot statements are made once per session, often while the tables are empty. They must go on finding rows by
 * key when there are thousands: counted in rows that the server reads, not in time.
 */
import { Client, type PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claim, complete, hold, postpone, skip, type Completion } from '#src/db/deliveries.ts';
import { findDue } from '#src/db/due.ts';
import { openBatch, writeBatch, type IngestBatch } from '#src/db/ingest.ts';
import { migrate } from '#src/db/migrate.ts';
import { openPools, type Pools } from '#src/db/pools.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';

/** Enough that reading all of them could not be taken for anything else. */
const ROWS = 3_000;
/** A handful of rows in each of the tables that a statement touches. */
const READ_MAX = 60;

let postgres: TestPostgres;
let pools: Pools;
let session: PoolClient;
let admin: Client;

beforeAll(async () => {
  postgres = await startTestPostgres();
  const url = await postgres.freshDatabase();
  await migrate(url);
  pools = openPools(url, () => undefined);
  session = await pools.delivery.connect();
  admin = new Client({ connectionString: url });
  await admin.connect();
});
afterAll(async () => {
  session.release();
  await pools.end();
  await admin.end();
  await postgres.stop();
});

const completion = (id: string, fence: number): Completion => ({
  id,
  fence,
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
  timeline: { summary: 'told', data: {} },
});

const batchFor = (incidentId: string): IngestBatch => ({
  signals: [
    {
      id: `sig_${incidentId}`,
      fingerprint: `new ${incidentId}`,
      source: 'test',
      schema: 'classic',
      type: 'outage',
      received_at: new Date().toISOString(),
      occurred_at: new Date().toISOString(),
      incident_id: incidentId,
      outcome: 'updated',
      reason: null,
      title: 'title',
      raw: null,
    },
  ],
  created: [],
  changed: [],
  scope: [],
  timeline: [],
  deliveries: [],
  wanted: [{ incident_id: incidentId, revision: 2, priority: 1 }],
});

const until = new Date(Date.now() + 60_000).toISOString();
const said = { summary: 'said', data: {} };
/** Every hot statement, for one delivery and its incident. */
const STATEMENTS: Record<string, (id: string) => Promise<unknown>> = {
  'look for what is due': () => findDue(session, 'hook', 5),
  claim: (id) =>
    claim(session, 'w1', [{ id, fence: 0, action: 'open', covers_from: 1, covers_to: 1, is_repeat: false }]),
  complete: (id) => complete(session, [completion(id, 1)]),
  skip: (id) => skip(session, [{ id, fence: 1, to: 2, ...said }]),
  postpone: (id) => postpone(session, [{ id, fence: 1, wanted: 1, until }]),
  hold: (id) =>
    hold(session, [{ id, fence: 1, wanted: 1, until, why: 'silence', by: 's1', mark: null, scope: 1, ...said }]),
  'open a batch': (id) => openBatch(session, { fingerprints: [`new ${id}`], identities: [`outage/${id}`] }),
  'write a batch': (id) => writeBatch(session, batchFor(id), []),
};

async function fill(): Promise<void> {
  const n = `generate_series(1, ${ROWS}) n`;
  await admin.query(
    `insert into signals (id, fingerprint, source, schema, type, occurred_at, incident_id, outcome, title)
     select 'sig' || n, 'print' || n, 'test', 'classic', 'outage', now(), 'row' || n, 'opened', 'title' from ${n}`,
  );
  await admin.query(
    `insert into incidents (id, identity, episode, kind, state, severity, title, headline, revision, posts, scope_count, first_seen_at, last_seen_at)
     select 'row' || n, 'outage/row' || n, 1, 'outage', 'active', 'error', 'title', 'headline', 1, '[]', 1, now(), now() from ${n}`,
  );
  await admin.query(
    `insert into timeline (incident_id, revision, at, kind, summary, snapshot)
     select 'row' || n, 1, now(), 'state', 'opened', '{"state":"active","change":"open","communication":null}' from ${n}`,
  );
  await admin.query(
    `insert into deliveries (id, incident_id, destination, type, wanted_revision, first_revision)
     select 'row' || n, 'row' || n, 'hook', 'webhook', 1, 1 from ${n}`,
  );
  await admin.query(
    `insert into attempts (delivery_id, number, action, covers_from, covers_to, outcome)
     select 'row' || n, 0, 'open', 1, 1, case when n % 2 = 0 then 'unknown' end from ${n}`,
  );
}

/** Rows and index entries that were read so far, in all tables. */
async function readSoFar(): Promise<number> {
  await session.query('select pg_stat_force_next_flush()');
  await session.query('select 1');
  await admin.query('select pg_stat_clear_snapshot()');
  const { rows } = await admin.query<{ n: string }>(
    `select (select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables)
       + (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes) as n`,
  );
  return Number(rows[0]!.n);
}

test('plans made on empty tables read a handful of rows among thousands', async () => {
  for (const run of Object.values(STATEMENTS)) await run('none');
  await fill();
  const read: Record<string, number> = {};
  for (const [name, run] of Object.entries(STATEMENTS)) {
    const before = await readSoFar();
    await run('row7');
    read[name] = (await readSoFar()) - before;
  }
  expect(Object.entries(read).filter(([, rows]) => rows > READ_MAX)).toEqual([]);
  const { rows } = await admin.query(`select state, wanted_revision, fence from deliveries where id = 'row7'`);
  expect(rows).toEqual([{ state: 'pending', wanted_revision: 2, fence: 1 }]);
});
