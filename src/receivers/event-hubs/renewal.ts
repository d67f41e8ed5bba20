/** The heart of a reader: while it beats, nobody takes its partitions. */
import type { HubCheckpoints, HubKey, HubStore } from './checkpoint-store.ts';
import type { HubTuning } from './tuning.ts';

export interface RenewalOptions {
  store: Pick<HubStore, 'renewOwnership'>;
  key: HubKey;
  ownerId: string;
  /** Tells when the SDK last shared out partitions. */
  checkpoints: Pick<HubCheckpoints, 'lastCycleAt'>;
  tuning: Pick<HubTuning, 'renewMs' | 'cycleDeadMs'>;
}

/**
 * Renews the claims every `renewMs`. The SDK does that too, but claim by claim and only after it has asked the hub, so
 * that it cannot be done often; and what is renewed seldom must expire late, though the partitions of a process that was
 * killed stand still until then.
 */
export function keepRenewing({ store, key, ownerId, checkpoints, tuning }: RenewalOptions): { stop(): void } {
  let busy = false;
  const timer = setInterval(() => {
    if (busy || Date.now() - checkpoints.lastCycleAt > tuning.cycleDeadMs) return;
    busy = true;
    store
      .renewOwnership(key, ownerId)
      // A store that is away gives nobody the partitions; the SDK's own cycle reports it.
      .catch(() => undefined)
      .finally(() => (busy = false));
  }, tuning.renewMs);
  return { stop: () => clearInterval(timer) };
}
