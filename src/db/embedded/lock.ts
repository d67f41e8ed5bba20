import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedError } from './error.ts';
import { createForOwner, giveToOwner } from './folder.ts';
import { isAlive } from './processes.ts';

/** The exclusive hold on a data folder. */
interface FolderLock {
  release(): void;
}

/** How long a process that dies may take to let go, milliseconds: its pid is gone before its last thread is. */
const DYING_MS = 1000;

/**
 * Takes the data folder for this process, or throws EmbeddedError `locked` naming the process that has it.
 *
 * The hold is a lock of the operating system on `relay.lock`, taken through SQLite, because Node offers no other way to
 * one. It ends with the process however that dies, so there is no stale lock to judge and no race in a takeover, and it
 * also holds between containers that share a volume, where process ids mean nothing. The pid file beside it is only
 * there to name the holder.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, 'relay.lock');
  const holderPath = join(folder, 'relay.pid');
  await createForOwner(path, folder);
  const database = await openLocked(path, { folder, holderPath });
  try {
    await rm(`${holderPath}.new`, { force: true });
    await writeFile(`${holderPath}.new`, `${process.pid}\n`, { mode: 0o644 });
    await giveToOwner(`${holderPath}.new`, folder);
    await rename(`${holderPath}.new`, holderPath);
  } catch (error) {
    database.close();
    throw error;
  }
  // Both files stay behind: removing a lock file lets a third process lock a different file of the same name.
  return { release: () => (database.isOpen ? database.close() : undefined) };
}

async function openLocked(path: string, names: { folder: string; holderPath: string }): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite');
  const patience = performance.now() + DYING_MS;
  for (;;) {
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      database.close();
      // 5 is SQLITE_BUSY; anything else is a file system that cannot lock, or a file that is not ours.
      if (!(error instanceof Error && 'errcode' in error && error.errcode === 5)) {
        throw new EmbeddedError('failed', `The data folder ${names.folder} cannot be locked: ${String(error)}`, {
          cause: error,
        });
      }
    }
    const pid = await holderOf(names.holderPath);
    if ((pid !== null && isAlive(pid)) || performance.now() > patience) {
      const holder = pid === null ? 'another relay' : `the relay with pid ${pid}`;
      throw new EmbeddedError('locked', `The data folder ${names.folder} is in use by ${holder}. ${CURE}`);
    }
    await sleep(25);
  }
}

const CURE = 'One relay per folder: stop that one, or give this one its own RELAY_DATA_DIR.';

async function holderOf(path: string): Promise<number | null> {
  const pid = Number((await readFile(path, 'utf8').catch(() => '')).trim());
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}
