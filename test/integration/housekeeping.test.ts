/** What upkeep does for the database: words are put into their index, what has outlived its retention goes. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordCallback } from '#src/db/callbacks.ts';
import { migrate } from '#src/db/migrate.ts';
import { searchSql, searchWords, settleWords } from '#src/db/search.ts';
import { forgetCallbacks } from '#src/db/upkeep.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';

let postgres: TestPostgres;
let url: string;
let db: Client;

beforeAll(async () => {
  postgres = await startTestPostgres();
  url = await postgres.freshDatabase();
  await migrate(url);
  db = new Client({ connectionString: url });
  await db.connect();
  // It would empty the lists as well, once a minute.
  for (const table of ['timeline', 'incidents']) await db.query(`alter table ${table} set (autovacuum_enabled = off)`);
});
afterAll(async () => {
  await db.end();
  await postgres.stop();
});

async function addIncidents(from: number, count: number): Promise<void> {
  await db.query(
    `insert into incidents (id, identity, episode, kind, state, severity, title, headline, revision, posts, scope_count, first_seen_at, last_seen_at)
     select 'inc_' || n, 'ALR1-' || n, 1, 'alert', 'active', 'warning', 'pulls fail', 'pulls fail', 1, '[]', 1, now(), now()
     from generate_series($1::int, $2::int) n`,
    [from, from + count - 1],
  );
  await db.query(
    `insert into timeline (incident_id, revision, at, kind, summary, data)
     select 'inc_' || n, 1, now(), 'communication', 'told', jsonb_build_object('text', 'pulls number' || n || ' fail in West Europe')
     from generate_series($1::int, $2::int) n`,
    [from, from + count - 1],
  );
}

/** Pages of words that wait; they do so no longer afterwards. */
async function waiting(): Promise<number> {
  const { rows } = await db.query<{ pages: string }>(
    "select gin_clean_pending_list('timeline_words') + gin_clean_pending_list('incidents_words') as pages",
  );
  return Number(rows[0]!.pages);
}

async function found(text: string): Promise<number> {
  const { rows } = await db.query(`select 1 from ${searchSql('$1', { full: true })} hit`, [searchWords(text)]);
  return rows.length;
}

test('words of new incidents wait in a list, are found there, and are found in the index once they are settled', async () => {
  await addIncidents(1, 300);
  expect(await waiting()).toBeGreaterThan(0);
  await addIncidents(301, 300);
  expect(await found('number555')).toBe(1);
  await settleWords(db);
  expect(await waiting()).toBe(0);
  expect(await found('number555')).toBe(1);
  expect(await found('pulls fail')).toBe(600);
});

test('a role that does not own the schema leaves the words to autovacuum, without an error', async () => {
  await db.query(`create role reader login password 'reader'`);
  const address = new URL(url);
  [address.username, address.password] = ['reader', 'reader'];
  const reader = new Client({ connectionString: address.href });
  await reader.connect();
  try {
    await addIncidents(1001, 100);
    await settleWords(reader);
    expect(await waiting()).toBeGreaterThan(0);
  } finally {
    await reader.end();
    await db.query('drop role reader');
  }
});

test('calls of vendors go with the incidents that they belong to, those without one as well', async () => {
  const call = { vendor: 'pagerduty', record: null, event: 'incident.acknowledged', actor: 'A person' } as const;
  const rest = { at: new Date().toISOString(), reason: null, raw: null, summary: 'acknowledged', data: {} };
  expect(await recordCallback(db, { ...call, ...rest, eventKey: 'old', incidentId: 'inc_1' })).toBe(true);
  expect(await recordCallback(db, { ...call, ...rest, eventKey: 'odd', incidentId: null, raw: '{}' })).toBe(true);
  await db.query(`update callbacks set received_at = now() - interval '41 days'`);
  expect(await recordCallback(db, { ...call, ...rest, eventKey: 'new', incidentId: 'inc_1' })).toBe(true);
  expect(await forgetCallbacks(db, 40 * 86_400_000)).toBe(2);
  expect(await forgetCallbacks(db, 40 * 86_400_000)).toBe(0);
  expect(await recordCallback(db, { ...call, ...rest, eventKey: 'new', incidentId: 'inc_1' })).toBe(false);
});
