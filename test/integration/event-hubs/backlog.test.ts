/** A relay that comes back to a full hub: how fast it reads, and that its memory does not grow with what waits. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { openHubBench, type HubBench } from '#test/support/event-hubs/hub-bench.ts';
import { startRelayProcess } from '#test/support/event-hubs/start.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, type Stores } from '#test/support/relay.ts';

/** `TEST_HUB_BACKLOG=200000` for the figure of the docs. */
const BACKLOG = Number(process.env['TEST_HUB_BACKLOG'] ?? 20_000);
const PARTITIONS = 2;
/** The process dies when it needs more: 200,000 of these records are a gigabyte. */
const HEAP_MB_MAX = 256;
/** With young generation, libraries and buffers. */
const RSS_MB_MAX = 500;

let stores: Stores;
let server: EventHubsServer;
let bench: HubBench;
let relay: ChildProcess;
let folder: string;
let databaseUrl: string;

beforeAll(async () => {
  stores = await openStores('postgres');
  databaseUrl = (await stores.environment())['DATABASE_URL']!;
  server = await new EventHubsServer({ hubs: { hub: { partitions: PARTITIONS } } }).start();
  bench = await openHubBench(databaseUrl);
  folder = mkdtempSync(join(tmpdir(), 'relay-backlog-'));
});
afterAll(async () => {
  relay.kill('SIGKILL');
  await bench.stop();
  await server.stop();
  await stores.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Resident memory of a process in megabytes. */
function rssMb(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim()) / 1024;
}

test(`a backlog of ${BACKLOG} records is worked off in bounded memory`, { timeout: 900_000 }, async () => {
  const body = JSON.stringify(serviceHealth({ trackingId: 'LOAD-00000', communication: 1, stage: 'Active' }));
  // A thousand outages, each told by many subscriptions, as in a storm.
  for (let n = 0; n < BACKLOG; n++) {
    const id = String(n % 1000).padStart(5, '0');
    const subscription = String(Math.floor(n / 1000)).padStart(12, '0');
    server.publish('hub', body.replaceAll('LOAD-00000', `LOAD-${id}`).replaceAll('000000000001', subscription));
  }
  relay = startRelayProcess({
    databaseUrl,
    receivers: `eventHubs: [{ name: hub, source: hub, connectionString: "${server.connectionString('hub')}" }]`,
    environment: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB_MAX}` },
    folder,
  });
  let peakMb = 0;
  const sampler = setInterval(() => (peakMb = Math.max(peakMb, rssMb(relay.pid!))), 250);
  await expect.poll(() => bench.trackingIds(), { timeout: 60_000 }).not.toEqual([]);
  const started = performance.now();
  const last = BACKLOG / PARTITIONS - 1;
  await expect.poll(() => bench.positions(), { timeout: 850_000, interval: 100 }).toEqual({ 0: last, 1: last });
  clearInterval(sampler);
  const rate = Math.round(BACKLOG / ((performance.now() - started) / 1000));
  process.stdout.write(`backlog of ${BACKLOG}: ${rate} records/s, at most ${Math.round(peakMb)} MB\n`);
  expect(await bench.trackingIds()).toHaveLength(Math.min(1000, BACKLOG));
  expect(peakMb).toBeGreaterThan(50);
  expect(peakMb).toBeLessThan(RSS_MB_MAX);
});
