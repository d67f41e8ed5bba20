/** A Redis of the test's own, or the reason why there is none. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ownPort } from '#test/support/own-port.ts';

export interface TestRedis {
  url: string;
  /** Null where the server is somebody else's (`TEST_REDIS_URL`). */
  process: ChildProcess | null;
  /** Kills without a goodbye. */
  kill(): Promise<void>;
  /** Starts again on the same port with what was saved. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why Redis-backed suites cannot run here; null when they can. */
export function redisMissing(): string | null {
  if (process.env['TEST_REDIS_URL']) return null;
  return spawnSync('redis-server', ['--version']).status === 0 ? null : 'no redis-server on PATH and no TEST_REDIS_URL';
}

/** Starts `redis-server` with append-only file and `noeviction`, as production should. */
export async function startTestRedis(): Promise<TestRedis> {
  const given = process.env['TEST_REDIS_URL'];
  if (given)
    return {
      url: given,
      process: null,
      kill: async () => undefined,
      restart: async () => undefined,
      stop: async () => undefined,
    };
  const dir = mkdtempSync(join(tmpdir(), 'relay-redis-'));
  const port = await ownPort();
  const url = `redis://127.0.0.1:${port}`;
  const launch = async (): Promise<ChildProcess> => {
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      dir,
      '--appendonly',
      'yes',
      '--maxmemory-policy',
      'noeviction',
      '--save',
      '',
    ];
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    await answers(url);
    return child;
  };
  const redis: TestRedis = {
    url,
    process: await launch(),
    async kill() {
      const child = redis.process!;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await gone;
      }
    },
    async restart() {
      redis.process = await launch();
    },
    async stop() {
      await redis.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return redis;
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.ping();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      client.disconnect();
    }
  }
  throw new Error('redis-server did not start');
}
