/** What `relay doctor` asks a Postgres: nothing is changed, nothing of the relay needs to be there yet. */
import { Client } from 'pg';
import { connectionOf, readyToSignIn, type PostgresAddress } from './address.ts';
import { listMigrations } from './migrate.ts';
import type { Queryable } from './pools.ts';

export interface ServerFacts {
  /** As in `server_version_num`: 170002. */
  version: number;
  versionText: string;
  fsync: string;
  synchronousCommit: string;
  fullPageWrites: string;
  /** A standby, or set to read only. */
  readOnly: boolean;
  connectionsMax: number;
  /** Kept for superusers and for roles with `pg_use_reserved_connections`. */
  connectionsReserved: number;
  connectionsUsed: number;
  /** The server's clock, milliseconds since 1970. */
  nowMs: number;
  mayCreateTables: boolean;
  mayCreateSchemas: boolean;
}

export interface SchemaFacts {
  /** Numbers of migrations that this release brings and the database does not have. */
  missing: number[];
  /** So many versions is the database ahead of this release. */
  ahead: number;
  /** Nothing was ever migrated here. */
  empty: boolean;
}

const CONNECT_MS = 5_000;

/** One connection for the length of `work`. Throws what pg throws. */
export async function visitPostgres<T>(address: PostgresAddress, work: (db: Queryable) => Promise<T>): Promise<T> {
  await readyToSignIn(address);
  const client = new Client({
    ...connectionOf(address),
    application_name: 'relay-doctor',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Settings of the server and of our role on it; any role may read these. */
export async function readServerFacts(db: Queryable): Promise<ServerFacts> {
  const { rows } = await db.query<ServerFacts>(
    `select current_setting('server_version_num')::int as version,
            current_setting('server_version') as "versionText",
            current_setting('fsync') as fsync,
            current_setting('synchronous_commit') as "synchronousCommit",
            current_setting('full_page_writes') as "fullPageWrites",
            pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool as "readOnly",
            current_setting('max_connections')::int as "connectionsMax",
            current_setting('superuser_reserved_connections')::int
              + coalesce(current_setting('reserved_connections', true)::int, 0) as "connectionsReserved",
            (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as "connectionsUsed",
            (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs",
            coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayCreateTables",
            has_database_privilege(current_database(), 'create')
              or to_regnamespace('relay_queue') is not null as "mayCreateSchemas"`,
  );
  return rows[0]!;
}

/** How far the schema is, beside the migrations of this release. */
export async function readSchemaFacts(db: Queryable): Promise<SchemaFacts> {
  const all = listMigrations().map((migration) => migration.number);
  const known = await db.query<{ there: boolean }>(`select to_regclass('relay_migrations') is not null as there`);
  if (!known.rows[0]!.there) return { missing: all, ahead: 0, empty: true };
  const { rows } = await db.query<{ number: number }>('select number from relay_migrations');
  const done = new Set(rows.map((row) => row.number));
  return {
    missing: all.filter((number) => !done.has(number)),
    ahead: Math.max(0, ...[...done].map((number) => number - all.at(-1)!)),
    empty: done.size === 0,
  };
}
