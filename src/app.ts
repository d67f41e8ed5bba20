/**
 * The relay as a whole: everything is wired here, in order, and taken down in the reverse order (design section 7).
 * main.ts adds signals and exit codes; tests start several apps in one process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { adapters } from '#adapters/index.ts';
import type { ApiDeps } from './api/deps.ts';
import { reportSignals } from './api/receivers.ts';
import { createServer } from './api/server.ts';
import { createAzureParts } from './azure-parts.ts';
import type { Environment } from './config/env.ts';
import { createConfigHolder, type ConfigHolder } from './config/holder.ts';
import type { RelayConfig } from './config/types.ts';
import { startEmbedded } from './db/embedded/server.ts';
import { migrate } from './db/migrate.ts';
import { isConnectionError, openPools } from './db/pools.ts';
import { hubParts, refreshHubMetrics, startHubs } from './hubs.ts';
import { newId } from './ids.ts';
import { closeServer, listen } from './listen.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createAdapterCaller } from './pipeline/call-adapter.ts';
import { createDelivery, type Delivery } from './pipeline/delivery.ts';
import { createIngest } from './pipeline/ingest.ts';
import { quarantined } from './pipeline/quarantine.ts';
import type { BackfillTimes } from './pipeline/backfill/backfill.ts';
import { createScopeCache } from './pipeline/scope-cache.ts';
import { openSpool, type Spool } from './pipeline/spool/spool.ts';
import { sendTest, testStep } from './pipeline/test-step.ts';
import { createUpkeep, type Upkeep } from './pipeline/upkeep.ts';
import { migrateQueue, openBell, type Bell } from './queue/bell.ts';
import { readiness, refreshMetrics, type Parts } from './readiness.ts';
import type { HubTuning } from './receivers/event-hubs/tuning.ts';

export interface AppOptions {
  env: Environment;
  config: RelayConfig;
  log: Log;
  /** Fires when the process is to end before the start is over. */
  signal?: AbortSignal;
  /** Other times for the Event Hub receivers than the usual ones. */
  hubTuning?: Partial<HubTuning>;
  /** Other times for back-fill than the usual ones. */
  azureTimes?: Partial<BackfillTimes>;
}

export interface App {
  /** Where it listens. */
  url: string;
  config: ConfigHolder;
  metrics: Metrics;
  /** Finishes or releases what it holds, within about 10 s; Postgres stops last. */
  stop(): Promise<void>;
}

/** Prefix of all Redis keys: a hash tag, so that a cluster keeps them on one node. */
const REDIS_PREFIX = '{relay}';
const DELIVERY_STOP_MS = 6_000;
/** Pause between tries to reach a database that was away at the start. */
const BRING_UP_MS = 1_000;

