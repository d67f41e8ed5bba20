/** The real relay as a process of its own, with a Postgres of its own, and the certainty that both are gone afterwards. */
import { spawn, type ChildProcess } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPostmasterFile } from '#src/db/embedded/postmaster.ts';
import { endPostgres, isPostgresOf, postgresProcessesOf } from '#src/db/embedded/processes.ts';

export interface RelayProcess {
  /** Fires with the reason when the process ends without having been asked to. */
  ended: AbortSignal;
  /** Waits until it takes calls; rejects when it ends first or the signal fires. */
  ready(signal: AbortSignal): Promise<void>;
  /** The last lines that it wrote. */
  tail(): string;
  /** Ends the relay and, should it be left over, its Postgres. Never throws. */
  stop(): Promise<void>;
}

/** A start that takes longer has failed. */
const START_MS = 60_000;
/** The relay gives itself 14 s to stop. */
const STOP_MS = 16_000;
const TAIL_LINES = 25;
const ROOT = join(import.meta.dirname, '..', '..');

/** Spawns `node src/main.ts` on the embedded footing, whatever the caller's own environment says. */
export function spawnRelay(options: { dataDir: string; configFile: string; port: number; url: string }): RelayProcess {
  const lines: string[] = [];
  const ended = new AbortController();
  let stopping = false;
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: ROOT,
    // A group of its own: Ctrl-C in the terminal comes to us, and we end the relay in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORT: String(options.port),
      HOST: '127.0.0.1',
      RELAY_CONFIG: options.configFile,
      RELAY_DATA_DIR: options.dataDir,
      LOG_LEVEL: 'info',
      // A variable that is set to nothing counts as not set.
      DATABASE_URL: '',
      REDIS_URL: '',
      RELAY_ROLE: '',
      RELAY_SPOOL_DIR: '',
    },
  });
  const keep = (chunk: Buffer): void => {
    lines.push(...chunk.toString('utf8').split('\n').filter(Boolean));
    lines.splice(0, lines.length - TAIL_LINES);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => (ended.abort(error), resolve()));
    child.once('exit', (code, signal) => {
      if (!stopping) ended.abort(new Error(`the relay ended by itself (${signal ?? `exit code ${code}`})`));
      resolve();
    });
  });
  const started = probe(options.url, ended.signal);
  started.catch(() => undefined);

  return {
    ended: ended.signal,
    tail: () => lines.join('\n'),
    async ready(signal) {
      await Promise.race([started, rejection(signal)]);
    },
    async stop() {
      stopping = true;
      // It takes signals once it has started; before that they would leave its Postgres behind.
      await Promise.race([started.catch(() => undefined), gone]);
      await end(child, gone);
      await endLeftovers(options.dataDir);
    },
  };
}

/** Asks the probe until it answers. */
async function probe(url: string, ended: AbortSignal): Promise<void> {
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    ended.throwIfAborted();
    const answer = await fetch(`${url}/readyz`, { signal: ended }).catch(() => null);
    if (answer?.ok) return;
    await sleep(40);
  }
  throw new Error(`the relay did not answer within ${START_MS / 1000} s`);
}

async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const inTime = await Promise.race([gone.then(() => true), sleep(STOP_MS, false, { ref: false })]);
  if (inTime) return;
  child.kill('SIGKILL');
  await gone;
}

/** Postgres runs in a session of its own and outlives a relay that was killed. */
async function endLeftovers(dataDir: string): Promise<void> {
  const cluster = clusterOf(dataDir);
  if (cluster === null) return;
  const found = [readPostmasterFile(cluster)?.pid ?? 0, ...postgresProcessesOf(cluster)];
  for (const pid of found.filter((one) => one > 0 && isPostgresOf(one, cluster)))
    await endPostgres(pid, cluster, { fastMs: 5000, immediateMs: 3000 });
}

/** The cluster's real path, or null when it was never made. */
function clusterOf(dataDir: string): string | null {
  try {
    return realpathSync(join(dataDir, 'postgres'));
  } catch {
    return null;
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
