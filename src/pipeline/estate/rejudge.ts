/** Open incidents are judged again when the estate has changed: a resource that came to light may add owners, and takes none away. */
import type { Pool } from 'pg';
import type { RelayConfig } from '#src/config/types.ts';
import { hashParts } from '#src/core/fingerprint.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import { loadDestinations } from '#src/db/ingest.ts';
import { findOpenForRoutes } from '#src/db/estate.ts';
import { heldSignal } from '../backfill/signals.ts';
import type { Ingest } from '../ingest.ts';
import { judgeRoutes } from '../routing.ts';

export interface RejudgeOptions {
  pool: Pool;
  ingest: Ingest;
  config: () => RelayConfig;
  estate: () => EstateView;
  now: () => Date;
}

/** Sends a signal that adds nothing for every open incident whose routes now name more; the fold does the rest. */
export async function rejudge(options: RejudgeOptions): Promise<number> {
  const config = options.config();
  const open = await findOpenForRoutes(options.pool);
  const told = new Map<string, Set<string>>();
  for (const row of open.length > 0
    ? await loadDestinations(
        options.pool,
        open.map((one) => one.id),
      )
    : [])
    told.set(row.incidentId, (told.get(row.incidentId) ?? new Set()).add(row.destination));
  const at = options.now().toISOString();
  const signals = open.flatMap((incident) => {
    const post = incident.posts.at(-1);
    const { destinations, estateUnknown } = judgeRoutes(config, incident, incident, options.estate());
    // Everyone was told when the incident opened, if the estate was unknown then; becoming unknown later is no news.
    if (!post || estateUnknown === true || destinations.every((one) => told.get(incident.id)?.has(one.destination)))
      return [];
    const signal = heldSignal(incident, post);
    return [{ ...signal, fingerprint: hashParts(['rejudge', incident.id, at]) }];
  });
  if (signals.length > 0) await options.ingest.submit(signals);
  return signals.length;
}
