/** An incident of the relay's database, folded once more from its signals: for `relay route <incident>`. Writes nothing. */
import type { RelayConfig } from '#src/config/types.ts';
import type { PostgresAddress } from '#src/db/address.ts';
import { readIncidentSignals, visitReadOnly } from '#src/db/past-signals.ts';
import { Failure } from './command.ts';
import { createFolding, sourceOf, type FoldedPayloads, type FoldedSignal } from './fold-payloads.ts';
import { reread } from './what-if/reread.ts';

export interface StoredIncident extends FoldedPayloads {
  /** Signals whose body retention has removed, or that cannot be read back. */
  leftOut: number;
}

/** `id` is ours or the tracking ID in any case (its latest episode). Throws {@link Failure} where there is nothing to judge. */
export async function readStoredIncident(
  address: PostgresAddress,
  { id, config }: { id: string; config: RelayConfig },
): Promise<StoredIncident> {
  const found = await visitReadOnly(address, (db) => readIncidentSignals(db, id));
  if (found === null) throw new Failure(`no incident has the id or tracking ID ${JSON.stringify(id.slice(0, 60))}`);
  const folding = createFolding(config);
  const signals: FoldedSignal[] = [];
  let leftOut = 0;
  for (const row of found.signals) {
    const read = reread(row, sourceOf(config, row.source).subscription);
    if (typeof read !== 'string') signals.push(...folding.take(read, row.receivedAt));
    else if (read !== 'own') leftOut += 1;
  }
  const { identity, episode } = found;
  const one = folding.incidents.find(({ incident }) => incident.identity === identity && incident.episode === episode);
  if (!one) throw new Failure(`${id}: the bodies of its signals are gone (retention.raw); there is nothing to judge`);
  one.incident = { ...one.incident, id: found.id };
  return { signals: signals.filter(({ incident }) => incident === one), incidents: [one], leftOut };
}
