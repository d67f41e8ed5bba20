import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { EmbeddedError, outputFault } from './error.ts';
import { endPostgres, waitUntil } from './processes.ts';
import type { ServerLogFile } from './server-log.ts';
import { canReach, type OrdinaryUser } from './user.ts';

/** What a running server writes about itself into its cluster. */
export interface PostmasterFile {
  pid: number;
  port: number;
  /** `starting`, `ready`, `stopping`, ... */
  status: string;
}

export interface LaunchOptions {
  binaries: Binaries;
  user: OrdinaryUser | null;
  log: ServerLogFile;
  /** Loopback port. */
  port: number;
  unsafeFast: boolean;
  signal?: AbortSignal;
}

/** Longest start, milliseconds: after a crash the log is replayed first (at most max_wal_size of it). */
const READY_MS = 120_000;

/** Reads `postmaster.pid` (line 1 pid, 4 port, 8 status; PostgreSQL miscadmin.h), or null when it is not there or cut short. */
export function readPostmasterFile(clusterDir: string): PostmasterFile | null {
  let lines: string[];
  try {
    lines = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() };
}

/**
 * Starts Postgres in a session of its own, so that neither Ctrl-C in the terminal nor our end takes it along, and
 * returns its pid once it takes connections.
 *
 * @throws EmbeddedError `failed`, `disk-full`, `aborted`
 */
export async function launchPostmaster(clusterDir: string, options: LaunchOptions): Promise<number> {
  const { binaries, user, log } = options;
  const mark = log.mark();
  const args = ['-D', await dataArgument(clusterDir, user), ...settings(options)];
  const child = spawn(binaries.postgres, args, {
    ...user,
    cwd: clusterDir,
    detached: true,
    env: postgresEnvironment(),
    stdio: ['ignore', log.fd, log.fd],
  });
  let ended = false;
  let failure: Error | null = null;
  child.once('error', (error) => (failure = error));
  child.once('exit', () => (ended = true));
  child.unref();
  const ready = (): boolean => {
    const file = readPostmasterFile(clusterDir);
    return file?.pid === child.pid && file?.status === 'ready';
  };
  const over = (): boolean => ended || failure !== null || options.signal?.aborted === true;
  await waitUntil(() => over() || ready(), READY_MS);
  if (!over() && ready() && child.pid !== undefined) return child.pid;
  if (child.pid !== undefined && !ended) await endPostgres(child.pid, clusterDir, { fastMs: 3000, immediateMs: 3000 });
  if (options.signal?.aborted === true) throw new EmbeddedError('aborted', 'The start was broken off.');
  throw outputFault('Postgres did not start', failure === null ? log.since(mark) : String(failure));
}

/**
 * How the user names the folder. One that it cannot reach by its path, since a folder above admits only root, it still
 * has as its working folder: the change of folder happens before the change of user, and `/proc/self/cwd` is then a way
 * in that asks nothing of the folders above. So the data stays where it was asked to be, on that volume, as root too.
 */
export async function dataArgument(clusterDir: string, user: OrdinaryUser | null): Promise<string> {
  return user === null || (await canReach(clusterDir, user)) ? clusterDir : '/proc/self/cwd';
}

/** Nothing of our own environment: it holds the secrets of the configuration. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: '/', LC_ALL: 'C', TZ: 'UTC' };
}

function settings(options: LaunchOptions): string[] {
  const durable = options.unsafeFast ? 'off' : 'on';
  const values: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port: options.port,
    // No socket file: its path must stay under 107 bytes, which a data folder need not.
    unix_socket_directories: '',
    fsync: durable,
    synchronous_commit: durable,
    full_page_writes: durable,
    max_connections: 60,
    shared_buffers: '128MB',
    min_wal_size: '64MB',
    max_wal_size: '512MB',
    // No replica will ever read the log, so less is written to it.
    wal_level: 'minimal',
    max_wal_senders: 0,
    // Reserved huge pages that the container may not use end the process with SIGBUS.
    huge_pages: 'off',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'off',
    log_checkpoints: 'off',
    // Statements carry the content of signals; errors go to the caller anyway.
    log_min_error_statement: 'panic',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
