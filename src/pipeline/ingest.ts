/**
 * The first use case: signals become durable, folded and promised to destinations, in one transaction per batch
 * (design 3.2). Concurrent requests share a commit: a flush starts when none is under way and takes what has come in.
 */
import type { Signal, SignalOutcome } from '#src/core/signal.ts';
import { findSignals, openBatch, writeBatch } from '#src/db/ingest.ts';
import { ingestTransaction } from '#src/db/ingest-session.ts';
import { isConflict, isConnectionError, isDataError, transaction, type Queryable } from '#src/db/pools.ts';
import type { Tracing } from '#src/core/trace.ts';
import { failpoint } from '#src/failpoint.ts';
import type { Pool } from 'pg';
import { foldBatch, keysOf, type FoldedBatch } from './fold-batch.ts';
import type { FoldBatchOptions } from './promise.ts';

export interface SignalResult {
  id: string;
  incident: string | null;
  outcome: SignalOutcome;
}

/** Neither stored nor refused: the sender must try again (HTTP 503). */
export class UnavailableError extends Error {}

/** The store works, but too much is waiting for it: the sender must come back, and nothing else helps. */
export class BusyError extends UnavailableError {}

export interface IngestOptions extends FoldBatchOptions {
  pool: Pool;
  /** Pages wait for this process: a commit is put off, for a moment, so that they go out first. Absent: never. */
  behind?(): boolean;
  /** Called after a commit with the destinations that have work. */
  onCommitted(destinations: ReadonlySet<string>): void;
  /** Called with what a flush did, for metrics. */
  onFlush?(flush: { signals: number; durationMs: number }): void;
  /** Called after a commit with what became of its signals, for metrics. */
  onFolded?(results: readonly SignalResult[]): void;
  /** Absent: no spans. */
  tracing?: Tracing;
  onError(error: Error, context: Record<string, unknown>): void;
}

export interface Ingest {
  /** Resolves when the signals are durable. Rejects with {@link UnavailableError} when they could not be stored. */
  submit(signals: Signal[]): Promise<SignalResult[]>;
  /** A transaction of its own, with more work in the same commit: an Event Hub position (design section 4). */
  submitWith(signals: Signal[], alongside: (db: Queryable) => Promise<void>): Promise<SignalResult[]>;
  /** Waits for what is under way. */
  drain(): Promise<void>;
  readonly waiting: number;
}

/** Rolls a transaction back on purpose. */
class DryRun extends Error {
  readonly code = '00000';
}

/** At most this many signals share one commit, and at most two commits are under way (design section 8). */
const FLUSH_MAX = 500;
const IN_FLIGHT_MAX = 2;
/** About two seconds of work at the measured rate: beyond that a sender is better told to come back. */
const WAITING_MAX = 10_000;
/**
 * At most this long is a commit put off while deliveries are behind. At 64 posts in flight of distinct incidents more was
 * accepted than delivered, and a page was 0.9 s late in the middle and 1.9 s at p99; commits grow meanwhile, so no
 * capacity is lost.
 */
const HOLD_OFF_MS = 50;
const HOLD_OFF_LOOK_MS = 4;
/** No request waits longer (design 3.1: 5 s). */
export const WAIT_MS = 4_500;
const CONFLICT_TRIES = 8;

interface Entry {
  signals: Signal[];
  resolve(results: SignalResult[]): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
  done: boolean;
}

