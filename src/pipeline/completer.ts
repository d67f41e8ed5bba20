/** Outcomes of all lanes share statements and commits, like the signals of all receivers (design section 8). */
import { complete, type Completed, type Completion } from '#src/db/deliveries.ts';
import { isConflict, isStoreAway } from '#src/db/pools.ts';
import type { Pool } from 'pg';

export interface Completer {
  /** Resolves when the outcome is written; null where the fence was no longer the newest. Retries while the store is away. */
  complete(completion: Completion): Promise<Completed | null>;
}

const BATCH_MAX = 200;
/** For errors that are no sign of the store being away. While it is, an outcome waits in memory: nobody else can take the lease meanwhile, and the fence tells if somebody does after. */
const TRIES = 5;
const PAUSE_MAX_MS = 500;

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
        if (tries >= TRIES && !isStoreAway(error)) throw error;
        if (!isConflict(error))
          await new Promise((resolve) => setTimeout(resolve, Math.min(PAUSE_MAX_MS, 200 * tries)));
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
