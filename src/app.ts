/**
 * The relay as a whole: everything is wired here, in order, and taken down in the reverse order (design section 7).
 * main.ts adds signals and exit codes; tests start several apps in one process.
 */
import { createAdaptorServer } from '@hono/node-server';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { adapters } from '#adapters/index.ts';
import type { Environment } from './config/env.ts';
import { createConfigHolder, type ConfigHolder } from './config/holder.ts';
import type { RelayConfig } from './config/types.ts';
import type { ApiDeps, Part, Readiness } from './api/deps.ts';
import { createServer } from './api/server.ts';
import { readBacklog } from './db/destinations.ts';
import { startEmbedded } from './db/embedded/server.ts';
import { migrate } from './db/migrate.ts';
import { openPools } from './db/pools.ts';
import { ping } from './db/reads.ts';
import { newId } from './ids.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createAdapterCaller } from './pipeline/call-adapter.ts';
import { createDelivery, type Delivery } from './pipeline/delivery.ts';
import { createIngest, type Ingest } from './pipeline/ingest.ts';
import { quarantined } from './pipeline/quarantine.ts';
import { createScopeCache } from './pipeline/scope-cache.ts';
import { sendTest, testStep } from './pipeline/test-step.ts';
import { createUpkeep } from './pipeline/upkeep.ts';
import { migrateQueue, openBell, type Bell } from './queue/bell.ts';

export interface AppOptions {
  env: Environment;
  config: RelayConfig;
  log: Log;
}

export interface App {
  /** Where it listens. */
  url: string;
  ingest: Ingest | null;
  config: ConfigHolder;
  metrics: Metrics;
  /** Finishes or releases what it holds, within about 10 s; Postgres stops last. */
  stop(): Promise<void>;
}

/** Prefix of all Redis keys: a hash tag, so that a cluster keeps them on one node. */
const REDIS_PREFIX = '{relay}';
const DELIVERY_STOP_MS = 6_000;

/** Starts the relay. What was already started is taken down again when a later part fails. */
export async function startApp(options: AppOptions): Promise<App> {
  const { env, log } = options;
  const cleanups: { name: string; run: () => Promise<unknown> | void }[] = [];
  const cleanup = (name: string, run: () => Promise<unknown> | void): void => void cleanups.push({ name, run });
  const takeDown = async (): Promise<void> => {
    for (const { name, run } of cleanups.toReversed()) {
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
    const footing = env.redisUrl
      ? ({ kind: 'redis', url: env.redisUrl, prefix: REDIS_PREFIX } as const)
      : ({ kind: 'postgres', url } as const);
    await migrate(url, footing.kind === 'postgres' ? migrateQueue : undefined);

    const metrics = createMetrics();
    const holder = createConfigHolder(options.config);
    const config = (): RelayConfig => holder.current();
    const scopes = createScopeCache();
    const now = (): Date => new Date();
    const bell = openBell(footing, (error) => {
      metrics.rings.inc({ result: 'failed' });
      onError(error, { part: 'queue' });
    });
    cleanup('queue', () => bell.close());
    const ring = (destinations: Iterable<string>): void => {
      metrics.rings.inc({ result: 'sent' });
      void bell.ring(destinations);
    };
    const ingest = createIngest({
      pool: pools.ingest,
      config,
      scopes,
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
    const caller = createAdapterCaller({ config, log });
    cleanup('http client', () => caller.close());
    holder.onChange(() => caller.renew());
    const delivery = env.role === 'api' ? null : startDelivery();
    await delivery?.start();
    if (delivery)
      bell.answer((destination) => (metrics.rings.inc({ result: 'answered' }), delivery.drain(destination)), {
        concurrency: 50,
      });
    const deps: ApiDeps = {
      config,
      role: env.role,
      pools,
      ingest,
      metrics,
      log,
      ring,
      now,
      readiness: () => readiness({ pools, bell, delivery, holder }),
      refreshMetrics: () => refreshMetrics(pools, metrics),
      onTest: (signal) => void tellTests(signal),
    };
    const server = await listen(createServer(deps), env);
    cleanup('http', () => closeServer(server));
    const { port } = server.address() as AddressInfo;
    log.info({ port, role: env.role, footing: footing.kind, embedded: env.databaseUrl === null }, 'relay.started');
    return { url: `http://${env.host}:${port}`, ingest, config: holder, metrics, stop: takeDown };

    async function openTruth(): Promise<string> {
      if (env.databaseUrl) return env.databaseUrl;
      const postgres = await startEmbedded({
        dataDir: env.dataDir,
        log: {
          info: (fields, message) => log.info(fields, message),
          warn: (fields, message) => log.warn(fields, message),
        },
      });
      cleanup('postgres', () => postgres.stop());
      return postgres.url;
    }

    function startDelivery(): Delivery {
      const made = createDelivery({
        pool: pools.delivery,
        config,
        scopes,
        role: env.role,
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
      const upkeep = createUpkeep({ pool: pools.delivery, config, ingest, ring, onError, now });
      upkeep.start();
      cleanup('upkeep', () => upkeep.stop());
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

async function listen(app: ReturnType<typeof createServer>, env: Environment): Promise<Server> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { requestTimeout: 15_000, headersTimeout: 8_000, keepAliveTimeout: 65_000 },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(env.port, env.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // Requests have at most 5 s to end (design 3.1); whoever is left is cut off.
  const cut = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(cut);
}

async function readiness({
  pools,
  bell,
  delivery,
  holder,
}: {
  pools: ReturnType<typeof openPools>;
  bell: Bell;
  delivery: Delivery | null;
  holder: ConfigHolder;
}): Promise<Readiness> {
  const parts: Part[] = [];
  const postgres = await ping(pools.read).then(
    () => true,
    () => false,
  );
  parts.push({ name: 'postgres', status: postgres ? 'ok' : 'down' });
  parts.push({ name: 'queue', status: (await bell.healthy()) ? 'ok' : 'degraded' });
  if (delivery) parts.push({ name: 'delivery', status: delivery.healthy() ? 'ok' : 'degraded' });
  const fault = holder.reloadFault();
  if (fault !== null) parts.push({ name: 'config', status: 'degraded', detail: fault });
  const degraded = parts.some((part) => part.status !== 'ok');
  return { ready: postgres, status: postgres ? (degraded ? 'degraded' : 'ok') : 'down', parts };
}

async function refreshMetrics(pools: ReturnType<typeof openPools>, metrics: Metrics): Promise<void> {
  const backlog = await readBacklog(pools.read);
  metrics.deliveries.reset();
  metrics.backlogAge.reset();
  for (const row of backlog) {
    metrics.deliveries.set({ destination: row.destination, state: row.state }, row.count);
    if (row.oldestS > 0) metrics.backlogAge.set({ destination: row.destination }, row.oldestS);
  }
}

/** The adapters of this build, for whoever reads a config. */
export { adapters };
