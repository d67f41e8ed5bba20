import { randomBytes } from 'node:crypto';
import { chmodSync, constants, cpSync, readdirSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedError } from './error.ts';

/** Where copies may lie, best first: kept over restarts, else for this uptime. Losing them loses nothing but a second. */
export function copyFolders(): string[] {
  return ['/var/lib/health-relay', join(tmpdir(), 'health-relay-programs')];
}

/** A copy that a crash left half made is older than this; a younger one may be in the making. */
const LEFTOVER_MS = 3_600_000;

/**
 * Copies the programs to `folder/name` unless they are there, and returns that path. Only for root: the copy belongs to
 * root and only root may write in or above it, so nobody can slip in another program; a folder that does not look like
 * that is refused. Made under another name and then renamed, so it is whole or not there.
 */
export async function copyBinaries(native: string, options: { folder: string; name: string }): Promise<string> {
  const { folder, name } = options;
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await requireRootOnly(folder);
  const target = join(folder, name);
  if (await isThere(target)) {
    await requireRootOnly(target);
    return target;
  }
  await removeLeftovers(folder);
  const half = join(folder, `.half-${name}-${randomBytes(6).toString('hex')}`);
  try {
    // Synchronously: a thousand small files take 0.2 s this way and 1.5 s the other, and nothing else runs yet.
    cpSync(native, half, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
    openToAll(half);
    await rename(half, target);
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    // Another relay was quicker: a rename onto a full folder fails.
    if (!(await isThere(target))) throw error;
    await requireRootOnly(target);
  }
  return target;
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

async function requireRootOnly(path: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new EmbeddedError('failed', `${path} is not a folder that belongs to root alone`);
  }
}

/** Readable and enterable for all, writable for root alone, whatever the umask of the install was. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, 0o755);
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('.half-')) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > LEFTOVER_MS) await rm(path, { recursive: true, force: true });
  }
}
