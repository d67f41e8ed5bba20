/**
 * Ingest that survives Postgres being away (design 3.7): signals go to a local file, are acknowledged as `spooled` once
 * they are on disk, and are folded in arrival order, before anything newer, when Postgres is back.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Signal } from '#src/core/signal.ts';
import type { Queryable } from '#src/db/pools.ts';
import { recordDirect } from '#src/db/spool.ts';
import { newId } from '#src/ids.ts';
import { BusyError, UnavailableError, type Ingest, type SignalResult } from '../ingest.ts';
import type { Door } from './door.ts';
import { createFailOpen, type DirectOptions, type FailOpen } from './fail-open.ts';
import { JournalFullError, openJournal, type Journal } from './journal.ts';
import { openOverCache, type OverCache } from './over-cache.ts';
import { takeAnySlot, takeOrphans, type Slot } from './slot.ts';

export interface SpoolOptions extends DirectOptions {
  folder: string;
  ingest: Ingest;
  /** False until the database has been seen once: before that nothing is known about its tables. */
  ready(): boolean;
  /** Limit of the file; beyond it senders get 503. */
  bytesMax?: number;
}

export interface Spool extends Door {
  readonly bytes: number;
  /** How long something has been waiting, seconds; after a restart counted from the last write before it. 0 while empty. */
  readonly ageS: number;
  /** Why the last append failed; null while the spool can take signals. */
  readonly fault: string | null;
  /** One look: drains when there is something and Postgres answers. */
  drainOnce(): Promise<void>;
}

const BYTES_MAX = 512 * 1024 * 1024;
const CHUNK_BYTES = 2 * 1024 * 1024;
const CHUNK_SIGNALS = 500;
const LOOK_MS = 500;
/** Lines that are no JSON any more, for people to look at. */
const DAMAGED = 'damaged.txt';
/** So many looks without Postgres are a start that is under way, or a hiccup. */
const AWAY_LOOKS = 4;
/** Every so many looks the slots of dead replicas are looked at. */
const ORPHANS_EVERY = 60;

/** Takes a slot of the folder and whatever an earlier process left in it. Throws when the folder cannot be used. */
export function openSpool(options: SpoolOptions): Spool {
  const slot = takeAnySlot(options.folder);
  const over = openOverCache(join(slot.folder, 'over.json'));
  const own = openPart(slot, options, over);
  let active = own.journal.size > 0;
  let fault: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let draining: Promise<void> | null = null;
  let looks = 0;
  /** The journal of an earlier process was looked through for pages that it took in and could not make. */
  let recalled = !active;
  let waits = 0;

  async function submit(signals: Signal[]): Promise<SignalResult[]> {
    if (active || !options.ready()) return append(signals);
    try {
      const results = await options.ingest.submit(signals);
      over.learn(signals, results);
      return results;
    } catch (error) {
      if (!(error instanceof UnavailableError) || error instanceof BusyError) throw error;
      return append(signals);
    }
  }

  async function append(signals: Signal[]): Promise<SignalResult[]> {
    active = true;
    try {
      await own.journal.append(signals.map((signal) => JSON.stringify(signal)));
    } catch (error) {
      fault = (error as Error).message;
      // Told all the same: a page that may have to be told twice beats none (fail open).
      own.failOpen.consider(signals);
      throw new UnavailableError(
        error instanceof JournalFullError ? 'the spool is full' : 'the spool cannot be written',
        { cause: error },
      );
    }
    fault = null;
    own.failOpen.consider(signals);
    return signals.map(() => ({ id: newId('sig'), incident: null, outcome: 'spooled' }));
  }

  function drainOnce(): Promise<void> {
    draining ??= look().finally(() => (draining = null));
    return draining;
  }

  async function look(): Promise<void> {
    if (!options.ready() || (active && !(await drainPart(own, options.ingest)))) return stillAway();
    if (active) {
      // No await between the empty look and this: what comes in now goes the usual way.
      active = own.journal.size > 0;
      waits = 0;
      if (!active) {
        recalled = true;
        own.failOpen.clear();
      }
    }
    if (looks++ % ORPHANS_EVERY === 0 && !active) await drainOrphans();
  }

  /** Pages that an earlier process promised, or that fail under a config that has changed, must not wait for Postgres. */
  async function stillAway(): Promise<void> {
    if (!active || waits++ < AWAY_LOOKS) return;
    own.failOpen.resume();
    if (recalled) return;
    recalled = true;
    await own.each((signals) => own.failOpen.noteEnds(signals));
    await own.each((signals) => own.failOpen.consider(signals));
  }

  async function drainOrphans(): Promise<void> {
    for (const orphan of takeOrphans(options.folder)) {
      const part = openPart(orphan, options, over);
      try {
        if (part.journal.size > 0 && (await drainPart(part, options.ingest))) part.failOpen.clear();
      } finally {
        part.close();
      }
    }
  }

  async function loop(): Promise<void> {
    await drainOnce().catch((error: unknown) => options.onError(error as Error, { what: 'spool' }));
    if (!stopped) timer = setTimeout(() => void loop(), LOOK_MS);
  }

  return {
    submit,
    keep: append,
    submitWith: (signals, alongside) => options.ingest.submitWith(signals, alongside),
    drain: () => options.ingest.drain(),
    get waiting() {
      return options.ingest.waiting;
    },
    get active() {
      return active;
    },
    get bytes() {
      return own.journal.size;
    },
    get ageS() {
      return own.journal.size === 0 ? 0 : Math.max(0, Date.now() - own.journal.sinceMs) / 1000;
    },
    get fault() {
      return fault;
    },
    over,
    drainOnce,
    start: () => void loop(),
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await draining?.catch(() => undefined);
      await own.failOpen.settle(2_000);
      own.close();
    },
  };
}

