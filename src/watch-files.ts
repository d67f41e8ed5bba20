/** Tells when any of some files has changed. Editors and mounted secrets replace files: their folders are watched. */
import { statSync, watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

export interface FileWatch {
  /** From now on these, and no others. */
  follow(files: readonly string[]): void;
  close(): void;
}

/** Changes are taken together: a file is often written in several steps, and several files are replaced at once. */
const TOGETHER_MS = 300;
/** What a mounted ConfigMap or Secret of Kubernetes replaces; the paths of the files in it never change. */
const MOUNT_LINK = '..data';
/** No watch tells of a folder that is itself replaced, or a link to it, that comes later, or that stands on a share. */
const LOOK_MS = 10_000;

/** Follows nothing yet. `onError` hears of a folder that cannot be watched, or not any more. */
export function createFileWatch(
  onChange: () => void,
  onError: (error: Error) => void,
  { lookMs = LOOK_MS } = {},
): FileWatch {
  const watchers = new Map<string, FSWatcher>();
  let followed: readonly string[] = [];
  let seen = '';
  let looking = false;
  let names = new Map<string, Set<string>>();
  let pending: NodeJS.Timeout | undefined;

  function changed(folder: string, name: string | null): void {
    if (name === null || name === MOUNT_LINK || names.get(folder)?.has(name)) tell();
  }

  function tell(): void {
    clearTimeout(pending);
    pending = setTimeout(onChange, TOGETHER_MS);
  }

  async function look(): Promise<void> {
    // A share that hangs holds one look, not all threads of the process.
    if (looking) return;
    looking = true;
    const before = seen;
    const now = await stateOf(followed);
    looking = false;
    // Other files are followed by now, or nothing has changed.
    if (seen !== before || now === before) return;
    seen = now;
    tell();
  }
  const looks = setInterval(() => void look(), lookMs).unref();

  function open(folder: string): void {
    try {
      const watcher = watch(folder, (_, name) => changed(folder, name));
      watcher.on('error', (error) => {
        watchers.delete(folder);
        onError(error);
      });
      watchers.set(folder, watcher);
    } catch (error) {
      onError(error as Error);
    }
  }

  return {
    follow(files) {
      followed = files;
      // At once: what changes from here on is a change. The files were just read in the same way.
      seen = files.map(stateAtOnce).join('\n');
      names = new Map();
      for (const file of files) {
        const folder = dirname(file);
        names.set(folder, (names.get(folder) ?? new Set()).add(basename(file)));
      }
      for (const [folder, watcher] of watchers) {
        if (names.has(folder)) continue;
        watcher.close();
        watchers.delete(folder);
      }
      for (const folder of names.keys()) if (!watchers.has(folder)) open(folder);
    },
    close() {
      clearInterval(looks);
      clearTimeout(pending);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

const NONE = 'none';

/** Differs when one of these was written, replaced, made or removed. Never rejects. */
async function stateOf(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map((file) => stat(file).then(inWords, () => NONE)))).join('\n');
}

function stateAtOnce(file: string): string {
  try {
    return inWords(statSync(file));
  } catch {
    return NONE;
  }
}

function inWords({ size, mtimeMs }: { size: number; mtimeMs: number }): string {
  return `${size} ${mtimeMs}`;
}
