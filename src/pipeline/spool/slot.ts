/**
 * A place of one's own in the spool folder. Replicas may share a volume: each takes a numbered slot under a lock of the
 * operating system, which ends with the process however that dies; the slots of dead ones are drained by whoever lives.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Slot {
  folder: string;
  release(): void;
}

/** More replicas than this on one volume is not a set-up that we know of. */
const SLOTS = 32;

/** Takes one slot; null when somebody has it. Throws when the folder cannot be written or locked. */
export function takeSlot(folder: string, number: number): Slot | null {
  const own = join(folder, String(number).padStart(2, '0'));
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(own, 'lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    // 5 is SQLITE_BUSY.
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return null;
    throw error;
  }
  return { folder: own, release: () => void (lock.isOpen && lock.close()) };
}

/** Takes the first free slot. What it throws ends a start, so it names what to change. */
export function takeAnySlot(folder: string): Slot {
  for (let number = 0; number < SLOTS; number++) {
    try {
      const slot = takeSlot(folder, number);
      if (slot) return slot;
    } catch (error) {
      const why = (error as Error).message;
      throw new Error(`the spool folder ${folder} cannot be used (${why}); set RELAY_SPOOL_DIR to another`, {
        cause: error,
      });
    }
  }
  throw new Error(`all ${SLOTS} slots of the spool folder are in use`);
}

/**
 * Slots that hold something and whose owners are gone, one after the other; each must be released. Looks at file sizes
 * first: to lock and open all 32 cost 64 syncs of the disk in the event loop, twice a minute.
 */
export function* takeOrphans(folder: string): Generator<Slot> {
  for (const name of readdirSync(folder).filter((entry) => /^\d\d$/.test(entry))) {
    if (!holdsSomething(join(folder, name))) continue;
    const slot = takeSlot(folder, Number(name));
    if (slot) yield slot;
  }
}

function holdsSomething(slot: string): boolean {
  return readdirSync(slot).some((file) => file.endsWith('.jsonl') && statSync(join(slot, file)).size > 0);
}
