import { describe, expect, test } from 'vitest';
import {
  isStalled,
  lagOf,
  noteEnds,
  noteProgress,
  partitionState,
  watchPartition,
  type WatchedPartition,
} from '#src/receivers/event-hubs/partition-watch.ts';
import { batchSize } from '#src/receivers/event-hubs/tuning.ts';

const START = { partitionId: '0', sequenceNumber: 99, offset: '9900', enqueuedAt: '1970-01-01T00:00:01.000Z' };
const ends = (beginningSequenceNumber: number, lastEnqueuedSequenceNumber: number) => ({
  beginningSequenceNumber,
  lastEnqueuedSequenceNumber,
});
const read = (partition: WatchedPartition, sequenceNumber: number, nowMs: number): void =>
  noteProgress(partition, { sequenceNumber, enqueuedTimeUtc: new Date(nowMs - 10) }, nowMs);

describe('a partition', () => {
  test('has no lag before the hub was asked, and none when its last event is durable', () => {
    const partition = watchPartition('0', START, 5000);
    expect(lagOf(partition)).toBe(0);
    noteEnds(partition, ends(0, 99), { before: 99, nowMs: 6000 });
    expect(lagOf(partition)).toBe(0);
    noteEnds(partition, ends(0, 104), { before: 99, nowMs: 7000 });
    expect(lagOf(partition)).toBe(5);
    read(partition, 104, 7500);
    expect(lagOf(partition)).toBe(0);
  });

  test('counts only what the hub still keeps', () => {
    const partition = watchPartition('0', null, 0);
    noteEnds(partition, ends(40, 59), { before: null, nowMs: 1 });
    expect(lagOf(partition)).toBe(20);
    noteEnds(partition, ends(0, -1), { before: null, nowMs: 2 });
    expect(lagOf({ ...partition, end: -1, begin: 0 })).toBe(0);
  });

  test('tells how old its oldest unread event can be: since it was last level, not since the last event of a quiet night', () => {
    const partition = watchPartition('0', START, 0);
    noteEnds(partition, ends(0, 99), { before: 99, nowMs: 1_000_000 });
    noteEnds(partition, ends(0, 100), { before: 99, nowMs: 1_010_000 });
    expect(partitionState(partition, 1_015_000)).toMatchObject({ lag: 1, lagAgeS: 15 });
    read(partition, 100, 1_016_000);
    expect(partitionState(partition, 1_020_000)).toMatchObject({ lag: 0, lagAgeS: 0, sequenceNumber: 100 });
  });
});

describe('a partition stands still', () => {
  const behind = (): WatchedPartition => {
    const partition = watchPartition('0', START, 0);
    noteEnds(partition, ends(0, 120), { before: 99, nowMs: 1000 });
    return partition;
  };
  test('when it has lag and has not moved for the given time', () => {
    expect(isStalled(behind(), 60_000, 60_000)).toBe(false);
    expect(isStalled(behind(), 60_001, 60_000)).toBe(true);
  });
  test('not while it moves, has nothing to read, or waits for the store', () => {
    const moving = behind();
    read(moving, 100, 50_000);
    expect(isStalled(moving, 70_000, 60_000)).toBe(false);
    expect(isStalled(watchPartition('0', START, 0), 900_000, 60_000)).toBe(false);
    expect(isStalled({ ...behind(), busy: true }, 900_000, 60_000)).toBe(false);
  });
});

describe('the hub', () => {
  test('that ends before our position was made anew', () => {
    const partition = watchPartition('0', START, 0);
    expect(noteEnds(partition, ends(0, 12), { before: 99, nowMs: 1 })).toEqual({ kind: 'recreated', position: 99 });
  });
  test('is not taken for a new one when we moved while it answered', () => {
    const partition = watchPartition('0', START, 0);
    read(partition, 150, 1);
    expect(noteEnds(partition, ends(0, 99), { before: 99, nowMs: 2 })).toEqual({ kind: 'fine' });
    expect(lagOf(partition)).toBe(0);
  });
  test('that has dropped unread events is told once', () => {
    const partition = watchPartition('0', START, 0);
    expect(noteEnds(partition, ends(150, 200), { before: 99, nowMs: 1 })).toEqual({ kind: 'expired', events: 50 });
    expect(noteEnds(partition, ends(150, 200), { before: 99, nowMs: 2 })).toEqual({ kind: 'fine' });
  });
});

test('all partitions together never hold more than the configured number', () => {
  for (const [recordsMax, partitions] of [
    [2000, 4],
    [2000, 32],
    [100, 32],
    [100_000, 1],
  ] as const) {
    const size = batchSize(recordsMax, partitions);
    expect(size).toBeGreaterThan(0);
    expect(size * 3 * partitions).toBeLessThanOrEqual(recordsMax);
  }
});
