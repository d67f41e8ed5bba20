/** Replicas that share partitions: hand over, lose a race, rewind, and never store or skip anything because of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { openHubBench, type HubBench, type Replica, type ReplicaOptions } from '#test/support/event-hubs/hub-bench.ts';
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
  server = await new EventHubsServer({ hubs: { hub: { partitions: 4 } } }).start();
  bench = await openHubBench((await stores.environment())['DATABASE_URL']!);
});
afterEach(async () => {
  await bench.stop();
  await server.stop();
});

const name = (n: number): string => `SHAR-${1000 + n}`;
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => name(n));
const start = (options: Omit<ReplicaOptions, 'connectionString'> = {}): Promise<Replica> =>
  bench.replica({ connectionString: server.connectionString('hub'), ...options });
const publish = (n: number, partition = n % 4): void =>
  void server.publish('hub', serviceHealth({ trackingId: name(n), communication: 1, stage: 'Active' }), { partition });
const stored = (count: number): Promise<void> => expect.poll(() => bench.trackingIds()).toEqual(names(count));
const signalCount = async (): Promise<number> =>
  (await bench.pools.read.query<{ n: number }>('select count(*) as n from signals')).rows[0]!.n;

/** Blocks commits until it is opened. */
function gate(): { before(): Promise<void>; open(): void; readonly waiting: number } {
  let waiting: (() => void)[] = [];
  let isOpen = false;
  return {
    before: () => (isOpen ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    open() {
      isOpen = true;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    get waiting() {
      return waiting.length;
    },
  };
}

describe('two replicas', () => {
  test('share the partitions evenly, and the one that stays takes all when the other stops', async () => {
    // Claims outlast the test: what the one that stays takes over was released.
    const tuning = { ownershipExpiryMs: 600_000 };
    const first = await start({ tuning });
    await expect.poll(() => first.partitions()).toEqual(['0', '1', '2', '3']);
    const second = await start({ tuning });
    await expect.poll(() => [first.partitions().length, second.partitions().length]).toEqual([2, 2]);
    for (let n = 0; n < 40; n++) publish(n);
    await stored(40);
    await second.stop();
    for (let n = 40; n < 80; n++) publish(n);
    await stored(80);
    expect(await bench.positions()).toEqual({ 0: 19, 1: 19, 2: 19, 3: 19 });
    expect(await signalCount()).toBe(80);
    await expect.poll(() => first.state().detail).toBeNull();
  });

  test('lose nothing while they take partitions from each other under load', async () => {
    const first = await start();
    const second = await start();
    for (let n = 0; n < 200; n++) {
      publish(n);
      if (n % 50 === 10) server.steal('hub', n % 4);
      if (n === 100) server.dropConnections();
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await stored(200);
    expect(await signalCount()).toBe(200);
    await expect.poll(() => first.partitions().length + second.partitions().length).toBe(4);
  });
});

describe('claims', () => {
  const ages = async (): Promise<number> =>
    (
      await bench.pools.read.query<{ ms: number }>(
        `select (extract(epoch from clock_timestamp() - min(modified_at)) * 1000)::float8 as ms from event_hub_ownership`,
      )
    ).rows[0]!.ms;
  /** The SDK looks once and then no more. */
  const once = { updateIntervalMs: 600_000, stallMs: 600_000 };

  test('are renewed between the cycles of the SDK, also while a slice of one partition is being stored', async () => {
    const replica = await start({ tuning: { ...once, renewMs: 50 } });
    await expect.poll(() => replica.partitions()).toEqual(['0', '1', '2', '3']);
    const slice = await bench.pools.read.connect();
    try {
      await slice.query('begin');
      await slice.query(`select from event_hub_ownership where partition_id = '0' for share`);
      const older = `select count(*)::int as n from event_hub_ownership where modified_at < $1`;
      const { rows } = await slice.query<{ at: Date }>('select clock_timestamp() as at');
      const left = async (): Promise<number> =>
        (await bench.pools.read.query<{ n: number }>(older, [rows[0]!.at])).rows[0]!.n;
      await expect.poll(left).toBe(1);
      await slice.query('commit');
      await expect.poll(left).toBe(0);
    } finally {
      slice.release();
    }
  });

  test('of a process whose SDK shares nothing out any more are not renewed: it may be cut off from the hub alone', async () => {
    const replica = await start({ tuning: { ...once, renewMs: 50, cycleDeadMs: 500 } });
    await expect.poll(() => replica.partitions()).toEqual(['0', '1', '2', '3']);
    await expect.poll(ages).toBeGreaterThan(2_000);
  });

  test('of the dead are void at the start of a process that has the store to itself', async () => {
    const dead = `insert into event_hub_ownership (namespace, hub, consumer_group, partition_id, owner_id, etag, modified_at)
      select '127.0.0.1', 'hub', '$default', n::text, 'dead', gen_random_uuid(), now() + interval '1 hour' from generate_series(0, 3) n`;
    await bench.pools.read.query(dead);
    const replica = await start({ alone: true });
    await expect.poll(() => replica.partitions()).toEqual(['0', '1', '2', '3']);
  });
});

describe('a position that somebody else has moved', () => {
  test('drops the partition with all of the batch, and the batch is read again by whoever owns it', async () => {
    const door = gate();
    const replica = await start({ before: () => door.before() });
    publish(0, 0);
    publish(1, 1);
    await expect.poll(() => door.waiting).toBe(1);
    // Another replica takes partition 0 while our commit is on its way; its claim lasts until we have looked.
    const claimedAt = (moment: string): Promise<unknown> =>
      bench.pools.read.query(
        `update event_hub_ownership set owner_id = 'another', etag = gen_random_uuid(), modified_at = ${moment} where partition_id = '0'`,
      );
    await claimedAt(`now() + interval '1 hour'`);
    door.open();
    await expect.poll(() => bench.trackingIds()).toEqual([name(1)]);
    expect(await bench.positions()).toEqual({ 1: 0 });
    await expect.poll(() => replica.count('dropped')).toBe(1);
    await expect.poll(() => replica.state().detail).toBeNull();
    // It has died, and its claim expires.
    await claimedAt(`now() - interval '1 hour'`);
    await stored(2);
    expect(await bench.positions()).toEqual({ 0: 0, 1: 0 });
  });

  test('by hand is a rewind: everything is read again and changes nothing', async () => {
    // The watchdog opens what stands still anew, upon which there would be nothing to drop.
    const replica = await start({ tuning: { stallMs: 600_000 } });
    for (let n = 0; n < 10; n++) publish(n, 2);
    await stored(10);
    const before = await signalCount();
    await bench.pools.read.query(
      `update event_hub_positions set sequence_number = 1, event_offset = '100' where partition_id = '2'`,
    );
    publish(10, 2);
    await stored(11);
    await expect.poll(() => bench.positions()).toEqual({ 2: 10 });
    expect(await replica.count('dropped')).toBeGreaterThan(0);
    expect(await signalCount()).toBe(before + 1);
  });
});

test('a batch that cannot be stored is tried until it can be, in order, and readiness says why', async () => {
  let failing = true;
  const sizes: number[] = [];
  const replica = await start({
    async before(signals) {
      sizes.push(signals);
      if (failing) throw new Error('the disk is full');
    },
  });
  for (let n = 0; n < 8; n++) publish(n, 0);
  await expect.poll(() => replica.state().detail).toBe('a batch of partition 0 waits to be stored: the disk is full');
  await expect.poll(() => sizes.length).toBeGreaterThan(5);
  expect(await bench.trackingIds()).toEqual([]);
  // Smaller each time: a slice that is too large for the store's time limit gets through in the end.
  expect(sizes.at(-1)).toBeLessThan(sizes[0]! + 1);
  failing = false;
  await stored(8);
  await expect.poll(() => replica.state().detail).toBeNull();
  expect(await bench.positions()).toEqual({ 0: 7 });
});

test('stopping is bounded while a batch waits for the store and the hub is gone', async () => {
  const replica = await start({ before: () => new Promise(() => undefined) });
  publish(0, 0);
  await expect.poll(() => replica.state().partitions.length).toBe(4);
  await server.stop();
  const started = performance.now();
  await replica.stop();
  // Three seconds are enough; without a bound it would wait for that batch for ever.
  expect(performance.now() - started).toBeLessThan(20_000);
  await server.start();
});
