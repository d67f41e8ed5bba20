/** What was started is taken down in the reverse order; one part that cannot be stopped holds up no other. */
import type { Log } from './log.ts';

export interface Cleanups {
  add: (name: string, run: () => Promise<unknown> | void) => void;
  /** Runs each once. Never throws. */
  run: () => Promise<void>;
  /** Set as soon as the end has begun. */
  readonly begun: boolean;
}

/** An empty list. */
export function createCleanups(log: Log): Cleanups {
  const cleanups: { name: string; run: () => Promise<unknown> | void }[] = [];
  let begun = false;
  return {
    add: (name, run) => void cleanups.push({ name, run }),
    async run() {
      begun = true;
      for (const { name, run } of cleanups.splice(0).toReversed()) {
        try {
          await run();
        } catch (error) {
          log.warn({ part: name, error: (error as Error).message }, 'stop.failed');
        }
      }
    },
    get begun() {
      return begun;
    },
  };
}
