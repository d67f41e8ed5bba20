/** What is wrong with a hub now: the connection, or single partitions. One partition that works does not hide another that fails. */

export interface Faults {
  /** `partitionId` null: the hub as a whole. */
  set(partitionId: string | null, message: string): void;
  /** Something came through: the hub answers, and so does this partition. */
  clear(partitionId: string | null): void;
  /** The gravest of them, or null. */
  current(): string | null;
}

/**
 * Starts with a hub that was not reached yet. A failing partition fails again at every cycle; one that has been quiet
 * for `partitionMs` is somebody else's by now.
 */
export function createFaults(partitionMs: number, nowMs: () => number = Date.now): Faults {
  const faults = new Map<string | null, { message: string; atMs: number }>([
    [null, { message: 'not connected yet', atMs: 0 }],
  ]);
  return {
    set: (partitionId, message) => void faults.set(partitionId, { message, atMs: nowMs() }),
    clear(partitionId) {
      faults.delete(null);
      faults.delete(partitionId);
    },
    current() {
      const whole = faults.get(null);
      if (whole) return whole.message;
      for (const [partitionId, { message, atMs }] of faults) {
        if (nowMs() - atMs <= partitionMs) return `partition ${partitionId}: ${message}`;
        faults.delete(partitionId);
      }
      return null;
    },
  };
}
