/** A relay that starts while Postgres takes connections and says nothing, as behind a dead network: signals are spooled all the same. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores } from '#test/support/relay.ts';
import { startTcpProxy, through, type TcpProxy } from '#test/support/tcp-proxy.ts';

let stores: Stores;
let proxy: TcpProxy;
let environment: Record<string, string>;
let folder: string;

beforeAll(async () => {
  stores = await openStores('postgres');
  environment = await stores.environment();
  const { hostname, port } = new URL(environment['DATABASE_URL']!);
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  environment['DATABASE_URL'] = through(environment['DATABASE_URL']!, proxy);
  folder = mkdtempSync(join(tmpdir(), 'relay-start-'));
});
afterAll(async () => {
  await proxy.stop();
  await stores.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('an api listens within seconds, spools, and folds once Postgres speaks', async () => {
  proxy.mode = 'hang';
  const started = performance.now();
  const relay = await startRelay(stores, 'routes: []\n', {
    ...environment,
    RELAY_ROLE: 'api',
    RELAY_SPOOL_DIR: folder,
  });
  expect(performance.now() - started).toBeLessThan(10_000);
  const taken = await relay.post(serviceHealth({ trackingId: 'AWAY-001', communication: 1, stage: 'Active' }));
  expect(taken).toMatchObject({ status: 202, json: { signals: [{ outcome: 'spooled' }] } });
  proxy.mode = 'pass';
  proxy.cut();
  await expect.poll(async () => (await relay.get('/v1/incidents/AWAY-001')).status).toBe(200);
  await relay.stop();
});

test('a worker has nothing to do without it, and ends instead of hanging', async () => {
  proxy.mode = 'hang';
  await expect(startRelay(stores, 'routes: []\n', { ...environment, RELAY_ROLE: 'worker' })).rejects.toThrow(/timeout/);
});
