import { chown, mkdir, open, realpath, rename, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EmbeddedError, errorCode } from './error.ts';

/**
 * Makes the data folder if need be and returns its real path. Root leaves it passable for others (0711: no listing),
 * since Postgres runs as another user inside it; what is secret in it has a mode of its own.
 */
export async function prepareFolder(dataDir: string): Promise<string> {
  const path = resolve(dataDir);
  try {
    await mkdir(path, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    return await realpath(path);
  } catch (error) {
    const why = errorCode(error) === 'EACCES' ? 'this user may not write there' : String(error);
    throw new EmbeddedError(
      'failed',
      `The data folder ${path} cannot be made: ${why}. Set RELAY_DATA_DIR to another.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Makes an empty file of mode 600 unless it is there, owned by the folder's owner: one start with sudo must not lock
 * the ordinary user out of the folder afterwards.
 */
export async function createForOwner(path: string, folder: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return;
  }
  await giveToOwner(path, folder);
}

/** Hands a file that root made to the owner of the folder. */
export async function giveToOwner(path: string, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  if (uid !== 0) await chown(path, uid, gid);
}

/** A rename that is on disk when it returns. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
