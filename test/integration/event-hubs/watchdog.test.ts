/** What goes wrong quietly: silent receivers, hubs made anew, retention that overtakes us, memory. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { openHubBench, type HubBench } from '#test/support/event-hubs/hub-bench.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, type Stores } from '#test/support/relay.ts';

let stores: Stores;
let server: EventHubsServer;
let bench: HubBench;

beforeAll(async () => {
  stores = await openStores('postgres');
});
afterAll(() => stores.stop());
beforeEach(async () => {
  server = await new EventHubsServer({ hubs: { hub: { partitions: 2 } } }).start();
  bench = await openHubBench((await stores.environment())['DATABASE_URL']!);
});
afterEach(async () => {
  await bench.stop();
  await server.stop();
});

const publish = (trackingId: string, partition: number): void =>
  void server.publish('hub', serviceHealth({ trackingId, communication: 1, stage: 'Active' }), { partition });
const stored = (ids: string[]): Promise<void> => expect.poll(() => bench.trackingIds()).toEqual(ids);

describe('a partition', () => {
  test('that goes silent without an error shows its lag, is restarted and reads on', async () => {
    let gate = Promise.resolve();
    const replica = await bench.replica({ connectionString: server.connectionString('hub'), before: () => gate });
    publish('WATCH-01', 0);
    await stored(['WATCH-01']);
    server.deafen('hub', 0);
    publish('WATCH-03', 1);
    await stored(['WATCH-01', 'WATCH-03']);
    // However soon the restart comes, the lag stands until it was seen.
    const seen = Promise.withResolvers<void>();
    gate = seen.promise;
    publish('WATCH-02', 0);
    await expect.poll(() => replica.state().partitions[0]).toMatchObject({ id: '0', lag: 1, sequenceNumber: 0 });
    seen.resolve();
    await stored(['WATCH-01', 'WATCH-02', 'WATCH-03']);
    expect(await replica.count('restarted')).toBeGreaterThan(0);
    await expect.poll(() => replica.state().status).toBe('ok');
    expect(replica.state().restarts).toBeGreaterThan(0);
  });

  test('of a hub that was deleted and made anew is read from its beginning', async () => {
    const replica = await bench.replica({ connectionString: server.connectionString('hub') });
    for (const n of [1, 2, 3]) publish(`ANEW-00${n}`, 0);
    await stored(['ANEW-001', 'ANEW-002', 'ANEW-003']);
    server.recreate('hub');
    publish('ANEW-004', 0);
    await stored(['ANEW-001', 'ANEW-002', 'ANEW-003', 'ANEW-004']);
    await expect.poll(() => bench.positions()).toEqual({ 0: 0 });
    expect(await replica.count('restarted')).toBeGreaterThan(0);
  });

  test('whose retention has overtaken us tells how much is gone, and reads what is left', async () => {
    const first = await bench.replica({ connectionString: server.connectionString('hub') });
    publish('GONE-001', 0);
    await stored(['GONE-001']);
    await first.stop();
    for (const n of [2, 3, 4]) publish(`GONE-00${n}`, 0);
    server.log('hub', 0).expire(3);
    // A reader that a busy machine makes stand still is opened again, and then tells it again.
    const tuning = { stallMs: 60_000 };
    const second = await bench.replica({ connectionString: server.connectionString('hub'), tuning });
    await stored(['GONE-001', 'GONE-004']);
    // Found out before or after the rest was read: the gap is news either way.
    await expect.poll(() => second.count('expired')).toBe(1);
  });
});

test('never more events in memory than configured, also after an idle time in which the SDK has piled up credit', async () => {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  const maxRecords = 120;
  await bench.replica({
    connectionString: server.connectionString('hub'),
    maxRecords,
    // A reader that is opened again is sent the same once more.
    tuning: { maxWaitS: 0.02, stallMs: 60_000 },
    before: () => closed,
  });
  await expect.poll(() => server.readers('hub', 0) + server.readers('hub', 1)).toBe(2);
  // Some forty empty reads per partition.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const body = serviceHealth({ trackingId: 'BACK-001', communication: 1, stage: 'Active' });
  for (let n = 0; n < 1200; n++) server.publish('hub', body);
  await expect.poll(() => server.sent('hub')).toBeGreaterThan(maxRecords / 6);
  await new Promise((resolve) => setTimeout(resolve, 800));
  expect(server.sent('hub')).toBeLessThanOrEqual(maxRecords);
  open();
  await expect.poll(() => bench.positions(), { timeout: 30_000 }).toEqual({ 0: 599, 1: 599 });
});
