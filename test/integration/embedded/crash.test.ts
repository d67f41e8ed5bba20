import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive, postgresProcessesOf, signalProcess } from '#src/db/embedded/processes.ts';
import { startEmbedded } from '#src/db/embedded/server.ts';
import { killNow, recall, remember, Scene, sql } from './harness.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(async () => await scene.clean());

/** A process that is no Postgres, like one that got a dead server's pid; run by the user that runs Postgres. */
function stranger(): number {
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  return spawn('sleep', ['60'], { ...user, cwd: '/', stdio: 'ignore' }).pid ?? 0;
}

describe('embedded Postgres after kill -9', () => {
  test('of the relay alone: the next start takes the running server over, with its data', async () => {
    const dataDir = await scene.folder();
    const first = await scene.relay(dataDir);
    await remember(first.url);
    await killNow(first.child.pid ?? 0);
    expect(isAlive(first.pid)).toBe(true);
    const second = await startEmbedded({ dataDir });
    expect(second).toMatchObject({ adopted: true, pid: first.pid, url: first.url });
    expect(await recall(second.url)).toBe('still here');
    await second.stop();
    expect(isAlive(first.pid)).toBe(false);
    const third = await startEmbedded({ dataDir });
    expect(await recall(third.url)).toBe('still here');
    await third.stop();
  });

  test('of the relay alone: locks of its sessions do not outlive it', async () => {
    const dataDir = await scene.folder();
    const first = await scene.relay(dataDir);
    const held = sql(first.url, 'select pg_advisory_lock(7), pg_sleep(60)').catch(String);
    await expect
      .poll(async () => await sql(first.url, `select from pg_locks where locktype = 'advisory'`))
      .toHaveLength(1);
    await killNow(first.child.pid ?? 0);
    const second = await startEmbedded({ dataDir });
    expect(await held).toMatch(/terminat/);
    expect(await sql(second.url, 'select pg_try_advisory_lock(7) as free')).toEqual([{ free: true }]);
    await second.stop();
  });

  test('of relay and Postgres: the next start recovers what was committed', async () => {
    const dataDir = await scene.folder();
    const first = await scene.relay(dataDir);
    await remember(first.url);
    await killNow(first.child.pid ?? 0);
    for (const pid of postgresProcessesOf(join(dataDir, 'postgres'))) signalProcess(pid, 'SIGKILL');
    await killNow(first.pid);
    const second = await startEmbedded({ dataDir });
    expect(second.adopted).toBe(false);
    expect(await recall(second.url)).toBe('still here');
    await second.stop();
  });

  test('of relay and postmaster while a session is busy: the session does not block the next start', async () => {
    const dataDir = await scene.folder();
    const first = await scene.relay(dataDir);
    await remember(first.url);
    const busy = sql(first.url, `do 'begin loop end loop; end'`).catch(String);
    await expect
      .poll(async () => await sql(first.url, `select from pg_stat_activity where query ~ 'begin.loop'`))
      .toHaveLength(2);
    await killNow(first.child.pid ?? 0);
    await killNow(first.pid);
    const second = await startEmbedded({ dataDir });
    await busy;
    expect(await recall(second.url)).toBe('still here');
    await second.stop();
  });

  test('of the relay beside a server that hangs: it is ended and started anew', async () => {
    const dataDir = await scene.folder();
    const first = await scene.relay(dataDir);
    await remember(first.url);
    await killNow(first.child.pid ?? 0);
    signalProcess(first.pid, 'SIGSTOP');
    const startedAt = performance.now();
    const second = await startEmbedded({ dataDir });
    // Within 10 s and a start, nearly all of it limits of time; nothing else is waited for.
    expect(performance.now() - startedAt).toBeLessThan(40_000);
    expect(second.adopted).toBe(false);
    expect(await recall(second.url)).toBe('still here');
    await second.stop();
  });

  test('with the pid in postmaster.pid given to another program: that one is left alone', async () => {
    const dataDir = await scene.folder();
    const first = await startEmbedded({ dataDir });
    await remember(first.url);
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await first.stop();
    const foreign = stranger();
    try {
      await writeFile(pidFile, [foreign, ...lines.slice(1)].join('\n'));
      const second = await startEmbedded({ dataDir });
      expect(second.adopted).toBe(false);
      expect(await recall(second.url)).toBe('still here');
      await second.stop();
      expect(isAlive(foreign)).toBe(true);
    } finally {
      await killNow(foreign);
    }
  });

  test('of Postgres alone: it is started again under the same url', async () => {
    const dataDir = await scene.folder();
    const server = await startEmbedded({ dataDir });
    await remember(server.url);
    const before = server.pid;
    await killNow(before);
    await expect.poll(async () => await recall(server.url).catch(String), { timeout: 30_000 }).toBe('still here');
    // It takes connections a moment before whoever started it has seen that.
    await expect.poll(() => server.pid).not.toBe(before);
    await server.stop();
    expect(postgresProcessesOf(join(dataDir, 'postgres'))).toEqual([]);
  });

  test('of a relay that wrote without fsync: one that wants its data durable does not take its server over', async () => {
    const dataDir = await scene.folder();
    const careless = await scene.relay(dataDir, ['unsafe-fast']);
    await killNow(careless.child.pid ?? 0);
    const careful = await startEmbedded({ dataDir });
    expect(careful.adopted).toBe(false);
    expect(await sql(careful.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
    await careful.stop();
  });
});
