/** The real relay as a process of its own, in a process group of its own, that can be killed, frozen and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, postgresProcessesOf, signalProcess, waitUntil } from '#src/db/embedded/processes.ts';
import { ownPort } from '#test/support/own-port.ts';
import { until } from './scenario.ts';

export interface RelayOptions {
  name: string;
  folder: string;
  configFile: string;
  environment: Record<string, string>;
}

export interface RelayProcess {
  readonly name: string;
  /** Stays the same over restarts. */
  readonly url: string;
  readonly pid: number;
  /** Where it will die; null when it was started without. */
  readonly failpoint: string | null;
  /** It runs, frozen or not. */
  readonly running: boolean;
  /** Starts it; `failpoint` is where it will die. Resolves when it takes calls; throws with its last words when it does not. */
  start(options?: { failpoint?: string }): Promise<void>;
  /** kill -9, the node process alone. */
  kill(): Promise<void>;
  /** kill -9, and its Postgres with all its children. */
  killAll(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** kill -9 of everything without waiting: for the end of the harness itself. */
  endNow(): void;
  /** Resolves when the process is gone. */
  gone(): Promise<void>;
  /** SIGTERM, then SIGKILL; the exit code, null where it was killed. */
  stop(): Promise<number | null>;
  /** All that it ever wrote. */
  log(): string;
  /** Its last words when it ended without having been told to; null otherwise. */
  readonly died: string | null;
  /** Resident memory, bytes; 0 when gone. */
  rssBytes(): number;
}

const ROOT = join(import.meta.dirname, '..', '..');
const START_MS = 60_000;
const STOP_MS = 16_000;

/** A harness that ends in a hurry leaves no relay behind. */
const running = new Set<RelayProcess>();
process.once('exit', () => {
  for (const relay of running) relay.endNow();
});

/** Prepares a relay on a port of its own; nothing runs before `start`. */
export async function createRelay(options: RelayOptions): Promise<RelayProcess> {
  const port = await ownPort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(options.folder, `${options.name}.log`);
  let child: ChildProcess | null = null;
  let armed: string | null = null;
  let ending = false;
  let died: string | null = null;
  const alive = (): boolean => child !== null && child.exitCode === null && child.signalCode === null;

  function launch(failpoint: string | undefined): ChildProcess {
    const log = openSync(logFile, 'a');
    const started = spawn(process.execPath, ['src/main.ts'], {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TZ: 'UTC',
        NODE_ENV: 'test',
        LOG_LEVEL: 'info',
        RELAY_CONFIG: options.configFile,
        ...options.environment,
        PORT: String(port),
        ...(failpoint === undefined ? {} : { RELAY_FAILPOINT: failpoint }),
      },
    });
    closeSync(log);
    running.add(relay);
    started.once('exit', (code, signal) => {
      running.delete(relay);
      if (!ending && armed === null) died = `${signal ?? `exit code ${code}`}: ${relay.log().slice(-1_500)}`;
    });
    return started;
  }

  async function gone(): Promise<void> {
    if (alive()) await new Promise<void>((resolve) => child!.once('exit', () => resolve()));
  }

  const relay: RelayProcess = {
    name: options.name,
    url,
    get pid() {
      return child?.pid ?? 0;
    },
    get failpoint() {
      return armed;
    },
    get running() {
      return alive();
    },
    async start({ failpoint } = {}) {
      armed = failpoint ?? null;
      ending = false;
      child = launch(failpoint);
      const up = await until(async () => !alive() || (await answers(url)), START_MS, 20);
      // A failpoint may have been reached already.
      if ((!alive() && failpoint === undefined) || !up)
        throw new Error(`${options.name} did not start: ${relay.log().slice(-1_500)}`);
    },
    async kill() {
      ending = true;
      if (alive()) signalProcess(-relay.pid, 'SIGKILL');
      await gone();
    },
    async killAll() {
      ending = true;
      const postgres = clusterProcesses(options.environment['RELAY_DATA_DIR']);
      if (alive()) signalProcess(-relay.pid, 'SIGKILL');
      for (const pid of postgres) signalProcess(pid, 'SIGKILL');
      await gone();
      await waitUntil(() => postgres.every((pid) => !isAlive(pid)), 5_000);
    },
    signal: (signal) => void signalProcess(relay.pid, signal),
    gone,
    async stop() {
      ending = true;
      if (!alive()) return child?.exitCode ?? null;
      relay.signal('SIGCONT');
      relay.signal('SIGTERM');
      const timer = setTimeout(() => relay.signal('SIGKILL'), STOP_MS);
      await gone();
      clearTimeout(timer);
      return child!.exitCode;
    },
    log: () => readText(logFile),
    get died() {
      return died;
    },
    endNow() {
      for (const pid of clusterProcesses(options.environment['RELAY_DATA_DIR'])) signalProcess(pid, 'SIGKILL');
      if (alive()) signalProcess(-relay.pid, 'SIGKILL');
    },
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${relay.pid}/status`))?.[1] ?? 0) * 1024,
  };
  return relay;
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
  return answer?.ok ?? false;
}

/** Postgres of the embedded footing runs in a session of its own and outlives the relay's group. */
function clusterProcesses(dataDir: string | undefined): number[] {
  try {
    return dataDir === undefined ? [] : postgresProcessesOf(realpathSync(join(dataDir, 'postgres')));
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
