/**
 * An append-only file of JSON lines that is on disk before anyone is told so. Appends of one moment share an fsync. A
 * torn last line, from a crash in the middle of a write, was never acknowledged and is cut off.
 */
import {
  closeSync,
  fdatasync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  fstatSync,
  write,
  writeFileSync,
  fsyncSync,
  renameSync,
} from 'node:fs';
import { promisify } from 'node:util';

const writeAsync = promisify(write) as unknown as (
  fd: number,
  data: Buffer,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesWritten: number }>;
const syncAsync = promisify(fdatasync);

/** The journal has reached its limit, or the disk is full: nothing was kept. */
export class JournalFullError extends Error {}

export interface Journal {
  /** Resolves when all lines are on disk. */
  append(lines: readonly string[]): Promise<void>;
  /** Lines after the mark, or after `from`, at most about `bytesMax`, and the mark after them. */
  read(bytesMax: number, from?: number): { lines: string[]; next: number };
  /** Everything before has been dealt with; durable. A journal that is wholly dealt with becomes empty. */
  advance(next: number): void;
  /** Bytes not yet dealt with. */
  readonly size: number;
  /** When it last stopped being empty, milliseconds since 1970; for one found with lines, when it was last written. */
  readonly sinceMs: number;
  close(): void;
}

/** Opens or creates `path`; the mark lives beside it. */
export function openJournal(path: string, { bytesMax }: { bytesMax: number }): Journal {
  closeSync(openSync(path, 'a', 0o600));
  const file = openSync(path, 'r+');
  let sinceMs = fstatSync(file).mtimeMs;
  let end = wholeLines(file);
  ftruncateSync(file, end);
  const marked = readMark(`${path}.mark`);
  let mark = Math.min(marked, end);
  // A crash between the emptying of the file and its mark leaves a mark that would hide what is written next. A right one
  // is not written again: on a disk that this very file has filled there is no room for it, and the relay must start.
  if (mark !== marked) writeMark(`${path}.mark`, mark);
  let waiting: { data: Buffer; resolve(): void; reject(error: Error): void }[] = [];
  let writing = false;
  /** Of the write under way: they may be on disk at any moment, so they count as not dealt with. */
  let writingBytes = 0;

  function cutOff(): void {
    try {
      ftruncateSync(file, end);
    } catch {
      // The disk is past helping; the next append overwrites it.
    }
  }

  async function flush(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const data = Buffer.concat(batch.map((entry) => entry.data));
      writingBytes = data.length;
      try {
        if (end - mark + data.length > bytesMax)
          throw new JournalFullError(`the spool holds ${end - mark} bytes, its limit is ${bytesMax}`);
        // A disk that fills up takes a part of a write and says so by a number; only the write after it fails.
        for (let done = 0; done < data.length;) {
          const { bytesWritten } = await writeAsync(file, data, done, data.length - done, end + done);
          if (bytesWritten === 0) throw new JournalFullError('the disk takes nothing more');
          done += bytesWritten;
        }
        await syncAsync(file);
        end += data.length;
        writingBytes = 0;
        for (const entry of batch) entry.resolve();
      } catch (error) {
        writingBytes = 0;
        // What is half written would stand behind a shorter line of the next append, and read as one of its own.
        cutOff();
        const full = error instanceof JournalFullError || (error as NodeJS.ErrnoException).code === 'ENOSPC';
        for (const entry of batch)
          entry.reject(full ? new JournalFullError((error as Error).message) : (error as Error));
      }
    }
    writing = false;
  }

  return {
    append(lines) {
      return new Promise((resolve, reject) => {
        if (end === mark && waiting.length === 0 && !writing) sinceMs = Date.now();
        waiting.push({ data: Buffer.from(lines.map((line) => `${line}\n`).join('')), resolve, reject });
        if (!writing) {
          writing = true;
          setImmediate(() => void flush());
        }
      });
    },
    read(limit, from = mark) {
      const want = Math.min(limit, end - from);
      let text = readRange(file, from, want);
      // A line longer than the limit is read whole.
      if (!text.includes(0x0a) && want < end - from) text = readRange(file, from, end - from);
      const cut = text.lastIndexOf(0x0a) + 1;
      const lines = text.subarray(0, cut).toString('utf8').split('\n').slice(0, -1);
      return { lines, next: from + cut };
    },
    advance(next) {
      mark = next;
      if (mark === end && !writing && waiting.length === 0 && end > 0) {
        // The mark first: a crash in between finds a mark beyond the end, which reads as empty.
        ftruncateSync(file, 0);
        fsyncSync(file);
        end = 0;
        mark = 0;
      }
      writeMark(`${path}.mark`, mark);
    },
    get size() {
      return end - mark + writingBytes + waiting.reduce((sum, entry) => sum + entry.data.length, 0);
    },
    get sinceMs() {
      return sinceMs;
    },
    close() {
      closeSync(file);
    },
  };
}

function wholeLines(file: number): number {
  const { size } = fstatSync(file);
  const tail = readRange(file, Math.max(0, size - 4 * 1024 * 1024), Math.min(size, 4 * 1024 * 1024));
  const cut = tail.lastIndexOf(0x0a) + 1;
  return cut === 0 ? 0 : size - tail.length + cut;
}

function readRange(file: number, from: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  const read = length === 0 ? 0 : readSync(file, buffer, 0, length, from);
  return buffer.subarray(0, read);
}

function readMark(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8')) || 0;
  } catch {
    return 0;
  }
}

function writeMark(path: string, mark: number): void {
  writeFileSync(`${path}.new`, String(mark), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
