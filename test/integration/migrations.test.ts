/** Migrations in order on a database that holds data, and what an older release goes on writing beside the new schema. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findDue } from '#src/db/due.ts';
import { listMigrations, migrate, SchemaTooNewError } from '#src/db/migrate.ts';
import { placeScope } from '#src/db/upkeep.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';

const FROZEN = 4;
let postgres: TestPostgres;
let db: Client;

beforeAll(async () => {
  postgres = await startTestPostgres();
  db = new Client({ connectionString: await postgres.freshDatabase() });
  await db.connect();
});
afterAll(async () => {
  await db.end();
  await postgres.stop();
});

async function empty(): Promise<{ address: string; client: Client }> {
  const address = await postgres.freshDatabase();
  const client = new Client({ connectionString: address });
  await client.connect();
  return { address, client };
}

/** As the release of schema 4 writes them. */
async function write(id: string, state: string): Promise<void> {
  await db.query(
    `insert into incidents (id, identity, episode, kind, state, severity, title, headline, revision, posts, scope_count, first_seen_at, last_seen_at)
     values ($1, $1, 1, 'alert', 'active', 'warning', 'title', 'headline', 1, '[]', 1, now(), now())`,
    [id],
  );
  await db.query(
    `insert into incident_scope (incident_id, key, subscription, service, region, resource, source, rule, schema, first_seen_at)
     values ($1, 'key', '', 'service', 'West Europe', '', 'test', '', 'test', now())`,
    [id],
  );
  await db.query(
    `insert into timeline (incident_id, revision, at, kind, summary, snapshot) values ($1, 1, now(), 'state', 'opened', '{"state":"active","change":"open","communication":null}')`,
    [id],
  );
  await db.query(
    `insert into deliveries (id, incident_id, destination, type, wanted_revision, first_revision, state, held_by) values ($1, $1, 'a', 'webhook', 1, 1, $2, 'inc')`,
    [id, state],
  );
}

test('what an older release has written is due after the migrations, and what it writes beside them as well', async () => {
  await db.query(
    'create table relay_migrations (number int primary key, name text not null, applied_at timestamptz not null default now())',
  );
  const all = listMigrations();
  for (const { number, name, sql } of all.filter((one) => one.number <= FROZEN)) {
    await db.query(sql);
    await db.query('insert into relay_migrations (number, name) values ($1, $2)', [number, name]);
  }
  await write('before', 'suppressed');
  const address = `postgres://${db.user}:${encodeURIComponent(db.password ?? '')}@${db.host}:${db.port}/${db.database}`;
  expect(await migrate(address)).toEqual(all.map((one) => one.number).filter((number) => number > FROZEN));
  await write('beside', 'pending');
  const placed = `select count(*)::int as n from incident_scope where incident_seen_at is not null`;
  expect((await db.query(placed)).rows[0].n).toBe(1);
  expect(await placeScope(db)).toBe(1);
  expect((await db.query(placed)).rows[0].n).toBe(2);
  const due = await findDue(db, 'a', 10);
  expect(due.map((row) => row.id).toSorted()).toEqual(['before', 'beside']);
  expect(due[0]).toMatchObject({
    keyEpisode: null,
    announced: false,
    heldMark: null,
    silences: null,
    passThrough: false,
  });
});

test('a release starts on a schema one version ahead, refuses one that is two ahead, and changes neither', async () => {
  const { address, client } = await empty();
  await migrate(address);
  const newest = listMigrations().at(-1)!.number;
  await client.query('insert into relay_migrations (number, name) values ($1, $2)', [
    newest + 1,
    'of the next release',
  ]);
  expect(await migrate(address)).toEqual([]);
  await client.query('insert into relay_migrations (number, name) values ($1, $2)', [newest + 2, 'of the one after']);
  await expect(migrate(address)).rejects.toThrow(SchemaTooNewError);
  const { rows } = await client.query('select max(number) as max, count(*)::int as count from relay_migrations');
  expect(rows).toEqual([{ max: newest + 2, count: listMigrations().length + 2 }]);
  await client.end();
});

test('processes that start at once apply each migration once', async () => {
  const { address, client } = await empty();
  const applied = await Promise.all([migrate(address), migrate(address), migrate(address)]);
  expect(applied.flat().toSorted((a, b) => a - b)).toEqual(listMigrations().map((one) => one.number));
  await client.end();
});

test('a migration that fails leaves no trace of itself, keeps those before it, and is applied by the next start', async () => {
  const { address, client } = await empty();
  const all = listMigrations().map((one) => one.number);
  const failing = 14;
  await migrate(address);
  // Now the column that it adds is there already.
  await client.query('delete from relay_migrations where number >= $1', [failing]);
  await expect(migrate(address)).rejects.toThrow('already exists');
  const known = await client.query<{ number: number }>('select number from relay_migrations order by number');
  expect(known.rows.map((row) => row.number)).toEqual(all.filter((number) => number < failing));
  await client.query('alter table incidents drop column place');
  await client.query('drop index callbacks_received');
  expect(await migrate(address)).toEqual(all.filter((number) => number >= failing));
  await client.end();
});

test('one that fell silent in the middle does not keep the lock from the next', async () => {
  const url = await postgres.freshDatabase();
  const { hostname: host, port } = new URL(url);
  const proxy = await startTcpProxy({ host, port: Number(port) });
  const silent = Promise.withResolvers<void>();
  const lost = migrate(through(url, proxy), async (client) => {
    await client.query('begin');
    proxy.silence();
    silent.resolve();
    await client.query('select 1');
  });
  lost.catch(() => undefined);
  await silent.promise;
  await migrate(url);
  await proxy.stop();
  await expect(lost).rejects.toThrow('Connection terminated');
}, 60_000);
