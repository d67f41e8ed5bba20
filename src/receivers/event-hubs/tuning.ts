/** Times and sizes of the Event Hub receivers. Tests shorten them; a running relay has these. */

export interface HubTuning {
  /** How often the SDK shares out partitions and renews its claims. */
  updateIntervalMs: number;
  /** How often a process says that it lives, and its claims with it. */
  renewMs: number;
  /** Claims that were not renewed for this long are those of a dead process: the longest that its partitions stand still, but for one cycle. */
  ownershipExpiryMs: number;
  /** A process whose SDK has shared nothing out for this long renews its claims no more: it may be cut off from the hub alone. */
  cycleDeadMs: number;
  /** How long one read waits for events. */
  maxWaitS: number;
  /** How often the end of each partition is asked for. */
  watchMs: number;
  /** A partition that has lag and no progress for this long is restarted. */
  stallMs: number;
  /** The longest that closing may take: the SDK's close() can hang for ever (azure-local 1.2). */
  closeMs: number;
  /** Pause before a batch that could not be stored is tried again; doubles up to the second figure. */
  retryMs: readonly [number, number];
  /** Pause before a hub that cannot be reached is tried again; doubles up to the second figure. */
  reconnectMs: readonly [number, number];
  sdkRetry: { maxRetries: number; retryDelayInMs: number; maxRetryDelayInMs: number; timeoutInMs: number };
  /** Signals in one commit; as many as the webhook path takes (design section 8). */
  signalsMax: number;
}

export const DEFAULT_TUNING: HubTuning = {
  updateIntervalMs: 3_000,
  renewMs: 1_000,
  ownershipExpiryMs: 5_000,
  cycleDeadMs: 15_000,
  maxWaitS: 5,
  watchMs: 10_000,
  stallMs: 60_000,
  closeMs: 3_000,
  retryMs: [200, 10_000],
  reconnectMs: [1_000, 30_000],
  sdkRetry: { maxRetries: 3, retryDelayInMs: 500, maxRetryDelayInMs: 5_000, timeoutInMs: 15_000 },
  signalsMax: 500,
};

/** Larger batches make a commit no cheaper per signal. */
const BATCH_MAX = 250;

/**
 * Events per read and prefetch such that all partitions together never hold more than `recordsMax`: a partition has one
 * batch in hand and up to twice the prefetch on its way (credit.ts).
 */
export function batchSize(recordsMax: number, partitions: number): number {
  return Math.max(1, Math.min(BATCH_MAX, Math.floor(recordsMax / (3 * Math.max(1, partitions)))));
}

/** Exponential pause with jitter: `tries` from 0. */
export function backoff([firstMs, mostMs]: readonly [number, number], tries: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(tries, 20)) * (0.75 + Math.random() / 4);
}
