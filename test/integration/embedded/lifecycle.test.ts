import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive, postgresProcessesOf } from '#src/db/embedded/processes.ts';
import { startEmbedded } from '#src/db/embedded/server.ts';
import { recall, remember, Scene, sql } from './harness.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(async () => await scene.clean());

describe('embedded Postgres', () => {
  test('keeps the data over a stop and a start, and leaves no process behind', async () => {
    const dataDir = await scene.folder();
    const first = await startEmbedded({ dataDir });
    await remember(first.url);
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    expect(postgresProcessesOf(join(dataDir, 'postgres'))).toEqual([]);
    const second = await startEmbedded({ dataDir });
    expect(second.adopted).toBe(false);
    expect(await recall(second.url)).toBe('still here');
    await second.stop();
  });

  test('writes durably, in UTF-8 and UTC, and lets nobody in without the password', async () => {
    const dataDir = await scene.folder();
    const server = await startEmbedded({ dataDir });
    const settings = ['fsync', 'synchronous_commit', 'full_page_writes', 'server_encoding', 'timezone'];
    const shown = await Promise.all(
      settings.map(async (name) => Object.values((await sql(server.url, `show ${name}`))[0] ?? {})[0]),
    );
    expect(shown).toEqual(['on', 'on', 'on', 'UTF8', 'UTC']);
    const stranger = new URL(server.url);
    stranger.password = 'guess';
    await expect(sql(stranger.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    expect((await stat(join(dataDir, 'postgres.password'))).mode & 0o777).toBe(0o600);
    await server.stop();
  });

  test('serves two folders side by side, each with its own data', async () => {
    const left = await startEmbedded({ dataDir: await scene.folder() });
    const right = await startEmbedded({ dataDir: await scene.folder() });
    await remember(left.url);
    await expect(recall(right.url)).rejects.toThrow(/does not exist/);
    await Promise.all([left.stop(), right.stop()]);
  });

  test('refuses a second start on the same folder and names the process that holds it', async () => {
    const dataDir = await scene.folder();
    const first = await scene.relay(dataDir);
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
      fault: 'locked',
      message: expect.stringContaining(`pid ${first.child.pid}`) as string,
    });
    await sql(first.url, 'select 1');
  });

  test('refuses a second start within the same process', async () => {
    const dataDir = await scene.folder();
    const first = await startEmbedded({ dataDir });
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({ fault: 'locked' });
    await first.stop();
    await (await startEmbedded({ dataDir })).stop();
  });

  test('lets one of many that start at once have the folder', async () => {
    const dataDir = await scene.folder();
    const starts = await Promise.allSettled(Array.from({ length: 4 }, async () => await scene.relay(dataDir)));
    expect(starts.filter((start) => start.status === 'fulfilled')).toHaveLength(1);
  });

  test('stops open sessions when told to stop', async () => {
    const server = await startEmbedded({ dataDir: await scene.folder() });
    const hanging = sql(server.url, 'select pg_sleep(60)').catch(String);
    await expect
      .poll(async () => await sql(server.url, `select from pg_stat_activity where query = 'select pg_sleep(60)'`))
      .toHaveLength(1);
    await server.stop();
    // By the fast shutdown: neither waited for nor ended by one of the harder ones.
    expect(await hanging).toMatch(/terminating connection due to administrator command/);
  });

  test('does not make a deleted folder again, neither while it runs nor at the stop', async () => {
    const dataDir = join(await scene.folder(), 'data');
    const server = await startEmbedded({ dataDir, unsafeFast: true });
    const { pid } = server;
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(dataDir)).toBe(false);
  });

  test('breaks off when told to and can start afterwards', async () => {
    const dataDir = await scene.folder();
    const early = startEmbedded({ dataDir, signal: AbortSignal.timeout(150) });
    await expect(early).rejects.toMatchObject({ fault: 'aborted' });
    expect(postgresProcessesOf(join(dataDir, 'postgres'))).toEqual([]);
    await (await startEmbedded({ dataDir })).stop();
  });

  test('removes what a crash during initdb left and leaves nothing half-made', async () => {
    const dataDir = await scene.folder();
    await mkdir(join(dataDir, 'postgres.half-0123456789ab', 'base'), { recursive: true });
    await writeFile(join(dataDir, 'postgres.half-0123456789ab', 'PG_VERSION'), '18\n');
    await writeFile(join(dataDir, 'postgres.half-password'), 'secret', { mode: 0o600 });
    const server = await startEmbedded({ dataDir });
    await server.stop();
    expect((await readdir(dataDir)).filter((name) => name.includes('half'))).toEqual([]);
  });

  test('does not touch a folder that is no database of ours', async () => {
    const dataDir = await scene.folder();
    await mkdir(join(dataDir, 'postgres'));
    await writeFile(join(dataDir, 'postgres', 'thesis.txt'), 'precious');
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({ fault: 'damaged' });
    expect(await readFile(join(dataDir, 'postgres', 'thesis.txt'), 'utf8')).toBe('precious');
  });

  test('says what to do when the database is of another Postgres version', async () => {
    const dataDir = await scene.folder();
    await (await startEmbedded({ dataDir })).stop();
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '12\n');
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({ fault: 'version' });
  });
});
