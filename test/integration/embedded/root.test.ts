import { lstat, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyBinaries } from '#src/db/embedded/binaries-copy.ts';
import { findBinaries } from '#src/db/embedded/binaries.ts';
import { startEmbedded } from '#src/db/embedded/server.ts';
import { canReach } from '#src/db/embedded/user.ts';
import { killNow, recall, remember, Scene } from './harness.ts';

const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(async () => await scene.clean());

describe.skipIf(!isRoot)('embedded Postgres as root (skipped: needs root)', () => {
  test('runs as an ordinary user, who owns the cluster but cannot read the password file', async () => {
    const dataDir = await scene.folder();
    const server = await startEmbedded({ dataDir });
    expect((await stat(`/proc/${server.pid}`)).uid).toBe(nobody.uid);
    expect((await stat(join(dataDir, 'postgres'))).uid).toBe(nobody.uid);
    expect(await canReach(join(dataDir, 'postgres.password'), nobody)).toBe(false);
    await server.stop();
  });

  test('keeps the data in the folder it was given, also below a folder of mode 700', async () => {
    const closed = await scene.folder(0o700);
    const dataDir = join(closed, 'data');
    expect(await canReach(closed, nobody)).toBe(false);
    const first = await startEmbedded({ dataDir });
    await remember(first.url);
    expect((await stat(join(dataDir, 'postgres', 'PG_VERSION'))).uid).toBe(nobody.uid);
    await first.stop();
    const second = await startEmbedded({ dataDir });
    expect(await recall(second.url)).toBe('still here');
    await second.stop();
  });

  test('takes an orphan over below a folder of mode 700 as well', async () => {
    const dataDir = join(await scene.folder(0o700), 'data');
    const first = await scene.relay(dataDir);
    await remember(first.url);
    await killNow(first.child.pid ?? 0);
    const began = performance.now();
    const second = await startEmbedded({ dataDir });
    // One that has not answered within 2.5 s is replaced, on the same data.
    if (performance.now() - began < 2_500) expect(second).toMatchObject({ adopted: true, pid: first.pid });
    expect(await recall(second.url)).toBe('still here');
    await second.stop();
  });

  test('copies programs that the ordinary user cannot reach: whole, runnable, writable for root alone', async () => {
    const { postgres } = await findBinaries(null);
    const native = join(postgres, '..', '..');
    const folder = join(await scene.folder(), 'programs');
    const copy = await copyBinaries(native, { folder, name: 'one' });
    for (const file of ['bin/initdb', 'lib/libpq.so.5', 'share/postgresql/postgres.bki']) {
      expect(await canReach(join(copy, file), nobody)).toBe(true);
    }
    expect((await lstat(join(copy, 'lib/libpq.so.5'))).isSymbolicLink()).toBe(true);
    expect((await lstat(join(copy, 'bin/postgres'))).mode & 0o022).toBe(0);
    expect(await copyBinaries(native, { folder, name: 'one' })).toBe(copy);
  });

  test('trusts no folder for programs that somebody else could write to', async () => {
    const folder = await scene.folder(0o777);
    await mkdir(join(folder, 'one'));
    await expect(copyBinaries('/nowhere', { folder, name: 'one' })).rejects.toThrow(/belongs to root alone/);
  });
});
