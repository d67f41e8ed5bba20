/** The context of one call of an adapter from the command line: as in the pipeline, without a delivery behind it. */
import type { AdapterLog, DeliverContext } from '#src/core/adapter.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';

type Call = Pick<DeliverContext<unknown>, 'http' | 'resolveHost' | 'signal' | 'vendorKey' | 'stepKey'> & {
  memo?: DeliverContext<unknown>['memo'];
  settling?: boolean;
  /** What the adapter says on the way. */
  onNote?: (message: string) => void;
  /** Fixed for a preview; the clock otherwise. */
  now?: Date;
};

/** Everything an adapter may use; `http` decides whether anything leaves this machine. */
export function deliverContext(config: RelayConfig, destination: Destination, call: Call): DeliverContext<unknown> {
  const { memo = {}, settling = false, onNote, now, ...rest } = call;
  const note: AdapterLog['info'] = (_fields, message) => onNote?.(message);
  const { name, id, timezone, sensitive, settings } = destination;
  return {
    ...rest,
    settings,
    destination: { name, id, timezone, sensitive },
    relayId: config.relayId,
    memo,
    settling,
    log: { info: note, warn: note },
    now: () => now ?? new Date(),
  };
}
