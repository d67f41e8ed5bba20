/** A spool that a bad disk has damaged: what can be read is folded, what cannot is kept for people, and nothing is blocked. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOverCache } from '#src/pipeline/spool/over-cache.ts';
import { readSignals } from '#src/receivers/read.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores } from '#test/support/relay.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

let stores: Stores;
let folder: string;

beforeAll(async () => {
  stores = await openStores('postgres');
  folder = mkdtempSync(join(tmpdir(), 'relay-spool-'));
});
afterAll(async () => {
  await stores.stop();
  rmSync(folder, { recursive: true, force: true });
});

function line(trackingId: string): string {
  const body = serviceHealth({ trackingId, communication: 1, stage: 'Active' });
  const context = {
    source: 'test',
    subscription: null,
    receivedAt: new Date().toISOString(),
    door: 'webhook',
  } as const;
  return JSON.stringify(readSignals(body, context)[0]);
}

test('a damaged line of the spool is set aside, and what stands behind it is folded', async () => {
  const slot = join(folder, '00');
  mkdirSync(slot, { mode: 0o700 });
  const damaged = `${line('SPOI-002').slice(0, 300)}\0\0\0`;
  writeFileSync(join(slot, 'signals.jsonl'), `${line('SPOI-001')}\n${damaged}\n${line('SPOI-003')}\n`);
  // What was opened directly is kept beside it, on the same disk.
  writeFileSync(join(slot, 'openings.jsonl'), '{"identity":"sh/spoi\0\0\n');
  const relay = await startRelay(stores, 'routes: []\n', {
    ...(await stores.environment()),
    RELAY_DATA_DIR: folder,
    RELAY_SPOOL_DIR: folder,
  });
  await expect.poll(async () => (await relay.get('/v1/incidents/SPOI-003')).status).toBe(200);
  expect((await relay.get('/v1/incidents/SPOI-001')).status).toBe(200);
  expect(readFileSync(join(slot, 'damaged.txt'), 'utf8')).toBe(`${damaged}\n`);
  // Emptied after what it held is in the database.
  await expect.poll(async () => (await relay.get('/metrics')).text).toMatch(/^relay_spool_bytes 0$/m);
  await relay.stop();
});

test('while Postgres is away a damaged line is not set aside again at every look', async () => {
  const { DATABASE_URL: url } = await stores.environment();
  const { hostname: host, port } = new URL(url!);
  const proxy = await startTcpProxy({ host, port: Number(port) });
  const away = mkdtempSync(join(tmpdir(), 'relay-spool-'));
  const relay = await startRelay(stores, 'routes: []\n', {
    DATABASE_URL: through(url!, proxy),
    RELAY_DATA_DIR: away,
    RELAY_SPOOL_DIR: away,
  });
  try {
    proxy.mode = 'away';
    proxy.cut();
    const post = (trackingId: string): Promise<{ status: number }> =>
      relay.post(serviceHealth({ trackingId, communication: 1, stage: 'Active' }));
    expect((await post('SPOI-010')).status).toBe(202);
    const journal = join(away, '00', 'signals.jsonl');
    // The disk turns half of what was written into zeros; what comes afterwards is whole.
    const bytes = readFileSync(journal);
    const file = openSync(journal, 'r+');
    writeSync(file, Buffer.alloc(40), 0, 40, bytes.length >> 1);
    closeSync(file);
    expect((await post('SPOI-011')).status).toBe(202);
    await sleep(2_500);
    proxy.mode = 'pass';
    await expect.poll(async () => (await relay.get('/v1/incidents/SPOI-011')).status).toBe(200);
    const kept = readFileSync(join(away, '00', 'damaged.txt'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(kept).toHaveLength(1);
  } finally {
    proxy.mode = 'pass';
    await relay.stop();
    await proxy.stop();
    rmSync(away, { recursive: true, force: true });
  }
});

test('what is over is kept again once the disk takes it', async () => {
  const path = join(folder, 'later', 'over.json');
  const over = openOverCache(path);
  over.add('sh/over-001');
  // It is written half a second later, and cannot be.
  await sleep(700);
  mkdirSync(join(folder, 'later'));
  over.add('sh/over-002');
  await expect.poll(() => openOverCache(path).has('sh/over-001')).toBe(true);
});

test('a full disk, on which neither signal nor intent can be kept, keeps no page back', async ({ skip }) => {
  const full = mkdtempSync(join(tmpdir(), 'relay-spool-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'relay-spool', full], { encoding: 'utf8' });
  if (mounted.status !== 0) return skip(`mounting is not allowed here: ${mounted.stderr?.trim()}`);
  const { DATABASE_URL: url } = await stores.environment();
  const { hostname: host, port } = new URL(url!);
  const proxy = await startTcpProxy({ host, port: Number(port) });
  const pager = await new PagerDutyServer().start();
  const oncall = `{ type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager.url}" }`;
  const relay = await startRelay(
    stores,
    `destinations: { oncall: ${oncall} }\nroutes: [{ match: {}, to: [oncall] }]\n`,
    {
      DATABASE_URL: through(url!, proxy),
      RELAY_SPOOL_DIR: full,
    },
  );
  try {
    expect(spawnSync('sh', ['-c', `cat /dev/zero > ${join(full, 'fill')}`]).status).not.toBe(0);
    proxy.mode = 'away';
    proxy.cut();
    const active = serviceHealth({ trackingId: 'SPOI-020', communication: 1, stage: 'Active' });
    expect((await relay.post(active)).status).toBe(503);
    await expect.poll(() => pager.pages).toBe(1);
    proxy.mode = 'pass';
    await expect.poll(async () => (await relay.post(active)).status).toBe(202);
    await relay.level('SPOI-020', 1);
    expect(pager.pages).toBe(1);
  } finally {
    await relay.stop();
    await proxy.stop();
    await pager.stop();
    spawnSync('umount', [full]);
    rmSync(full, { recursive: true });
  }
});
