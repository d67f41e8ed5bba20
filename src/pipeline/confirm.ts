/**
 * Accepted is not delivered: a vendor that works off its calls later may drop one without a word (destinations 0 fact 1,
 * 5). Where it can be asked, it is asked; what it has dropped is sent again under the same key.
 */
import type { Pool } from 'pg';
import type { Receipt } from '#src/core/adapter.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { takeUnconfirmed, writeConfirmed, writeDropped, type Unconfirmed } from '#src/db/confirm.ts';
import { vendorKey } from './step.ts';

/** Asks the vendor; null while it does not know or cannot be asked. Never throws. */
export type AskVendor = (
  destination: Destination,
  receipt: Receipt,
  call: { vendorKey: string; memo: Unconfirmed['memo'] },
) => Promise<Receipt | null>;

export interface ConfirmOptions {
  pool: Pool;
  config(): RelayConfig;
  ask: AskVendor;
  ring(destinations: Iterable<string>): void;
}

/** Asked at once; each takes at most the adapter's deadline. */
const AT_ONCE = 16;
/** An opening that a vendor drops as often as this is not taken: the fallback is told. */
const DROPS_MAX = 3;

/** One round. Of several replicas each asks about other deliveries. */
export async function confirmAccepted(options: ConfirmOptions): Promise<void> {
  const { pool } = options;
  const { relayId, destinations } = options.config();
  const rung = new Set<string>();
  await Promise.all(
    (await takeUnconfirmed(pool, AT_ONCE)).map(async (asked) => {
      const destination = destinations.find((one) => one.name === asked.destination);
      if (!destination) return;
      const key = vendorKey(relayId, asked, destination.id);
      const receipt = await options.ask(destination, asked.receipt, { vendorKey: key, memo: asked.memo });
      if (receipt === null) return;
      if (receipt['failed'] !== true) return writeConfirmed(pool, asked, receipt);
      const words = typeof receipt['vendorStatus'] === 'string' ? ` (${receipt['vendorStatus']})` : '';
      const summary = `${asked.destination}: ${asked.action} was accepted, but had no effect${words}`;
      if (await writeDropped(pool, asked, { receipt, summary, triesMax: DROPS_MAX })) rung.add(asked.destination);
    }),
  );
  if (rung.size > 0) options.ring(rung);
}
