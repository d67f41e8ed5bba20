/** What is done by the clock: news of failed deliveries is passed on, old incidents close, old bodies go. */
import type { Pool } from 'pg';
import type { RelayConfig } from '#src/config/types.ts';
import { isInForce } from '#src/core/silence.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import {
  addFallback,
  adoptRenamed,
  findUnreached,
  markFallback,
  noteOrphans,
  type Unreached,
} from '#src/db/destinations.ts';
import { wakeQuiet } from '#src/db/damping.ts';
import { releaseHeld } from '#src/db/deliveries.ts';
import { findIncident } from '#src/db/incident-list.ts';
import { settleWords } from '#src/db/search.ts';
import { findAged, forgetCallbacks, forgetIncidents, forgetRaw, placeScope } from '#src/db/upkeep.ts';
import { newId } from '#src/ids.ts';
import { confirmAccepted, type AskVendor } from './confirm.ts';
import type { Ingest } from './ingest.ts';
import { ownSignal } from './own-signal.ts';
import { releaseQuiet } from './quiet.ts';
import { createReminder } from './remind.ts';

export interface UpkeepOptions {
  /** Asks a vendor whether an accepted call took effect. */
  ask: AskVendor;
  pool: Pool;
  config(): RelayConfig;
  ingest: Ingest;
  estate(): EstateView;
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
/** Ten seconds: at 500 new incidents a second 6 MB of words wait by then, and a search that reads them takes some 10 ms longer. */
const WORDS_EVERY = 5;
/** Names change with the config only: for a minute each round, while calls under the old ones end, then once a minute, since it reads every delivery. */
const NAMES_EVERY = 30;

/** Runs in every process that delivers; all statements are safe to run twice at once. */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let started = false;
  let round = 0;
  /** The config that names were last compared with, and for how many rounds. */
  let known: RelayConfig | null = null;
  let since = 0;
  const reminder = createReminder(options);
  let confirming: Promise<void> | null = null;

  async function fallbacks(): Promise<void> {
    const config = options.config();
    const after = Object.fromEntries(config.destinations.map((d) => [d.name, d.fallback?.afterMs ?? 300_000]));
    const nowMs = options.now().getTime();
    const inForce = config.silences.filter((silence) => isInForce(silence, nowMs)).map((silence) => silence.id);
    for (const unreached of await findUnreached(options.pool, after, config.passThrough ? null : inForce))
      await passOn(config, unreached);
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
      const config = options.config();
      if (config !== known) [known, since] = [config, 0];
      if (since++ >= NAMES_EVERY && since % NAMES_EVERY !== 0) return;
      const { destinations } = config;
      await adoptRenamed(options.pool, destinations);
      const names = destinations.map((destination) => destination.name);
      options.onOrphans(await noteOrphans(options.pool, names));
    });
    await guarded('held back', async () => options.ring(await releaseHeld(options.pool)));
    await guarded('silences', async () => options.ring(await releaseQuiet(options)));
    await guarded('flapping', async () => options.ring(await wakeQuiet(options.pool)));
    // Not waited for: a vendor that hangs must not hold up fallbacks.
    confirming ??= guarded('confirm', () => confirmAccepted(options)).finally(() => (confirming = null));
    await guarded('deadlines', () => reminder.round());
    await guarded('scope', () => placeScope(options.pool));
    if (round % WORDS_EVERY === 0) await guarded('words', () => settleWords(options.pool));
    if (round++ % HOUSEKEEPING_EVERY !== 0) return;
    await guarded('close by age', closeAged);
    await guarded('retention', () => forgetRaw(options.pool, options.config().retention.rawMs));
    await guarded('retention', () => forgetIncidents(options.pool, options.config().retention.incidentsMs));
    await guarded('retention', () => forgetCallbacks(options.pool, options.config().retention.incidentsMs));
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
