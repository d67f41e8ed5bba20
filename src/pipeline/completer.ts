/** Outcomes of all lanes share statements and commits, like the signals of all receivers (design section 8). */
import { complete, type Completed, type Completion } from '#src/db/deliveries.ts';
import { isConflict } from '#src/db/pools.ts';
import type { Pool } from 'pg';

export interface Completer {
  /** Resolves when the outcome is written; null where the fence was no longer the newest. Retries while the store is away. */
  complete(completion: Completion): Promise<Completed | null>;
}

const BATCH_MAX = 200;
/** While Postgres is away an outcome waits in memory: the lease will be lost, the attempt becomes `unknown`, the vendor's key tells. */
const TRIES = 5;

/** Writes at once when idle; what comes in meanwhile goes into the next statement. */
export function createCompleter(pool: Pool): Completer {
  const queue: { completion: Completion; resolve(result: Completed | null): void; reject(error: Error): void }[] = [];
  let writing = false;

  async function write(): Promise<void> {
    writing = true;
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH_MAX);
      try {
        const done = new Map((await attempt(batch.map((entry) => entry.completion))).map((row) => [row.id, row]));
        for (const entry of batch) entry.resolve(done.get(entry.completion.id) ?? null);
      } catch (error) {
        for (const entry of batch) entry.reject(error as Error);
      }
    }
    writing = false;
  }

  async function attempt(completions: Completion[]): Promise<Completed[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await complete(pool, completions);
      } catch (error) {
        if (tries >= TRIES) throw error;
        if (!isConflict(error)) await new Promise((resolve) => setTimeout(resolve, 200 * tries));
      }
    }
  }

  return {
    complete: (completion) =>
      new Promise((resolve, reject) => {
        queue.push({ completion, resolve, reject });
        // Joins what other calls finish in this turn of the event loop.
        if (!writing) {
          writing = true;
          setImmediate(() => void write());
        }
      }),
  };
}