interface Part {
  journal: Journal;
  /** Keeps a line that the disk has damaged beside the journal: it must not block all that stands behind it. */
  setAside(line: string, why: Error): void;
  failOpen: FailOpen;
  /** Everything that waits, in order, a chunk at a time; what is damaged is left to the drain. */
  each(look: (signals: Signal[]) => void): Promise<void>;
  close(): void;
}

function openPart(slot: Slot, options: SpoolOptions, over: OverCache): Part {
  const journal = openJournal(join(slot.folder, 'signals.jsonl'), { bytesMax: options.bytesMax ?? BYTES_MAX });
  const intents = openJournal(join(slot.folder, 'openings.jsonl'), { bytesMax: BYTES_MAX });
  const failOpen = createFailOpen({ ...options, over, journal: intents });
  return {
    journal,
    failOpen,
    async each(look) {
      for (let at: number | undefined; ;) {
        const { lines, next } = journal.read(CHUNK_BYTES, at);
        if (lines.length === 0) return;
        look(lines.map(parsed).filter((signal): signal is Signal => !(signal instanceof Error)));
        at = next;
        await setImmediate();
      }
    },
    setAside(line, why) {
      options.onError(why, { what: 'spool', damagedBytes: line.length, kept: join(slot.folder, DAMAGED) });
      try {
        appendFileSync(join(slot.folder, DAMAGED), `${line}\n`, { mode: 0o600 });
      } catch (full) {
        options.onError(full as Error, { what: 'spool', notKept: line.slice(0, 1_000) });
      }
    },
    close() {
      journal.close();
      intents.close();
      slot.release();
    },
  };
}

/** What a line says, or why it cannot be read: the disk has damaged it. */
function parsed(line: string): Signal | Error {
  try {
    return JSON.parse(line) as Signal;
  } catch (error) {
    return error as Error;
  }
}

/** Folds what the journal holds. True when it has become empty; false when Postgres is (still) away. */
async function drainPart(part: Part, ingest: Ingest): Promise<boolean> {
  while (part.journal.size > 0) {
    const { lines, next } = part.journal.read(CHUNK_BYTES);
    if (lines.length === 0) return false;
    const read = lines.map((line) => ({ line, signal: parsed(line) }));
    const signals = read.flatMap(({ signal }) => (signal instanceof Error ? [] : [signal]));
    for (let at = 0; at < signals.length; at += CHUNK_SIGNALS) {
      const chunk = signals.slice(at, at + CHUNK_SIGNALS);
      const identities = new Set(chunk.map((signal) => signal.identity));
      try {
        await ingest.submitWith(chunk, async (db: Queryable) => {
          // Only now is it sure that the database answers.
          await part.failOpen.handOver(identities);
          await recordDirect(db, part.failOpen.attemptsFor(identities));
        });
      } catch (error) {
        if (error instanceof UnavailableError) return false;
        throw error;
      }
    }
    // Not before the rest is stored: while Postgres is away the same lines are read twice a second.
    for (const { line, signal } of read) if (signal instanceof Error) part.setAside(line, signal);
    part.journal.advance(next);
  }
  return true;
}
