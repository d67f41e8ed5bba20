/** The calls that a lane has under way: paced where the destination asks for it, and broken off when the leases are lost. */
import type { Outcome, Step } from '#src/core/adapter.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import type { DueDelivery } from '#src/db/due.ts';
import { createPacer, type Pacer } from './pacer.ts';
import { keyedAs, stepKey, vendorKey } from './step.ts';

/** What an adapter call needs from outside; app.ts brings it. */
export type CallAdapter = (
  destination: Destination,
  step: Step,
  call: {
    vendorKey: string;
    stepKey: string;
    memo: DueDelivery['memo'];
    settling: boolean;
    signal: AbortSignal;
    /** False once the lease may be another's: then no further request may go out. Absent: there is no lease. */
    held?: () => boolean;
    /** `traceparent` of the signal that made the news; null where unknown, absent where no delivery asks. */
    trace?: string | null;
  },
) => Promise<Outcome>;

export interface LaneCallsOptions {
  config(): RelayConfig;
  /** The process's leases hold, as far as it can know. */
  holds(): boolean;
  call: CallAdapter;
}

export interface LaneCalls {
  call(target: Destination, row: DueDelivery, about: { step: Step; settling: boolean }): Promise<Outcome>;
  /** Breaks off what is under way. */
  abort(reason: Error): void;
}

/** None is under way yet. */
export function createLaneCalls(options: LaneCallsOptions): LaneCalls {
  const aborts = new Set<AbortController>();
  let pacer: Pacer | null = null;
  return {
    async call(target, row, { step, settling }) {
      const abort = new AbortController();
      aborts.add(abort);
      try {
        pacer =
          target.rate && !options.config().passThrough && !row.passThrough ? (pacer ?? createPacer(target.rate)) : null;
        try {
          await pacer?.turn(abort.signal);
        } catch {
          return { outcome: 'retryable', reason: 'aborted', detail: 'broken off before anything was sent' };
        }
        return await options.call(target, step, {
          vendorKey: vendorKey(options.config().relayId, keyedAs(row), target.id),
          stepKey: stepKey(row.id, step),
          memo: row.memo,
          settling,
          signal: abort.signal,
          held: () => options.holds(),
          trace: row.trace ?? null,
        });
      } finally {
        aborts.delete(abort);
      }
    },
    abort(reason) {
      for (const abort of aborts) abort.abort(reason);
    },
  };
}
