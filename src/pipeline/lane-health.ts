/** What the calls of a lane tell of its destination, for all replicas: pauses, breaker, when it last answered. */
import type { Pool } from 'pg';
import type { Outcome } from '#src/core/adapter.ts';
import { recordFailure, recordRefusal, recordSuccess } from '#src/db/destinations.ts';

export interface LaneHealth {
  /** A look has found so many failures in a row. */
  saw(failures: number): void;
  remember(outcome: Outcome): Promise<void>;
}

/** One write in so long is enough to show health; after failures the first success is written at once. */
const SUCCESS_EVERY_MS = 5_000;

/** Of the destination of that name. */
export function createLaneHealth(pool: Pool, name: string): LaneHealth {
  let failing = false;
  let successWrittenMs = -Infinity;
  return {
    saw(failures) {
      // Only a success that is written clears it: a look that finds nothing due says nothing about the destination.
      failing ||= failures > 0;
    },
    async remember(outcome) {
      if (outcome.outcome === 'accepted') {
        const nowMs = performance.now();
        if (!failing && nowMs - successWrittenMs < SUCCESS_EVERY_MS) return;
        successWrittenMs = nowMs;
        failing = false;
        return recordSuccess(pool, name);
      }
      // One recipient of several that is refused for now says nothing about the destination either.
      if (outcome.outcome === 'retryable' && outcome.reason === 'refused') return;
      failing = true;
      if (outcome.reason === 'aborted') return;
      const disable = outcome.outcome === 'permanent' && outcome.disableDestination === true;
      // A message that is refused is no reason to pause. A wrong key refuses every one of them, so it must be seen.
      if (outcome.outcome === 'permanent' && !disable) return recordRefusal(pool, name, outcome.reason);
      const pauseMs =
        outcome.outcome === 'retryable' && outcome.reason === 'rate-limited' ? (outcome.retryAfterMs ?? 30_000) : 0;
      await recordFailure(pool, name, { reason: outcome.reason, pauseMs, disable });
    },
  };
}
