/** What is left to the peer, for how long, and what an answer, or none, makes of it. */
import { describe, expect, test, vi } from 'vitest';
import type { RelayConfig } from '#src/config/types.ts';
import type { DueDelivery } from '#src/db/due.ts';
import type { PeerAnswer, PeerAsk, PeerState } from '#src/pipeline/standby/peer.ts';
import { openStandby } from '#src/pipeline/standby/standing-by.ts';

const NOW = Date.parse('2026-11-25T00:10:00Z');
const GRACE_MS = 60_000;
const target = { name: 'channel', id: 'chan', standby: true };

function row(more: Partial<DueDelivery> = {}, ages: readonly number[] = [GRACE_MS]): DueDelivery {
  const revisions = ages.map((ageMs, index) => ({
    revision: index + 1,
    recordedAt: new Date(NOW - ageMs).toISOString(),
    snapshot: { state: 'active', severity: 'error', startedAt: null, communication: null, change: 'open' },
    html: null,
  }));
  const incident = { identity: 'sh/a' };
  const base = { id: 'dlv_1', incidentId: 'inc_1', told: 'nothing', fallbackOf: null, passThrough: false };
  return { ...base, incident, revisions, standbyUntil: new Date(NOW - 1).toISOString(), ...more } as DueDelivery;
}

type Answers = PeerAnswer[] | 'stopping' | null;

async function standbyOf(
  rows: DueDelivery[],
  {
    is = 'well',
    answers = null,
    passThrough = false,
  }: { is?: PeerState['is']; answers?: Answers; passThrough?: boolean } = {},
) {
  const asked: PeerAsk[][] = [];
  const onUntold = vi.fn<(destination: string, incidents: string[]) => void>();
  const onError = vi.fn<(error: Error) => void>();
  const config = { passThrough, peer: { graceMs: GRACE_MS } } as unknown as RelayConfig;
  const peer = {
    state: (): PeerState => ({ is, fault: null }),
    ask: (asks: readonly PeerAsk[]): Promise<Answers> => {
      asked.push([...asks]);
      return Promise.resolve(answers);
    },
  };
  await openStandby(target, rows, { config, nowMs: NOW, peer, onUntold, onError });
  return { found: rows.map((one) => one.standby), asked, onUntold, onError };
}

describe('before the grace is over', () => {
  test('what could never be told before waits for all of it, however old the news is', async () => {
    const { found, asked } = await standbyOf([row({ standbyUntil: null }, [3_600_000])]);
    expect(found[0]).toEqual({ untilMs: NOW + GRACE_MS, settledTo: 0, accepted: false });
    expect(asked).toEqual([]);
  });

  test('news that comes meanwhile does not make it longer; what came after an answer has its own', async () => {
    const untilMs = NOW + 20_000;
    const mid = row({ standbyUntil: new Date(untilMs).toISOString() }, [40_000, 100]);
    const fresh = row({}, [10_000]);
    const { found } = await standbyOf([mid, fresh]);
    expect(found.map((one) => one?.untilMs)).toEqual([untilMs, NOW + 50_000]);
  });

  test('a clock that runs ahead, of the database or of another process, makes it no longer', async () => {
    const { found } = await standbyOf([row({ standbyUntil: new Date(NOW + 900_000).toISOString() })]);
    expect(found[0]?.untilMs).toBe(NOW + GRACE_MS);
    expect((await standbyOf([row({}, [-900_000])])).asked).toHaveLength(1);
  });
});

describe('when the grace is over', () => {
  const answer = (more: Partial<PeerAnswer>): PeerAnswer => ({ settled: 0, accepted: false, held: false, ...more });

  test('the peer is asked by the id of the destination, once for all rows', async () => {
    const { asked } = await standbyOf([row(), row()], { answers: [answer({}), answer({})] });
    expect(asked).toHaveLength(1);
    expect(asked[0]!.map(({ identity, destination }) => [identity, destination])).toEqual([
      ['sh/a', 'chan'],
      ['sh/a', 'chan'],
    ]);
  });

  test('what it has told is left out up to that revision, what it holds back waits, the rest is told', async () => {
    const rows = [row({}, [GRACE_MS, GRACE_MS, GRACE_MS]), row(), row(), row()];
    const answers = [answer({ settled: 2, accepted: true }), answer({ held: true }), answer({})];
    const { found, onUntold } = await standbyOf(rows, { answers });
    expect(found[0]).toEqual({ untilMs: NOW, settledTo: 2, accepted: true });
    expect(found[1]).toEqual({ untilMs: NOW + GRACE_MS, settledTo: 0, accepted: false });
    // One answer says no, the other is missing.
    expect(found.slice(2)).toEqual([null, null]);
    expect(onUntold).toHaveBeenCalledWith('channel', ['inc_1', 'inc_1']);
  });

  test('a number of revisions that were never asked about is no more than all of them', async () => {
    expect((await standbyOf([row()], { answers: [answer({ settled: 99 })] })).found[0]?.settledTo).toBe(1);
  });

  test('without an answer it is told', async () => {
    expect((await standbyOf([row()])).found).toEqual([null]);
  });

  test('our own stop is no answer: it waits a moment longer', async () => {
    const { found, onUntold } = await standbyOf([row()], { answers: 'stopping' });
    expect(found[0]).toMatchObject({ settledTo: 0 });
    expect(onUntold).not.toHaveBeenCalled();
  });

  test('before the first look is over it waits a moment, and nobody is asked', async () => {
    const { found, asked } = await standbyOf([row()], { is: 'unknown' });
    expect(found[0]!.untilMs - NOW).toBeLessThanOrEqual(1_000);
    expect(asked).toEqual([]);
  });

  test('of a backlog fifty are asked about at a time', async () => {
    const { asked, found } = await standbyOf(Array.from({ length: 80 }, () => row()));
    expect(asked.map((asks) => asks.length)).toEqual([50]);
    expect(found.filter((one) => one === null)).toHaveLength(50);
  });
});

test.each<[string, Partial<DueDelivery>, object]>([
  ['the peer is missing', {}, { is: 'missing' }],
  ['passThrough is on', {}, { passThrough: true }],
  ['passThrough was turned on by call', { passThrough: true }, {}],
  ['it is open here', { told: 'open' }, {}],
  ['it stands in for a destination that could not be told', { fallbackOf: 'oncall' }, {}],
])('nothing is left to the peer where %s', async (_, columns, options) => {
  const { found, asked } = await standbyOf([row(columns)], options);
  expect(found[0] ?? null).toBeNull();
  expect(asked).toEqual([]);
});

test('a fault of ours holds nothing back', async () => {
  const broken = row({ incident: null as never });
  const { found, onError } = await standbyOf([broken]);
  expect(found).toEqual([null]);
  expect(onError).toHaveBeenCalledOnce();
});