/** Starts the relay. What was already started is taken down again when a later part fails. */
export async function startApp({
  env,
  config: firstConfig,
  log,
  signal,
  hubTuning,
  azureTimes,
}: AppOptions): Promise<App> {
  const cleanups: { name: string; run: () => Promise<unknown> | void }[] = [];
  const cleanup = (name: string, run: () => Promise<unknown> | void): void => void cleanups.push({ name, run });
  let stopping = false;
  const takeDown = async (): Promise<void> => {
    stopping = true;
    for (const { name, run } of cleanups.splice(0).toReversed()) {
      try {
        await run();
      } catch (error) {
        log.warn({ part: name, error: (error as Error).message }, 'stop.failed');
      }
    }
  };
  const onError = (error: Error, context: Record<string, unknown> = {}): void =>
    log.warn({ ...context, error: error.message }, 'part.error');
  try {
    const url = await openTruth();
    const pools = openPools(url, (error) => onError(error, { part: 'postgres' }));
    cleanup('pools', () => pools.end());
    const metrics = createMetrics();
    const holder = createConfigHolder(firstConfig);
    const config = (): RelayConfig => holder.current();
    const scopes = createScopeCache();
    const now = (): Date => new Date();
    let bell: Bell | null = null;
    let orphans = 0;
    let upkeep: Upkeep | null = null;
    cleanup('queue', () => bell?.close());
    const ring = (destinations: Iterable<string>): void => {
      metrics.rings.inc({ result: 'sent' });
      void bell?.ring(destinations);
    };
    const caller = createAdapterCaller({ config, log });
    cleanup('http client', () => caller.close());
    holder.onChange(() => caller.renew());
    const ingest = createIngest({
      pool: pools.ingest,
      config,
      scopes,
      estate: () => azure.estate(),
      newId,
      now,
      quarantine: quarantined,
      onCommitted: ring,
      onFlush: ({ signals, durationMs }) => {
        metrics.flush.observe(durationMs / 1000);
        metrics.flushSize.observe(signals);
      },
      onError,
    });
    cleanup('ingest', () => ingest.drain());
    const onTest: ApiDeps['onTest'] = (signal) => void tellTests(signal);
    const azure = createAzureParts({
      holder,
      role: env.role,
      pools,
      ingest,
      metrics,
      log,
      onStored: (signals, results) =>
        reportSignals({ metrics, log, onTest }, { signals, results }, { door: 'backfill' }),
      onError,
      now,
      ...(azureTimes ? { times: azureTimes } : {}),
    });
    cleanup('azure', () => azure.stop());
    let broughtUp = false;
    const spool = env.role === 'worker' ? null : startSpool();
    const delivery = env.role === 'api' ? null : prepareDelivery();
    await bringUp().catch((error: unknown) => {
      if (!spool || !isConnectionError(error)) throw error;
      onError(error as Error, { part: 'postgres', what: 'not there at the start: signals are spooled' });
      void keepTrying();
    });
    const hubs =
      env.role === 'worker'
        ? null
        : startHubs({ holder, pool: pools.read, ingest, spool, metrics, log, onTest, now, tuning: hubTuning ?? {} });
    cleanup('event hubs', () => hubs?.stop());
    const parts: Parts = {
      pools,
      bell: () => bell,
      delivery,
      spool,
      holder,
      more: () => [...hubParts(hubs?.states() ?? []), ...azure.parts()],
    };
    const deps: ApiDeps = {
      config,
      role: env.role,
      pools,
      ingest: spool ?? ingest,
      metrics,
      log,
      ring,
      now,
      readiness: () => readiness(parts),
      refreshMetrics: () => {
        refreshHubMetrics(hubs?.states() ?? [], metrics);
        azure.refreshMetrics();
        return refreshMetrics(parts, metrics);
      },
      onTest,
      hubs: () => hubs?.states() ?? [],
      estate: azure.estate,
      backfill: azure.backfill,
    };
    azure.start();
    const server = await listen(createServer(deps), env);
    cleanup('http', () => closeServer(server));
    const { port } = server.address() as AddressInfo;
    log.info(
      { port, role: env.role, redis: env.redisUrl !== null, embedded: env.databaseUrl === null },
      'relay.started',
    );
    return { url: `http://${env.host}:${port}`, config: holder, metrics, stop: takeDown };

    async function openTruth(): Promise<string> {
      if (env.databaseUrl) return env.databaseUrl;
      const postgres = await startEmbedded({
        dataDir: env.dataDir,
        ...(signal ? { signal } : {}),
        log: {
          info: (fields, message) => log.info(fields, message),
          warn: (fields, message) => log.warn(fields, message),
        },
      });
      cleanup('postgres', () => postgres.stop());
      return postgres.url;
    }

    /** Everything that needs the database. May be called again after it failed. */
    async function bringUp(): Promise<void> {
      await migrate(url, env.redisUrl ? undefined : migrateQueue);
      const footing = env.redisUrl
        ? ({ kind: 'redis', url: env.redisUrl, prefix: REDIS_PREFIX } as const)
        : ({ kind: 'postgres', url } as const);
      bell ??= openBell(footing, (error) => {
        metrics.rings.inc({ result: 'failed' });
        onError(error, { part: 'queue' });
      });
      if (delivery) {
        await delivery.start();
        upkeep?.start();
        bell.answer((destination) => (metrics.rings.inc({ result: 'answered' }), delivery.drain(destination)), {
          concurrency: 50,
        });
      }
      broughtUp = true;
    }

    async function keepTrying(): Promise<void> {
      while (!stopping && !broughtUp) {
        await sleep(BRING_UP_MS);
        await bringUp().catch((error: unknown) => onError(error as Error, { part: 'postgres' }));
      }
    }

    function startSpool(): Spool | null {
      if (env.spoolDir === null) return null;
      const made = openSpool({
        folder: env.spoolDir,
        ingest,
        config,
        call: caller.call,
        ready: () => broughtUp,
        onError,
        onOpened: (destination) => log.warn({ destination }, 'fail-open.opened'),
      });
      const refresh = setInterval(() => {
        if (broughtUp && !made.active) made.over.refresh(pools.read).catch(() => undefined);
      }, 15_000);
      made.start();
      cleanup('spool', async () => {
        clearInterval(refresh);
        await made.stop();
      });
      return made;
    }

    function prepareDelivery(): Delivery {
      const made = createDelivery({
        pool: pools.delivery,
        config,
        scopes,
        estate: () => azure.estate(),
        role: env.role,
        // The folder of the embedded database is locked: whoever held something before us is dead.
        alone: env.databaseUrl === null,
        call: caller.call,
        now,
        onError,
        onReconciled: (destinations) => destinations.forEach((destination) => metrics.reconciled.inc({ destination })),
        onAttempt: (attempt) => {
          metrics.attempts.inc({ destination: attempt.destination, reason: attempt.reason });
          if (attempt.firstPageS !== null) metrics.firstPage.observe(attempt.firstPageS);
          log.info({ ...attempt, durationMs: Math.round(attempt.durationMs) }, 'delivery.attempted');
        },
      });
      cleanup('delivery', () => made.stop(DELIVERY_STOP_MS));
      upkeep = createUpkeep({
        pool: pools.delivery,
        config,
        ingest,
        ring,
        onOrphans: (count) => {
          if (count > 0 && count !== orphans) log.error({ deliveries: count }, 'destination.orphaned');
          orphans = count;
          metrics.orphans.set(count);
        },
        onError,
        now,
      });
      cleanup('upkeep', () => upkeep?.stop());
      return made;
    }

    async function tellTests(signal: Parameters<ApiDeps['onTest']>[0]): Promise<void> {
      const { destinations, tests } = config();
      const destination = destinations.find((d) => d.name === tests);
      if (!destination) return;
      const outcome = await sendTest(caller.call, destination, testStep({ title: signal.title, signal }));
      log.info({ destination: destination.name, outcome: outcome.outcome }, 'test.told');
    }
  } catch (error) {
    await takeDown();
    throw error;
  }
}

/** The adapters of this build, for whoever reads a config. */
export { adapters };
