/**
 * A Postgres for tests: TEST_DATABASE_URL when set, else an embedded one that lasts as long as the test process. Every
 * suite takes databases of its own from it.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { isAlive, isPostgresOf, signalProcess, waitUntil } from '#src/db/embedded/processes.ts';
import { startEmbedded } from '#src/db/embedded/server.ts';

export interface TestPostgres {
  /** Of the maintenance database: for creating and dropping others. */
  url: string;
  /** A new, empty database; its url. Takes about 50 ms. */
  freshDatabase(options?: { template?: string }): Promise<string>;
  /** Drops what freshDatabase made and, with the last user in this process, ends the server and deletes its folder. */
  stop(): Promise<void>;
}

interface Server {
  url: string;
  /** It outlives us, so our databases must go one by one. */
  kept: boolean;
  end(): Promise<void>;
}

const PREFIX = 'health-relay-test-';
let shared: Promise<Server> | null = null;
let users = 0;

/** Starts the server of this process, or joins the one that runs. Under 2 s. */
export async function startTestPostgres(): Promise<TestPostgres> {
  users++;
  shared ??= startServer();
  const server = await shared;
  const { url } = server;
  const made: string[] = [];
  let stopped = false;
  return {
    url,
    async freshDatabase({ template = 'template0' } = {}) {
      const name = `t_${randomBytes(6).toString('hex')}`;
      await execute(url, `create database ${name} template ${escapeIdentifier(template)}`);
      made.push(name);
      const address = new URL(url);
      address.pathname = `/${name}`;
      return address.href;
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      users--;
      if (users > 0 || server.kept) {
        for (const name of made) await execute(url, `drop database if exists ${name} with (force)`);
      }
      if (users > 0) return;
      shared = null;
      await server.end();
    },
  };
}

async function startServer(): Promise<Server> {
  const given = process.env.TEST_DATABASE_URL;
  if (given !== undefined && given !== '') return { url: given, kept: true, end: async () => undefined };
  await sweep();
  const dataDir = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  await chmod(dataDir, 0o711);
  const server = await startEmbedded({ dataDir, unsafeFast: true });
  // A test process that ends in a hurry must not leave a server behind; only kill -9 does, and sweep() sees to that.
  const atExit = (): void => {
    signalProcess(server.pid, 'SIGQUIT');
    // Nothing asynchronous runs any more, and a server that still lives writes into the folder being deleted.
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (let waits = 0; waits < 150 && isAlive(server.pid); waits++) Atomics.wait(clock, 0, 0, 20);
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', atExit);
  return {
    url: server.url,
    kept: false,
    async end() {
      process.off('exit', atExit);
      await server.stop();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Removes servers and folders of test processes that were killed. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const folder = join(tmpdir(), name);
    const pid = Number(
      (await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0],
    );
    if (pid > 0 && isPostgresOf(pid, join(folder, 'postgres'))) {
      signalProcess(pid, 'SIGQUIT');
      await waitUntil(() => !isAlive(pid), 5000);
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined);
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
