/** A spool that a bad disk has damaged: what can be read is folded, what cannot is kept for people, and nothing is blocked. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSignals } from '#src/receivers/read.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores } from '#test/support/relay.ts';

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
