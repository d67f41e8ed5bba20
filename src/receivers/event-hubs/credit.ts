/**
 * Keeps what the SDK may fetch ahead within bounds. Before each read it adds credit for `prefetchCount` events without
 * counting what is still open (event-hubs 6.0.4; shown by the back-pressure test): every read that brought little leaves
 * credit behind, and after an idle hour a burst would arrive in memory at once, however slowly we commit. Taking the left
 * credit back needs the link itself, which the SDK does not show; without it nothing breaks, only the bound is gone.
 */

interface Link {
  credit: number;
  is_open?(): boolean;
  source?: { address?: unknown };
}
interface Internals {
  _context?: {
    connection?: {
      _connection?: { find_receiver?(match: (link: Link) => boolean): Link | undefined };
    };
  };
}

/**
 * To be called as the last thing before a batch's handler returns: the SDK adds its next credit in the same turn of the
 * event loop. Only a surplus is taken back, so that the next addition is surely announced to the service.
 * @returns false where the SDK's inside is not as expected
 */
export function trimCredit(client: unknown, partitionId: string, prefetch: number): boolean {
  const connection = (client as Internals)._context?.connection?._connection;
  if (typeof connection?.find_receiver !== 'function') return false;
  const ending = `/Partitions/${partitionId}`;
  const link = connection.find_receiver(
    (one) => String(one.source?.address).endsWith(ending) && one.is_open?.() !== false,
  );
  if (link && typeof link.credit !== 'number') return false;
  if (link && link.credit >= prefetch) link.credit = 0;
  return true;
}
