/** A slice of an Event Hub batch and the partition's position become durable in one transaction (design section 3). */
import type { Signal } from '#src/core/signal.ts';
import { movePosition, type PositionMove } from '#src/db/event-hubs.ts';
import { UnavailableError, type Ingest, type SignalResult } from './ingest.ts';

/** The position was moved by somebody else, or the partition is another's: nothing of the slice was stored. */
export class PositionLostError extends UnavailableError {
  /** Rolls back without giving up the connection: the store itself is fine. */
  readonly code = '00000';
}

/**
 * Stores the signals and moves the position; null stores signals of an event that needs further slices.
 * @returns `lost` when the partition must be dropped
 * @throws UnavailableError when the same slice must be tried again
 */
export async function commitHubSlice(
  ingest: Ingest,
  signals: Signal[],
  move: PositionMove | null,
): Promise<SignalResult[] | 'lost'> {
  try {
    return await ingest.submitWith(signals, async (db) => {
      if (move && !(await movePosition(db, move)))
        throw new PositionLostError(`partition ${move.partitionId} is no longer ours at ${move.from}`);
    });
  } catch (error) {
    if (error instanceof PositionLostError) return 'lost';
    throw error;
  }
}