/** Starts the batcher. */
export function createIngest(options: IngestOptions): Ingest {
  const queue: Entry[] = [];
  let waiting = 0;
  let inFlight = 0;
  let idle: (() => void)[] = [];
  let heldSinceMs: number | null = null;
  let looking: NodeJS.Timeout | undefined;

  function submit(signals: Signal[]): Promise<SignalResult[]> {
    if (waiting + signals.length > WAITING_MAX && waiting > 0)
      return Promise.reject(new BusyError('too much is waiting to be stored'));
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        signals,
        resolve,
        reject,
        done: false,
        timer: setTimeout(() => finish(entry, new UnavailableError(`not stored within ${WAIT_MS} ms`)), WAIT_MS),
      };
      queue.push(entry);
      waiting += signals.length;
      // Let every request of this turn of the event loop join the flush.
      setImmediate(pump);
    });
  }

  function finish(entry: Entry, result: SignalResult[] | Error): void {
    if (entry.done) return;
    entry.done = true;
    clearTimeout(entry.timer);
    if (result instanceof Error) entry.reject(result);
    else entry.resolve(result);
  }

  /** Whether the next commit is to wait; then looks again by itself. */
  function holdOff(): boolean {
    const nowMs = performance.now();
    if (!options.behind?.() || nowMs - (heldSinceMs ?? nowMs) >= HOLD_OFF_MS) {
      heldSinceMs = null;
      return false;
    }
    heldSinceMs ??= nowMs;
    looking ??= setTimeout(() => {
      looking = undefined;
      pump();
    }, HOLD_OFF_LOOK_MS);
    return true;
  }

  function pump(): void {
    if (queue.length > 0 && holdOff()) return;
    while (inFlight < IN_FLIGHT_MAX && queue.length > 0) {
      const batch: Entry[] = [];
      let size = 0;
      while (queue.length > 0 && (size === 0 || size + queue[0]!.signals.length <= FLUSH_MAX)) {
        const entry = queue.shift()!;
        size += entry.signals.length;
        batch.push(entry);
      }
      inFlight++;
      void flush(batch, size).finally(() => {
        inFlight--;
        waiting -= size;
        if (queue.length > 0) pump();
        else if (inFlight === 0) {
          for (const done of idle) done();
          idle = [];
        }
      });
    }
  }

  async function flush(batch: Entry[], size: number): Promise<void> {
    const started = performance.now();
    try {
      // An entry whose sender was already told 503 is dropped: nobody was promised anything.
      const live = batch.filter((entry) => !entry.done);
      const results = await traced(live.flatMap((entry) => entry.signals));
      let at = 0;
      for (const entry of live) finish(entry, results.slice(at, (at += entry.signals.length)));
    } catch (error) {
      for (const entry of batch)
        finish(entry, error instanceof UnavailableError ? error : new UnavailableError('the store refused the batch'));
    }
    options.onFlush?.({ signals: size, durationMs: performance.now() - started });
  }

  function traced(signals: Signal[], alongside?: (db: Queryable) => Promise<void>): Promise<SignalResult[]> {
    const work = (): Promise<SignalResult[]> => store(signals, alongside);
    return options.tracing && signals.length > 0 ? options.tracing.flush(signals, work) : work();
  }

  /** One transaction; on a data error the culprits are kept with the store's reason, and the rest as it is. */
  async function store(signals: Signal[], alongside?: (db: Queryable) => Promise<void>): Promise<SignalResult[]> {
    if (signals.length === 0 && !alongside) return [];
    try {
      return await commit(signals, alongside);
    } catch (error) {
      if (signals.length === 0 || error instanceof UnavailableError || !isDataError(error)) throw unavailable(error);
      return commit(await sift(signals), alongside);
    }
  }

  /** Halves a batch that the store refuses until the culprits stand alone, and replaces those. Nothing is written. */
  async function sift(signals: Signal[]): Promise<Signal[]> {
    try {
      await transaction(options.pool, async (db) => {
        const folded = await foldBatch(db, signals, { ...options, opened: await openBatch(db, keysOf(signals)) });
        await writeBatch(db, folded.batch, folded.retired);
        throw new DryRun();
      });
      return signals;
    } catch (error) {
      if (error instanceof DryRun) return signals;
      if (!isDataError(error)) throw unavailable(error);
      const half = signals.length >> 1;
      if (half > 0) return [...(await sift(signals.slice(0, half))), ...(await sift(signals.slice(half)))];
      options.onError(error as Error, { source: signals[0]!.source, fingerprint: signals[0]!.fingerprint });
      return [options.quarantine(signals[0]!, error as Error)];
    }
  }

  async function commit(signals: Signal[], alongside?: (db: Queryable) => Promise<void>): Promise<SignalResult[]> {
    for (let tries = 1; ; tries++) {
      try {
        const folded = alongside ? await stepByStep(signals, alongside) : await inTwo(signals);
        failpoint('ingest.before-ring');
        folded.remember();
        options.onFolded?.(folded.results);
        if (folded.destinations.size > 0) options.onCommitted(folded.destinations);
        return folded.results;
      } catch (error) {
        if (isConflict(error) && tries < CONFLICT_TRIES) continue;
        if (!isConnectionError(error)) throw error;
        const settled = alongside ? null : await settle(signals);
        if (settled) return settled;
        throw unavailable(error);
      }
    }
  }

  /** The usual way: two round trips to the server for the whole transaction. */
  function inTwo(signals: Signal[]): Promise<FoldedBatch> {
    return ingestTransaction(options.pool, keysOf(signals), async (db, opened) => {
      const folded = await foldBatch(db, signals, { ...options, opened });
      failpoint('ingest.in-commit');
      return folded;
    });
  }

  function stepByStep(signals: Signal[], alongside: (db: Queryable) => Promise<void>): Promise<FoldedBatch> {
    return transaction(options.pool, async (db) => {
      const folded = await foldBatch(db, signals, { ...options, opened: await openBatch(db, keysOf(signals)) });
      await writeBatch(db, folded.batch, folded.retired);
      await alongside(db);
      failpoint('ingest.in-commit');
      return folded;
    });
  }

  /** The connection was lost, perhaps inside COMMIT: the fingerprints tell whether the batch is in (design 3.2). */
  async function settle(signals: Signal[]): Promise<SignalResult[] | null> {
    try {
      const known = new Map(
        (
          await findSignals(
            options.pool,
            signals.map((s) => s.fingerprint),
          )
        ).map((k) => [k.fingerprint, k]),
      );
      if (!signals.every((signal) => known.has(signal.fingerprint))) return null;
      return signals.map((signal) => {
        const { id, incidentId, outcome } = known.get(signal.fingerprint)!;
        return { id, incident: incidentId, outcome };
      });
    } catch {
      return null;
    }
  }

  function unavailable(error: unknown): UnavailableError {
    if (error instanceof UnavailableError) return error;
    options.onError(error as Error, { what: 'ingest' });
    return new UnavailableError((error as Error).message, { cause: error });
  }

  return {
    submit,
    submitWith: (signals, alongside) => traced(signals, alongside),
    async drain() {
      if (queue.length > 0 || inFlight > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
    get waiting() {
      return waiting;
    },
  };
}
