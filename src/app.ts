/**
 * The relay as a whole: everything is wired here, in order, and taken down in the reverse order (design section 7).
 * process.ts adds signals and exit codes; tests start several apps in one process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { adapters } from '#adapters/index.ts';
import type { ApiDeps } from './api/deps.ts';
import { reportSignals } from './api/receivers.ts';
import { createServer } from './api/server.ts';
import { createAzureParts, type AzureTimes } from './azure-parts.ts';
import { createCleanups } from './cleanups.ts';
import { createCanaryParts, createCanarySink } from './canary-parts.ts';
import { createStoreTokens } from './azure/store-tokens.ts';
import type { Environment } from './config/env.ts';
import { createConfigHolder, type ConfigHolder } from './config/holder.ts';
import type { RelayConfig } from './config/types.ts';
import { connectionOf, type PostgresAddress } from './db/address.ts';
import { createDeliveryParts } from './delivery-parts.ts';
import { startEmbedded } from './db/embedded/server.ts';
import { migrate } from './db/migrate.ts';
import { isConnectionError, openPools } from './db/pools.ts';
import { hubParts, refreshHubMetrics, startHubs } from './hubs.ts';
import { newId } from './ids.ts';
import { closeServer, listen } from './listen.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createAdapterCaller } from './pipeline/call-adapter.ts';
import { createIngest } from './pipeline/ingest.ts';
import { quarantined } from './pipeline/quarantine.ts';
import { createScopeCache } from './pipeline/scope-cache.ts';
import { sendTest, testStep } from './pipeline/test-step.ts';
import { migrateQueue, openBell, type Bell } from './queue/bell.ts';
import { readiness, refreshMetrics, type Parts } from './readiness.ts';
import type { HubTuning } from './receivers/event-hubs/tuning.ts';
import { createDoor } from './spool-parts.ts';
import { startTracing } from './tracing/start.ts';

export interface AppOptions {
  env: Environment;
  config: RelayConfig;
  log: Log;
  /** Fires when the process is to end before the start is over. */
  signal?: AbortSignal;
  /** Other times for the Event Hub receivers than the usual ones. */
  hubTuning?: Partial<HubTuning>;
  /** Other times for what reads Azure than the usual ones. */
  azureTimes?: AzureTimes;
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
  const cleanups = createCleanups(log);
  const cleanup = cleanups.add;
  const onError = (error: Error, context: Record<string, unknown> = {}): void =>
    log.warn({ ...context, error: error.message }, 'part.error');
  try {
    const tokens = createStoreTokens(env, onError);
    cleanup('tokens', () => tokens.stop());
    await tokens.start();
    const truth = await openTruth();
    const pools = openPools(truth, (error) => onError(error, { part: 'postgres' }));
    cleanup('pools', () => pools.end());
    const metrics = createMetrics();
    const traces = await startTracing(env.tracing, { role: env.role, log, metrics });
    cleanup('traces', () => traces?.stop());
    const tracing = traces ? { tracing: traces.tracing } : {};
    const holder = createConfigHolder(firstConfig);
    const sink = createCanarySink();
    const config = (): RelayConfig => sink.addedTo(holder.current());
    const scopes = createScopeCache();
    const now = (): Date => new Date();
    let bell: Bell | null = null;
    cleanup('queue', () => bell?.close());
    const ring = (destinations: Iterable<string>): void => {
      metrics.rings.inc({ result: 'sent' });
      void bell?.ring(destinations);
    };
    const caller = createAdapterCaller({ config, log, ...tracing });
    cleanup('http client', () => caller.close());
    holder.onChange(() => caller.renew());
    let behind = (): boolean => false;
    const pipes = {
      env,
      pools,
      config,
      scopes,
      estate: () => azure.estate(),
      caller,
      ring,
      metrics,
      log,
      onError,
      now,
    };
    const ingest = createIngest({
      ...pipes,
      behind: () => behind(),
      pool: pools.ingest,
      newId,
      quarantine: quarantined,
      onCommitted: ring,
      onFolded: (results) => results.forEach(({ outcome }) => metrics.folds.inc({ outcome })),
      ...tracing,
      onFlush: ({ signals, durationMs }) => {
        metrics.flush.observe(durationMs / 1000);
        metrics.flushSize.observe(signals);
      },
    });
    cleanup('ingest', () => ingest.drain());
    const onTest: ApiDeps['onTest'] = (signal) => void tellTests(signal);
    const azure = createAzureParts({
      holder,
      role: env.role,
      pools,
      ingest,
      call: caller.call,
      metrics,
      log,
      onStored: (signals, results) =>
        reportSignals({ metrics, log, onTest }, { signals, results }, { door: 'backfill' }),
      onError,
      now,
      ...(azureTimes ? { times: azureTimes } : {}),
    });
    cleanup('azure', () => azure.stop());
    const canary = createCanaryParts({ sink, holder, role: env.role, pools, metrics, log, onError, now });
    let broughtUp = false;
    const taking = createDoor({ ...pipes, ingest, broughtUp: () => broughtUp });
    const { door, spool } = taking;
    cleanup('door', () => taking.stop());
    const sending = env.role === 'api' ? null : createDeliveryParts({ ...pipes, ingest });
    cleanup('delivery', () => sending?.stop());
    behind = () => sending?.delivery.behind() ?? false;
    await bringUp().catch((error: unknown) => {
      if (!spool || !isConnectionError(error)) throw error;
      onError(error as Error, { part: 'postgres', what: 'not there at the start: signals are spooled' });
      void keepTrying();
    });
    const edge = { metrics, log, onTest, now, ...tracing };
    const hubs =
      env.role === 'worker'
        ? null
        : startHubs({
            ...edge,
            holder,
            pool: pools.read,
            ingest,
            door,
            tuning: hubTuning,
            alone: env.databaseUrl === null,
          });
    cleanup('event hubs', () => hubs?.stop());
    const parts: Parts = {
      pools,
      bell: () => bell,
      delivery: sending?.delivery ?? null,
      spool,
      holder,
      more: () => [
        ...hubParts(hubs?.states() ?? []),
        ...azure.parts(),
        ...canary.parts(),
        ...tokens.parts(),
        ...(sending?.parts() ?? []),
      ],
    };
    const deps: ApiDeps = {
      config,
      role: env.role,
      pools,
      ingest: door ?? ingest,
      metrics,
      log,
      ring,
      now,
      ...tracing,
      readiness: () => readiness(parts),
      refreshMetrics: () => {
        refreshHubMetrics(hubs?.states() ?? [], metrics);
        azure.refreshMetrics();
        canary.refreshMetrics();
        sending?.refreshMetrics();
        return refreshMetrics(parts, metrics);
      },
      onTest,
      hubs: () => hubs?.states() ?? [],
      estate: azure.estate,
      backfill: azure.backfill,
      coverage: azure.coverage,
      canary: canary.door,
    };
    azure.start();
    const server = await listen(createServer(deps), env);
    cleanup('http', () => closeServer(server));
    const { port } = server.address() as AddressInfo;
    canary.start({ host: env.host, port });
    // Stops first: a round that finds the doors shut would call it a fault.
    cleanup('canary', () => canary.stop());
    log.info(
      { port, role: env.role, redis: env.redisUrl !== null, embedded: env.databaseUrl === null },
      'relay.started',
    );
    return { url: `http://${env.host}:${port}`, config: holder, metrics, stop: cleanups.run };

    async function openTruth(): Promise<string | PostgresAddress> {
      if (env.databaseUrl) return { url: env.databaseUrl, ...tokens.password };
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
      await migrate(truth, env.redisUrl ? undefined : migrateQueue);
      const footing = env.redisUrl
        ? ({ kind: 'redis', url: env.redisUrl, prefix: REDIS_PREFIX, tokens: tokens.redis } as const)
        : ({ kind: 'postgres', connection: connectionOf(truth) } as const);
      const onQueueError = (error: Error): void => {
        metrics.rings.inc({ result: 'failed' });
        if (!cleanups.begun) onError(error, { part: 'queue' });
      };
      bell ??= openBell(footing, onQueueError, traces ? { telemetry: traces.telemetry } : {});
      if (sending) {
        await sending.start();
        const answer = (destination: string): Promise<void> => {
          metrics.rings.inc({ result: 'answered' });
          traces?.tracing.answering(destination);
          return sending.delivery.drain(destination);
        };
        bell.answer(answer, { concurrency: 50 });
      }
      broughtUp = true;
    }

    async function keepTrying(): Promise<void> {
      while (!cleanups.begun && !broughtUp) {
        await sleep(BRING_UP_MS);
        await bringUp().catch((error: unknown) => onError(error as Error, { part: 'postgres' }));
      }
    }

    async function tellTests(signal: Parameters<ApiDeps['onTest']>[0]): Promise<void> {
      const { destinations, tests } = config();
      const destination = destinations.find((d) => d.name === tests);
      if (!destination) return;
      const outcome = await sendTest(caller.call, destination, testStep({ title: signal.title, signal }));
      log.info({ destination: destination.name, outcome: outcome.outcome }, 'test.told');
    }
  } catch (error) {
    await cleanups.run();
    throw error;
  }
}

/** The adapters of this build, for whoever reads a config. */
export { adapters };
