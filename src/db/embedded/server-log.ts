import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { createForOwner } from './folder.ts';

/** What Postgres prints, in `postgres.log` of the data folder. At most twice LOG_BYTES_MAX with the part before. */
export interface ServerLogFile {
  fd: number;
  /** Keeps the log small: beyond the limit it becomes `postgres.log.1` and starts empty. */
  trim(): void;
  /** A place to read from later. */
  mark(): number;
  /** What was printed since, at most the last 8 KiB. */
  since(mark: number): string;
  close(): void;
}

const LOG_BYTES_MAX = 4 * 1024 * 1024;

/** Opens the log for appending, so that it can be cut while Postgres, which has the same file open, goes on writing. */
export async function openServerLog(folder: string): Promise<ServerLogFile> {
  const path = join(folder, 'postgres.log');
  await createForOwner(path, folder);
  await createForOwner(`${path}.1`, folder);
  const fd = openSync(path, 'a+', 0o600);
  const log: ServerLogFile = {
    fd,
    trim() {
      if (fstatSync(fd).size <= LOG_BYTES_MAX) return;
      copyFileSync(path, `${path}.1`);
      ftruncateSync(fd, 0);
    },
    mark: () => fstatSync(fd).size,
    since(mark) {
      const end = fstatSync(fd).size;
      const start = Math.max(mark, end - 8192);
      const buffer = Buffer.alloc(Math.max(0, end - start));
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
    },
    close: () => closeSync(fd),
  };
  log.trim();
  return log;
}
