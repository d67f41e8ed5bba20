import { Client, DatabaseError } from 'pg';
import { ROLE } from './password.ts';

/** Where the relay finds the server. */
export function serverUrl(password: string, port: number): string {
  return `postgres://${ROLE}:${password}@127.0.0.1:${port}/postgres`;
}

/**
 * Asks a server found running whether it can be ours from now on: it takes our password and writes as durably as we
 * were asked to. If so, ends the sessions of the dead relay, whose locks would otherwise last until the server notices.
 * `again` means that it does not take connections just now.
 */
export async function takeOver(
  url: string,
  options: { unsafeFast: boolean; timeoutMs: number },
): Promise<'ours' | 'unfit' | 'again'> {
  const client = connectionTo(url, options.timeoutMs);
  try {
    await client.connect();
    const { rows } = await client.query<{ fsync: string }>(
      `select current_setting('fsync') as fsync, count(pg_terminate_backend(pid))
         from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    return rows[0]?.fsync === (options.unsafeFast ? 'off' : 'on') ? 'ours' : 'unfit';
  } catch (error) {
    const code = error instanceof DatabaseError ? error.code : undefined;
    // 28xxx: the password does not fit. 57P03 and 53300: starting up, or full of sessions that are about to end.
    return code?.startsWith('28') === true ? 'unfit' : 'again';
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** One round trip. Throws what pg throws. */
export async function ping(url: string, timeoutMs: number): Promise<void> {
  const client = connectionTo(url, timeoutMs);
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}

function connectionTo(url: string, timeoutMs: number): Client {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  // A connection cut between two queries is reported here and would otherwise end the process.
  client.on('error', () => undefined);
  return client;
}
