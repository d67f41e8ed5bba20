/** What the suites of the embedded Postgres share: folders that go away with everything in them, processes to kill. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { isAlive, postgresProcessesOf, signalProcess, waitUntil } from '#src/db/embedded/processes.ts';

export interface RelayProcess {
  child: ChildProcess;
  url: string;
  pid: number;
  adopted: boolean;
}

/** Folders and processes of one test; `clean` ends what is left of them. */
export class Scene {
  readonly #folders: string[] = [];
  readonly #children: ChildProcess[] = [];

  /** A new folder; by default others may pass through it. */
  async folder(mode = 0o711): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'health-relay-embedded-'));
    await chmod(path, mode);
    this.#folders.push(path);
    return path;
  }

  /** Starts a relay process on the folder; rejects with its error message. */
  async relay(dataDir: string, words: readonly string[] = []): Promise<RelayProcess> {
    const script = join(import.meta.dirname, 'relay-process.ts');
    const child = spawn(process.execPath, [script, dataDir, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#children.push(child);
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { error?: string; url: string; pid: number; adopted: boolean };
      if (said.error !== undefined) throw new Error(said.error);
      return { child, ...said };
    }
    throw new Error('the relay process ended without a word');
  }

  async clean(): Promise<void> {
    for (const child of this.#children) await killNow(child.pid ?? 0);
    for (const folder of this.#folders) {
      for (const dataDir of [folder, join(folder, 'data')]) {
        const cluster = join(dataDir, 'postgres');
        if (!existsSync(cluster)) continue;
        for (const pid of postgresProcessesOf(cluster)) await killNow(pid);
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** kill -9, and waits until the process is gone. */
export async function killNow(pid: number): Promise<void> {
  if (pid > 0 && signalProcess(pid, 'SIGKILL')) await waitUntil(() => !isAlive(pid), 5000);
}

/** Runs one statement on a connection of its own. */
export async function sql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(text);
    return result.rows;
  } finally {
    await client.end();
  }
}

/** Stores a row that the next life of the database must still have. */
export async function remember(url: string): Promise<void> {
  await sql(url, 'create table kept (word text); insert into kept values ($$still here$$)');
}

/** Reads it back. */
export async function recall(url: string): Promise<unknown> {
  return (await sql(url, 'select word from kept'))[0]?.word;
}
