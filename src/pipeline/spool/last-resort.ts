/**
 * Where no folder is declared durable nothing is spooled, and senders get 503 while Postgres is away. Pagers are opened
 * directly all the same (design 3.7: either way): the sender may give up before Postgres is back, as Azure does after 75
 * seconds. What a page was opened for is kept in memory, with its end, and goes into the record before anything newer of
 * that incident.
 */
import type { Signal } from '#src/core/signal.ts';
import { recordDirect } from '#src/db/spool.ts';
import { within } from '#src/within.ts';
import { BusyError, UnavailableError, WAIT_MS, type Ingest, type SignalResult } from '../ingest.ts';
import type { Door } from './door.ts';
import { createFailOpen, ends, type DirectOptions } from './fail-open.ts';
import type { Journal } from './journal.ts';
import { createOverCache } from './over-cache.ts';

export interface LastResortOptions extends DirectOptions {
  ingest: Ingest;
}

interface Opened {
  readonly signal: Signal;
  /** The newest that says it is over: its sender was told 503 and may never come back, and the page must not stay open. */
  readonly end: Signal | null;
}

const LOOK_MS = 1_000;
/** A thousand outages at once are none; a signal may be 1 MiB. */
const OPENED_MAX = 1_000;

/** An ingest that opens pagers for what it could not store. */
export function createLastResort(options: LastResortOptions): Door {
  const { ingest } = options;
  const over = createOverCache();
  const failOpen = createFailOpen({ ...options, over, journal: NO_JOURNAL });
  const opened = new Map<string, Opened>();
  let recording: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  function consider(signals: readonly Signal[]): void {
    for (const signal of signals) {
      const { identity } = signal;
      const known = opened.get(identity);
      if (!known && opened.size >= OPENED_MAX) continue;
      failOpen.consider([signal]);
      if (known && ends(signal)) opened.set(identity, { ...known, end: signal });
      else if (!known && failOpen.attemptsFor(new Set([identity])).length > 0)
        opened.set(identity, { signal, end: null });
    }
  }

  function record(): Promise<void> {
    recording ??= recordAll().finally(() => (recording = null));
    return recording;
  }

  async function recordAll(): Promise<void> {
    const taken = new Map(opened);
    const identities = new Set(taken.keys());
    const signals = [...taken.values()].flatMap(({ signal, end }) => (end ? [signal, end] : [signal]));
    try {
      await ingest.submitWith(signals, async (db) => {
        // Only now is it sure that the database answers.
        await failOpen.handOver(identities);
        await recordDirect(db, failOpen.attemptsFor(identities));
      });
    } catch (error) {
      // A commit that failed after the hand-over: the tries go on.
      failOpen.resume();
      throw error;
    }
    failOpen.forget(identities);
    for (const [identity, one] of taken) if (opened.get(identity) === one) opened.delete(identity);
  }

  function look(): void {
    if (opened.size === 0) return;
    record().catch((error: unknown) => {
      if (!(error instanceof UnavailableError)) options.onError(error as Error, { what: 'fail-open' });
    });
  }

  async function store(signals: Signal[]): Promise<SignalResult[]> {
    const results = await ingest.submit(signals);
    over.learn(signals, results);
    return results;
  }

  return {
    async keep(signals) {
      consider(signals);
      throw new UnavailableError('there is no spool');
    },
    async submit(signals) {
      try {
        if (!signals.some(({ identity }) => opened.has(identity))) return await store(signals);
        // What is put on the record first has a transaction of its own.
        return await inTime(record().then(() => store(signals)));
      } catch (error) {
        if (error instanceof UnavailableError && !(error instanceof BusyError)) consider(signals);
        throw error;
      }
    },
    submitWith: (signals, alongside) => ingest.submitWith(signals, alongside),
    drain: () => ingest.drain(),
    get waiting() {
      return ingest.waiting;
    },
    get active() {
      return opened.size > 0;
    },
    over,
    start: () => void (timer = setInterval(look, LOOK_MS)),
    async stop() {
      clearInterval(timer);
      // What is not on the record by then goes with the process.
      if (opened.size > 0) await inTime(record()).catch(() => undefined);
      await failOpen.settle(2_000);
    },
  };
}

/** What is stored later all the same is a repeat when its sender comes back. */
function inTime<T>(work: Promise<T>): Promise<T> {
  return within(work, WAIT_MS, () => new UnavailableError(`not stored within ${WAIT_MS} ms`));
}

const NO_JOURNAL: Journal = {
  append: () => Promise.resolve(),
  read: () => ({ lines: [], next: 0 }),
  advance: () => undefined,
  size: 0,
  sinceMs: 0,
  close: () => undefined,
};
