/** Tells when any of some files has changed. Editors and mounted secrets replace files: their folders are watched. */
import { watch, type FSWatcher } from 'node:fs';
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

/** Follows nothing yet. `onError` hears of a folder that cannot be watched, or not any more. */
export function createFileWatch(onChange: () => void, onError: (error: Error) => void): FileWatch {
  const watchers = new Map<string, FSWatcher>();
  let names = new Map<string, Set<string>>();
  let pending: NodeJS.Timeout | undefined;

  function changed(folder: string, name: string | null): void {
    if (name !== null && name !== MOUNT_LINK && !names.get(folder)?.has(name)) return;
    clearTimeout(pending);
    pending = setTimeout(onChange, TOGETHER_MS);
  }

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
      clearTimeout(pending);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
