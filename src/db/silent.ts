/**
 * Connections that die without a word: after a failover to another host, or behind a firewall that forgets them, no end
 * ever comes, and the kernel gives up after a quarter of an hour. A statement therefore has a limit on our side too, and
 * once one was missed every older connection is replaced when somebody asks for it.
 */
import type { Pool, PoolClient } from 'pg';

type Taken = (error: Error | undefined, client: PoolClient | undefined, done: (release?: unknown) => void) => void;

/** By the monotonic clock: connections made before this are not to be trusted. Shared by all pools of one server. */
export interface Silence {
  beforeMs: number;
}

/** Beyond the server's own limit for a statement, milliseconds: if it answers at all, it has answered by then. */
export const ANSWER_GRACE_MS = 1_000;

/** Makes `pool` hand out no connection that is older than the last answer that its like did not give. */
export function mistrustSilence(pool: Pool, silence: Silence): void {
  const madeAtMs = new WeakMap<PoolClient, number>();
  pool.on('connect', (client) => void madeAtMs.set(client, performance.now()));
  pool.on('release', (error: unknown) => {
    if (isUnanswered(error)) silence.beforeMs = performance.now();
  });
  const connect = pool.connect.bind(pool) as (taken: Taken) => void;

  function take(taken: Taken): void {
    connect((error, client, done) => {
      if (error || !client || (madeAtMs.get(client) ?? 0) >= silence.beforeMs) return taken(error, client, done);
      done(new Error('another connection of its time has fallen silent'));
      take(taken);
    });
  }

  pool.connect = ((taken?: Taken): Promise<PoolClient> | void =>
    taken
      ? take(taken)
      : new Promise((resolve, reject) =>
          take((error, client) => (client ? resolve(client) : reject(error!))),
        )) as Pool['connect'];
}

/** pg's own error for a statement that was not answered in time; it has no code. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}
