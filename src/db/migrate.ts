/** Forward-only numbered migrations under one advisory lock, which BullMQ's own migrations share. */
import { readdirSync, readFileSync } from 'node:fs';
import { Client } from 'pg';
import { connectionOf, readyToSignIn, type PostgresAddress } from './address.ts';
import { CONNECT_MS, IDLE, KEEP_ALIVE } from './pools.ts';

/** Spells "RLAY". Any number will do as long as no one else takes it. */
const LOCK_KEY = 0x524c4159;
const FOLDER = new URL('./migrations/', import.meta.url);

/** Thrown when the database was migrated by a release so new that this one may not run beside it. */
export class SchemaTooNewError extends Error {}

interface Migration {
  number: number;
  name: string;
  sql: string;
}

/** The migrations of this release, ascending. */
export function listMigrations(): Migration[] {
  return readdirSync(FOLDER)
    .filter((file) => /^\d{4}_.*\.sql$/.test(file))
    .sort()
    .map((file) => ({
      number: Number(file.slice(0, 4)),
      name: file,
      sql: readFileSync(new URL(file, FOLDER), 'utf8'),
    }));
}

/**
 * Brings the database to this release's schema. Two processes at once: the second waits and finds nothing to do.
 * A database one version ahead is accepted: release N runs beside schema N+1 (design section 5).
 * @param alsoUnderLock more schema work that must not race, such as the queue's
 * @returns numbers of the migrations that were applied now
 */
export async function migrate(
  address: string | PostgresAddress,
  alsoUnderLock?: (client: Client) => Promise<unknown>,
): Promise<number[]> {
  await readyToSignIn(address);
  // A server that takes the connection and says nothing would otherwise hold up the start, and with it the spool, for good.
  const connection = { ...connectionOf(address), connectionTimeoutMillis: CONNECT_MS };
  // Nor may the lock of one that fell silent in the middle hold up every start after it.
  const client = new Client({ ...connection, ...KEEP_ALIVE, options: IDLE, application_name: 'relay-migrate' });
  client.on('error', () => undefined); // the statement that was running fails by itself
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK_KEY]);
    await client.query(
      'create table if not exists relay_migrations (number int primary key, name text not null, applied_at timestamptz not null default now())',
    );
    const { rows } = await client.query<{ number: number }>('select number from relay_migrations');
    const done = new Set(rows.map((row) => row.number));
    const all = listMigrations();
    const newest = all.at(-1)!.number;
    const ahead = Math.max(0, ...done) - newest;
    if (ahead > 1)
      throw new SchemaTooNewError(`the database is ${ahead} schema versions ahead of this release; upgrade the relay`);
    const applied: number[] = [];
    for (const migration of all) {
      if (done.has(migration.number)) continue;
      await apply(client, migration);
      applied.push(migration.number);
    }
    await alsoUnderLock?.(client);
    return applied;
  } finally {
    await client.end();
  }
}

/** The version row first, in the same transaction: a rival that ignored the lock collides instead of half-applying. */
async function apply(client: Client, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query('insert into relay_migrations (number, name) values ($1, $2)', [
      migration.number,
      migration.name,
    ]);
    await client.query(migration.sql);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
