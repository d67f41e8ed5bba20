/** Tells when any of some files has changed. Editors and mounted secrets replace files: their folders are watched. */
import { watch, type FSWatcher } from 'node:fs';
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
  let seen = stateOf(followed);
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
    const [before, now] = [seen, stateOf(followed)];
    const changes = (await before) !== (await now);
    looking = false;
    if (!changes || seen !== before) return;
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
      seen = stateOf(files);
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

/** Differs when one of these was written, replaced, made or removed. Never rejects. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map((file) =>
    stat(file).then(
      ({ size, mtimeMs }) => `${size} ${mtimeMs}`,
      () => 'none',
    ),
  );
  return (await Promise.all(states)).join('\n');
}
