import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from './error.ts';

/** Whether the pid is taken, be it by a zombie: what Postgres itself takes for alive. */
export function isTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** Whether a process runs under this pid. A zombie does not: in a container nobody may ever reap it. */
export function isAlive(pid: number): boolean {
  if (!isTaken(pid)) return false;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.charAt(text.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return process.platform !== 'linux' || hasNoProc();
  }
}

/**
 * Whether this pid is a Postgres process of the cluster in the folder. Every one of them has the cluster as its working
 * folder, so a pid that was given to another program since is told apart. `identity` (device:inode) finds the server of
 * a folder that was deleted or replaced since.
 */
export function isPostgresOf(pid: number, clusterDir: string, identity?: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux' || hasNoProc()) return commandOf(pid).includes(`-D ${clusterDir} `);
  try {
    if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'postgres') return false;
    return identityOf(`/proc/${pid}/cwd`) === (identity ?? identityOf(clusterDir));
  } catch {
    return false;
  }
}

/** Device and inode of a folder: tells it from another that was put in its place. Throws when there is none. */
export function identityOf(folder: string): string {
  const { dev, ino } = statSync(folder);
  return `${dev}:${ino}`;
}

/** All Postgres processes of the cluster. Empty where there is no /proc to look at. */
export function postgresProcessesOf(clusterDir: string): number[] {
  if (process.platform !== 'linux' || hasNoProc()) return [];
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    // The link is compared first: following the working folder of a stranger could hang on a dead network drive.
    if (Number.isInteger(pid) && workingFolder(pid) === clusterDir && isPostgresOf(pid, clusterDir)) found.push(pid);
  }
  return found;
}

/** Sends a signal; false when there is nobody to take it, or it is not ours to signal. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Waits until the condition holds, looking every 15 ms; false when it did not within `timeoutMs`. */
export async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() >= end) return false;
    await sleep(15);
  }
  return true;
}

/**
 * Ends the server and everything that belongs to it: a fast shutdown, which rolls back what is open and writes a
 * checkpoint; then an immediate one, after which the next start recovers from the log; then by force, children
 * included, for a process that is stopped or stuck. Resolves when none is left.
 */
export async function endPostgres(
  pid: number,
  clusterDir: string,
  options: { fastMs: number; immediateMs: number },
): Promise<void> {
  const gone = (): boolean => !isAlive(pid);
  signalProcess(pid, 'SIGINT');
  if (await waitUntil(gone, options.fastMs)) return;
  signalProcess(pid, 'SIGQUIT');
  if (await waitUntil(gone, options.immediateMs)) return;
  const rest = new Set([pid, ...postgresProcessesOf(clusterDir)]);
  for (const one of rest) signalProcess(one, 'SIGKILL');
  await waitUntil(() => [...rest].every((one) => !isAlive(one)), 2000);
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function hasNoProc(): boolean {
  return statSync('/proc/self/stat', { throwIfNoEntry: false }) === undefined;
}

function commandOf(pid: number): string {
  try {
    return `${execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8', timeout: 2000 }).trim()} `;
  } catch {
    return '';
  }
}
