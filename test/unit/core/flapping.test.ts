/** `flapping`: when an own alert opens and ends so often that only that is news. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Report } from '#src/core/alert-history.ts';
import { judgeFlapping, type FlappingRule } from '#src/core/flapping.ts';

const MIN = 60_000;
const RULE: FlappingRule = { changes: 4, withinMs: 30 * MIN, quietMs: 15 * MIN, severe: false };

/** Openings and ends in turn, at these minutes; `r` repeats the opening before it. */
function at(...minutes: (number | `r${number}`)[]): Report[] {
  let turns = 0;
  return minutes.map((minute) => {
    const turn = typeof minute === 'number';
    if (turn) turns++;
    return {
      atMs: Number(String(minute).replace('r', '')) * MIN,
      episode: Math.ceil(turns / 2),
      firing: !turn || turns % 2 === 1,
      turn,
    };
  });
}

function judged(list: Report[], minute: number): string {
  const verdict = judgeFlapping(list, RULE, minute * MIN);
  if (verdict.state === 'calm') return 'calm';
  return `${verdict.state} ${verdict.changes}, since ${verdict.sinceMs / MIN} until ${verdict.untilMs / MIN}`;
}

describe('4 changes in 30m, quiet after 15m', () => {
  test.each([
    [[], 0, 'calm'],
    [[0, 1, 2], 3, 'calm'],
    [[0, 1, 2, 3], 3, 'flapping 4, since 3 until 18'],
    [[0, 1, 2, 3, 4], 10, 'flapping 5, since 3 until 19'],
    [[0, 1, 2, 3], 17.9, 'flapping 4, since 3 until 18'],
    [[0, 1, 2, 3], 18, 'stopped 4, since 3 until 18'],
    // Only what lies within the span before the newest change is counted in the words.
    [[0, 1, 2, 3, 14, 25, 36], 36, 'flapping 3, since 3 until 51'],
    // Too slow.
    [[0, 12, 24, 36, 48], 48, 'calm'],
    // A quiet span begins a new count.
    [[0, 1, 2, 3, 18, 19, 20], 20, 'calm'],
    [[0, 1, 2, 3, 18, 19, 20, 21], 21, 'flapping 4, since 21 until 36'],
    // A rule that fires again and again has not changed.
    [[0, 'r1', 'r2', 'r3', 'r4'], 5, 'calm'],
  ] as const)('%j at minute %d: %s', (minutes, minute, expected) =>
    expect(judged(at(...minutes), minute)).toBe(expected),
  );
});

test('it always stops: once no change has come for as long as asked, nothing is flapping', () => {
  const rule = fc.record({
    changes: fc.integer({ min: 3, max: 10 }),
    withinMs: fc.integer({ min: 1, max: 1e7 }),
    quietMs: fc.integer({ min: 1, max: 1e7 }),
    severe: fc.constant(false),
  });
  fc.assert(
    fc.property(rule, fc.array(fc.integer({ min: 0, max: 1e7 }), { minLength: 1, maxLength: 40 }), (one, gaps) => {
      let now = 0;
      const list = gaps.map((gap, index): Report => ({
        atMs: (now += gap),
        episode: 1,
        firing: index % 2 === 0,
        turn: true,
      }));
      const verdict = judgeFlapping(list, one, now);
      if (verdict.state !== 'calm') expect(verdict.untilMs).toBe(now + one.quietMs);
      expect(judgeFlapping(list, one, now + one.quietMs).state).not.toBe('flapping');
    }),
  );
});
