import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverUrl, takeOver } from './connection.ts';
import { readPostmasterFile, type PostmasterFile } from './postmaster.ts';
import {
  endPostgres,
  isAlive,
  isPostgresOf,
  isTaken,
  postgresProcessesOf,
  signalProcess,
  waitUntil,
} from './processes.ts';

/** How long a server left behind may take to answer before it is stopped, milliseconds. */
const ANSWER_MS = 2500;

/**
 * Looks for a server that outlived its relay (kill -9 of the Node process alone) and takes it over if it answers with
 * our password; else ends it, as well as what a dead server left of itself. Returns null when the cluster is free for a
 * start. Within 10 s: 2.5 s for an answer, 3 s for a fast, 1.5 s for an immediate shutdown, 2 s by force.
 */
export async function adoptOrphan(
  clusterDir: string,
  options: { password: string; unsafeFast: boolean; signal?: AbortSignal },
): Promise<PostmasterFile | null> {
  const file = readPostmasterFile(clusterDir);
  if (file !== null && isPostgresOf(file.pid, clusterDir)) {
    if (await answers(file.pid, { ...options, clusterDir })) return readPostmasterFile(clusterDir);
    await endPostgres(file.pid, clusterDir, { fastMs: 3000, immediateMs: 1500 });
  }
  await endStragglers(clusterDir);
  // Postgres takes whatever has the pid in the file for a server and refuses to start, be it another program that was
  // given the pid since or a zombie that nobody reaps. We know better.
  const rest = readPostmasterFile(clusterDir);
  if (rest !== null && isTaken(rest.pid) && !isPostgresOf(rest.pid, clusterDir)) {
    await rm(join(clusterDir, 'postmaster.pid'), { force: true });
  }
  return null;
}

async function answers(
  pid: number,
  options: { clusterDir: string; password: string; unsafeFast: boolean; signal?: AbortSignal },
): Promise<boolean> {
  const end = performance.now() + ANSWER_MS;
  while (performance.now() < end && options.signal?.aborted !== true) {
    const file = readPostmasterFile(options.clusterDir);
    if (file?.pid !== pid || file.status === 'stopping' || !isAlive(pid)) return false;
    if (file.status === 'ready') {
      const timeoutMs = Math.max(200, end - performance.now());
      const verdict = await takeOver(serverUrl(options.password, file.port), { ...options, timeoutMs });
      if (verdict !== 'again') return verdict === 'ours';
    }
    await sleep(50);
  }
  return false;
}

/** Backends that outlived their server keep its shared memory, and Postgres does not start beside that. */
export async function endStragglers(clusterDir: string): Promise<void> {
  const alive = (): number[] => postgresProcessesOf(clusterDir);
  if (await waitUntil(() => alive().length === 0, 500)) return;
  for (const pid of alive()) signalProcess(pid, 'SIGQUIT');
  if (await waitUntil(() => alive().length === 0, 1000)) return;
  for (const pid of alive()) signalProcess(pid, 'SIGKILL');
  await waitUntil(() => alive().length === 0, 500);
}
