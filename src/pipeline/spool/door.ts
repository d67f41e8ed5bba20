/** The door that signals come in by: an ingest, with something behind it that holds while Postgres is away (design 3.7). */
import type { Signal } from '#src/core/signal.ts';
import type { Ingest, SignalResult } from '../ingest.ts';
import type { OverCache } from './over-cache.ts';

export interface Door extends Ingest {
  /** True while something was taken or told that the record does not have. */
  readonly active: boolean;
  readonly over: OverCache;
  /**
   * Takes signals without asking the store, and opens pagers for them: for whoever has waited for the store already.
   * Rejects with {@link UnavailableError} where they cannot be kept; pagers are opened all the same.
   */
  keep(signals: Signal[]): Promise<SignalResult[]>;
  start(): void;
  stop(): Promise<void>;
}
