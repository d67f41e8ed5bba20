import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedLog } from './log.ts';
import { endStragglers } from './orphan.ts';
import { launchPostmaster, type LaunchOptions } from './postmaster.ts';
import { endPostgres, identityOf, isPostgresOf } from './processes.ts';

/** A running server and what keeps it running. */
export interface SupervisedServer {
  pid(): number;
  /** Ends the server for good. Never throws. */
  stop(): Promise<void>;
}

const LOOK_MS = 500;
const TRIM_LOG_EVERY = 120;
const RESTART_PAUSE_MAX_MS = 30_000;

/**
 * Looks twice a second whether the server lives and starts it again on the same port if not (killed by the kernel for
 * want of memory, by hand, ...), with growing pauses while that fails. A folder that was deleted or replaced ends the
 * watch: nothing is ever made in its place. Does not keep the process alive.
 */
export function superviseServer(
  clusterDir: string,
  options: LaunchOptions & { pid: number; report?: EmbeddedLog },
): SupervisedServer {
  const identity = identityOf(clusterDir);
  const stopping = new AbortController();
  let pid = options.pid;

  async function watch(): Promise<void> {
    let failures = 0;
    for (let looks = 1; ; looks++) {
      const pauseMs = failures === 0 ? LOOK_MS : Math.min(RESTART_PAUSE_MAX_MS, LOOK_MS * 2 ** failures);
      await sleep(pauseMs, undefined, { ref: false, signal: stopping.signal });
      if (looks % TRIM_LOG_EVERY === 0) options.log.trim();
      if (isPostgresOf(pid, clusterDir, identity)) continue;
      if (!isStillThere(clusterDir, identity)) {
        options.report?.warn(
          { folder: clusterDir },
          'embedded postgres ended and its folder is gone: not started again',
        );
        return;
      }
      options.report?.warn({ pid }, 'embedded postgres ended by itself: starting it again');
      try {
        await endStragglers(clusterDir);
        pid = await launchPostmaster(clusterDir, { ...options, signal: stopping.signal });
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        failures++;
        options.report?.warn({ error: String(error), failures }, 'embedded postgres could not be started again');
      }
    }
  }

  const watched = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted)
      options.report?.warn({ error: String(error) }, 'embedded postgres is no longer watched');
  });
  let stopped: Promise<void> | null = null;
  async function stop(): Promise<void> {
    stopping.abort();
    await watched;
    if (isPostgresOf(pid, clusterDir, identity))
      await endPostgres(pid, clusterDir, { fastMs: 8000, immediateMs: 2000 });
  }
  return { pid: () => pid, stop: () => (stopped ??= stop()) };
}

function isStillThere(clusterDir: string, identity: string): boolean {
  try {
    return identityOf(clusterDir) === identity;
  } catch {
    return false;
  }
}
