/** Connections to the truth. Ingest, delivery and reads have pools of their own, so that none starves another (design 3.2). */
import { Pool, types, type PoolClient, type PoolConfig } from 'pg';
import { connectionOf, type PostgresAddress } from './address.ts';
import { ANSWER_GRACE_MS, mistrustSilence, type Silence } from './silent.ts';

export interface Pools {
  ingest: Pool;
  delivery: Pool;
  read: Pool;
  /** One connection for the heartbeat alone: behind busy lanes it would come late, and the leases with it. */
  heart: Pool;
  /** Ends all pools; waits for running queries. */
  end(): Promise<void>;
}

/** Anything that takes a query: a pool, or a client inside a transaction. */
export type Queryable = Pick<PoolClient, 'query'>;

const TIMESTAMPTZ = 1184;
const INT8 = 20;

/** Times come back as ISO 8601 UTC with milliseconds, as they are everywhere in the relay; counts as numbers. */
const parsers = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
    if (oid === TIMESTAMPTZ) return (value: string) => new Date(value).toISOString();
    if (oid === INT8) return Number;
    return getTypeParser(oid, format);
  },
};
const getTypeParser = types.getTypeParser.bind(types) as (oid: number, format?: 'text' | 'binary') => unknown;

/** A server that takes a connection and says nothing is away: no request waits over 5 s (design 3.1). */
export const CONNECT_MS = 4_000;

/**
 * The server lets go of what a client that fell silent had locked: until its kernel gave up, two hours by default, all news
 * of that incident would be refused. Ours pause between two statements for as long as a fold takes, or the event loop stands.
 */
const IDLE_IN_TRANSACTION_MS = 10_000;

/**
 * And it ends the session of such a client. Ours end what idles for half of this themselves, and what is kept for a lock
 * says a word in between (gaps.ts), so it hits no living one.
 */
const IDLE_SESSION_MS = 60_000;

/**
 * In `options`, although pg has a setting for the first: as a parameter of its own a pooler between us and the server
 * refuses the connection, unless it is told of that one too (PgBouncer: ignore_startup_parameters).
 */
export const IDLE = `-c idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS} -c idle_session_timeout=${IDLE_SESSION_MS}`;

/**
 * Every statement here looks rows up by key. A prepared statement that was planned while the tables were empty would go
 * on reading them from end to end until the first autovacuum a minute later: 15,000 incidents in that minute ended at a
 * tenth of the rate.
 */
const SESSION = `${IDLE} -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan -c standard_conforming_strings=on`;

/** The kernel asks after an idle connection; its own first question would come after two hours. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;

/**
 * Opens the pools without connecting yet.
 * @param onError an idle connection was lost; the pool replaces it by itself
 */
export function openPools(address: string | PostgresAddress, onError: (error: Error) => void): Pools {
  const connection = connectionOf(address);
  const silence: Silence = { beforeMs: 0 };
  let ending = false;
  const open = (name: string, extra: PoolConfig & { statement_timeout: number }): Pool => {
    const pool = new Pool({
      ...connection,
      application_name: `relay-${name}`,
      types: parsers,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: 30_000,
      ...KEEP_ALIVE,
      options: IDLE,
      query_timeout: extra.statement_timeout + ANSWER_GRACE_MS,
      ...extra,
    });
    mistrustSilence(pool, silence);
    // Once the end has begun a connection that goes is no loss: the embedded Postgres goes right after us.
    pool.on('error', (error) => void (ending || onError(error)));
    return pool;
  };
  // At most two flushes are in flight (design section 8); the third connection is for the look-up after a lost COMMIT.
  const ingest = open('ingest', { max: 3, statement_timeout: 10_000, options: SESSION });
  const delivery = open('delivery', { max: 4, statement_timeout: 15_000, options: SESSION });
  const read = open('read', { max: 6, statement_timeout: 10_000 });
  // A beat that takes longer than this is given up and tried again, well within the lease of 3.5 s (db/due.ts).
  const heart = open('heart', {
    max: 1,
    statement_timeout: 1_500,
    query_timeout: 2_000,
    connectionTimeoutMillis: 1_500,
  });
  return {
    ingest,
    delivery,
    read,
    heart,
    async end() {
      ending = true;
      await Promise.all([ingest.end(), delivery.end(), read.end(), heart.end()]);
    },
  };
}

/**
 * Runs `work` on one connection and rolls back what it left open when it throws. A connection that failed in the middle
 * is thrown away, not returned to the pool.
 */
export async function onConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that is lost between two statements has nobody else to tell; the next statement fails by itself.
  const lost = (error: Error): void => void (broken = error);
  client.on('error', lost);
  try {
    return await work(client);
  } catch (error) {
    broken = isConnectionError(error) ? (error as Error) : undefined;
    if (!broken) await client.query('rollback').catch((e: Error) => (broken = e));
    throw error;
  } finally {
    client.off('error', lost);
    client.release(broken);
  }
}

/** Runs `work` inside a transaction. */
export function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return onConnection(pool, async (client) => {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  });
}

/** SQLSTATE of an error of the server, else null. */
export function sqlState(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** An error of our own making, in code that runs inside a transaction. */
function isBug(error: unknown): boolean {
  return BUGS.some((kind) => error instanceof kind);
}

/**
 * The server is away or going away, or refuses for want of a resource. In doubt an error without an SQLSTATE counts as
 * one, so that nothing is blamed on the data that is not its fault; only our own bugs do not.
 */
export function isConnectionError(error: unknown): boolean {
  const state = sqlState(error);
  return state === null ? !isBug(error) : /^(08|53|57|58|XX)/.test(state) || state === '25006';
}

/** What is being written cannot be written, or breaks our code: the same again fails again. */
export function isDataError(error: unknown): boolean {
  const state = sqlState(error);
  return state === null ? isBug(error) : /^(22|54|2350[1-4]|23514)/.test(state);
}

/** As {@link isConnectionError}, but sure of it: errors of the socket carry a code like ECONNREFUSED, pg's own only a text. */
export function isStoreAway(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (sqlState(error) !== null || (typeof code === 'string' && /^E[A-Z]{3,}$/.test(code)))
    return isConnectionError(error);
  return (
    typeof message === 'string' &&
    /connection terminated|timeout exceeded|not queryable|query read timeout/i.test(message)
  );
}

/** Two transactions met: the same work again succeeds. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01' || state === '23505' || state === '55P03';
}
