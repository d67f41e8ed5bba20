/** What is done by the clock: news of failed deliveries is passed on, old incidents close, old bodies go. */
import type { Pool } from 'pg';
import type { RelayConfig } from '#src/config/types.ts';
import {
  addFallback,
  adoptRenamed,
  findUnreached,
  markFallback,
  noteOrphans,
  type Unreached,
} from '#src/db/destinations.ts';
import { releaseHeld } from '#src/db/deliveries.ts';
import { findIncident } from '#src/db/reads.ts';
import { findAged, forgetIncidents, forgetRaw } from '#src/db/upkeep.ts';
import { newId } from '#src/ids.ts';
import type { Ingest } from './ingest.ts';
import { ownSignal } from './own-signal.ts';

export interface UpkeepOptions {
  pool: Pool;
  config(): RelayConfig;
  ingest: Ingest;
  ring(destinations: Iterable<string>): void;
  /** How many deliveries belong to destinations that the config no longer names. */
  onOrphans(count: number): void;
  onError(error: Error, context: Record<string, unknown>): void;
  now(): Date;
}

export interface Upkeep {
  start(): void;
  stop(): void;
  /** One round of everything; for tests and for `start`. */
  runOnce(): Promise<void>;
}

const FALLBACK_EVERY_MS = 2_000;
const HOUSEKEEPING_EVERY = 300;

/** Runs in every process that delivers; all statements are safe to run twice at once. */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let started = false;
  let round = 0;

  async function fallbacks(): Promise<void> {
    const config = options.config();
    const after = Object.fromEntries(config.destinations.map((d) => [d.name, d.fallback?.afterMs ?? 300_000]));
    for (const unreached of await findUnreached(options.pool, after)) await passOn(config, unreached);
  }

  /** First the effect, which is idempotent, then the mark: a crash in between repeats it without harm. */
  async function passOn(config: RelayConfig, unreached: Unreached): Promise<void> {
    const from = config.destinations.find((d) => d.name === unreached.destination);
    const words = `${unreached.destination} was not reached${unreached.reason ? ` (${unreached.reason})` : ''}`;
    const to = from?.fallback ? config.destinations.find((d) => d.name === from.fallback!.to) : undefined;
    if (to) {
      const row = {
        id: newId('dlv'),
        incidentId: unreached.incidentId,
        destination: to.name,
        destinationId: to.id,
        type: to.type,
        of: unreached.destination,
        revision: unreached.wantedRevision,
      };
      await addFallback(options.pool, { ...row, reason: `${words}; told to ${to.name} instead` });
      options.ring([to.name]);
    } else {
      const incident = await findIncident(options.pool, unreached.incidentId);
      if (incident) {
        const news = {
          identity: incident.identity,
          kind: incident.kind as never,
          trackingId: incident.trackingId,
          severity: incident.severity as never,
        };
        await options.ingest.submit([
          ownSignal({ ...news, title: words, phase: 'note', once: `unreached ${unreached.id}`, at: options.now() }),
        ]);
      }
    }
    await markFallback(options.pool, unreached.id);
  }

  async function closeAged(): Promise<void> {
    const at = options.now();
    const signals = (await findAged(options.pool, 200)).map((incident) =>
      ownSignal({
        ...incident,
        title: `Closed by age: ${incident.reason}`,
        phase: 'close',
        once: `${incident.id} ${incident.revision} ${at.toISOString().slice(0, 10)}`,
        at,
      }),
    );
    if (signals.length > 0) await options.ingest.submit(signals);
  }

  async function guarded(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      options.onError(error as Error, { what });
    }
  }

  async function runOnce(): Promise<void> {
    await guarded('fallback', fallbacks);
    await guarded('orphans', async () => {
      const { destinations } = options.config();
      await adoptRenamed(options.pool, destinations);
      const names = destinations.map((destination) => destination.name);
      options.onOrphans(await noteOrphans(options.pool, names));
    });
    await guarded('held back', async () => options.ring(await releaseHeld(options.pool)));
    if (round++ % HOUSEKEEPING_EVERY !== 0) return;
    await guarded('close by age', closeAged);
    await guarded('retention', () => forgetRaw(options.pool, options.config().retention.rawMs));
    await guarded('retention', () => forgetIncidents(options.pool, options.config().retention.incidentsMs));
  }

  async function loop(): Promise<void> {
    await runOnce();
    if (!stopped) timer = setTimeout(() => void loop(), FALLBACK_EVERY_MS);
  }

  return {
    start() {
      if (started) return;
      started = true;
      void loop();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    runOnce,
  };
}
