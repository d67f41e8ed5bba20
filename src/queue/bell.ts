/**
 * The bell: one BullMQ job per destination that has work (design 3.3). It carries no content; losing any of it, or all
 * of Redis, costs a second, because the reconciler looks at the truth. Two backends, same semantics: Redis through
 * ioredis, or Postgres in a schema of its own.
 */
import {
  createPostgresBackend,
  Queue,
  runMigrations,
  Worker,
  type BackendFactory,
  type Job,
  type PostgresConnectionOptions,
  type Telemetry,
} from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import type { Client, ClientConfig } from 'pg';
import { within } from '#src/within.ts';
import { guardClients } from './guard-clients.ts';
import { openRedis, type RedisTokens } from './redis-with-token.ts';
import { supervise } from './supervised.ts';

export type BellFooting =
  /** With `tokens` Redis is signed in to with those, under the user that the URL names. */
  | { kind: 'redis'; url: string; prefix: string; tokens?: RedisTokens | null }
  /** `connection`: what pg needs to connect; a password may be a function that brings one. */
  | { kind: 'postgres'; connection: ClientConfig };

export interface Ring {
  destination: string;
}

export interface Bell {
  /** Rings for each destination. Never throws: a bell that cannot ring is reported to `onError`, and the reconciler does the work. */
  ring(destinations: Iterable<string>): Promise<void>;
  /** Starts answering rings. One job at a time per destination at the most, `concurrency` destinations at once. */
  answer(drain: (destination: string) => Promise<void>, options: { concurrency: number }): void;
  /** Whether the queue's store answers. Never throws. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** Schema of the queue's own tables on Postgres. */
export const QUEUE_SCHEMA = 'relay_queue';
/** Connections that the queue on Postgres opens at most: two to ring, three to answer, one that listens. */
export const QUEUE_CONNECTIONS = 6;
const QUEUE_NAME = 'rings';
/** Rings are given up after 2 s; a store that takes longer than this is not there. */
const ANSWER_MS = 5_000;
/** Between tries to reach a store that was not there when the queue was opened. */
const RENEW_MS = 1_000;

/** BullMQ's tables, to be called under the relay's own migration lock. */
export async function migrateQueue(client: Client): Promise<void> {
  await runMigrations(client, QUEUE_SCHEMA);
}

interface Backend {
  /** Not always the same. */
  readonly queue: Queue<Ring>;
  worker(process: (job: Job<Ring>) => Promise<void>, concurrency: number): { close(): Promise<void> };
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens the bell without waiting for its store: the relay takes signals while Redis is away. With `telemetry` rings have spans. */
export function openBell(
  footing: BellFooting,
  onError: (error: Error) => void,
  more: { telemetry?: Telemetry } = {},
): Bell {
  const backend =
    footing.kind === 'redis' ? onRedis(footing, onError, more) : onPostgres(footing.connection, onError, more);
  let worker: { close(): Promise<void> } | null = null;

  async function ring(destinations: Iterable<string>): Promise<void> {
    try {
      const jobs = [...destinations].map((destination) => ({
        name: 'ring',
        data: { destination },
        // Keeps one waiting ring while one is active, so that news during a drain is not lost.
        opts: {
          deduplication: { id: destination, keepLastIfActive: true },
          removeOnComplete: true,
          removeOnFail: true,
          attempts: 1,
        },
      }));
      if (jobs.length === 1) await answered(backend.queue.add('ring', jobs[0]!.data, jobs[0]!.opts));
      else if (jobs.length > 1) await answered(backend.queue.addBulk(jobs));
    } catch (error) {
      onError(error as Error);
    }
  }

  return {
    ring,
    answer(drain, { concurrency }) {
      worker ??= backend.worker((job) => drain(job.data.destination), concurrency);
    },
    healthy: () => backend.healthy(),
    async close() {
      // A ring in progress ends within its drain's 5 s; what it holds is released by the pipeline, not by BullMQ.
      await answered(worker?.close() ?? Promise.resolve(), 7_000).catch(onError);
      await answered(backend.queue.close(), 2_000).catch(onError);
      await answered(backend.close(), 2_000).catch(onError);
    },
  };
}

/** A store that hangs must not hold the receiver: the bell gives up, the reconciler carries on. */
function answered<T>(work: Promise<T>, limitMs = 2_000): Promise<T> {
  return within(work, limitMs, () => new Error(`the queue's store did not answer within ${limitMs} ms`));
}

function onRedis(
  footing: BellFooting & { kind: 'redis' },
  onError: (error: Error) => void,
  more: { telemetry?: Telemetry },
): Backend {
  const { tokens } = footing;
  const connect = (blocking: boolean): Redis => {
    const options: RedisOptions = {
      // BullMQ asks for null on blocking connections; the others fail fast, so that a ring does not wait for Redis.
      maxRetriesPerRequest: blocking ? null : 1,
      enableOfflineQueue: blocking,
      connectTimeout: 3_000,
      // One that has fallen silent is replaced. BullMQ blocks for 10 s at most.
      socketTimeout: blocking ? 20_000 : ANSWER_MS,
      retryStrategy: (times) => Math.min(times * 200, 2_000),
    };
    const redis = tokens ? openRedis(footing.url, options, { tokens, onError }) : new Redis(footing.url, options);
    redis.on('error', onError);
    return redis;
  };
  const rings = connect(false);
  const waits = connect(true);
  const settings = { connection: rings, prefix: footing.prefix, skipVersionCheck: true, ...more };
  const queue = new Queue<Ring>(QUEUE_NAME, settings);
  queue.on('error', onError);
  return {
    queue,
    worker: (process, concurrency) => {
      const options = {
        connection: waits,
        prefix: footing.prefix,
        concurrency,
        lockDuration: 30_000,
        skipVersionCheck: true,
        ...more,
      };
      return supervise(() => new Worker<Ring>(QUEUE_NAME, process, options), onError);
    },
    healthy: async () => rings.status === 'ready' && (await answered(rings.ping(), 1_000).catch(() => '')) === 'PONG',
    async close() {
      rings.disconnect();
      waits.disconnect();
    },
  };
}

function onPostgres(where: ClientConfig, onError: (error: Error) => void, more: { telemetry?: Telemetry }): Backend {
  guardClients();
  const factory = createPostgresBackend as unknown as BackendFactory;
  // The queue can be rebuilt from the deliveries, so its commits need not wait for the disk.
  const connection = (max: number): PostgresConnectionOptions => ({
    // BullMQ's type knows no function for a password; it hands all of this to pg as it is.
    ...(where as Record<string, unknown>),
    schema: QUEUE_SCHEMA,
    max,
    // A connection that has fallen silent must not keep the bell silent too.
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    application_name: 'relay-queue',
    options: '-c synchronous_commit=off',
  });
  let broken = false;
  let closed = false;
  let renewing: NodeJS.Timeout | undefined;
  let queue = openQueue();

  /** BullMQ 6.7 keeps the failure of its first connection for good (postgres-connection.js, waitUntilReady): a new one has a new try. */
  function openQueue(): Queue<Ring> {
    const opened = new Queue<Ring>(QUEUE_NAME, { connection: connection(2) as never, ...more }, factory as never);
    opened.on('error', (error) => {
      broken = true;
      onError(error);
    });
    opened.waitUntilReady().catch((error: unknown) => {
      broken = true;
      onError(error as Error);
      if (closed) return;
      renewing = setTimeout(() => {
        opened.close().catch(() => undefined);
        queue = openQueue();
      }, RENEW_MS);
    });
    return opened;
  }

  return {
    get queue() {
      return queue;
    },
    worker: (process, concurrency) => {
      const options = () => ({ connection: connection(3) as never, concurrency, lockDuration: 30_000, ...more });
      return supervise(() => new Worker<Ring>(QUEUE_NAME, process, options(), factory as never), onError);
    },
    healthy: async () => {
      if (!broken) return true;
      broken = (await answered(queue.getWaitingCount(), 1_000).catch(() => -1)) < 0;
      return !broken;
    },
    async close() {
      closed = true;
      clearTimeout(renewing);
      await queue.close();
    },
  };
}
