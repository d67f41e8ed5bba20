/** `sustained`: when an own alert has been firing for long enough, or often enough, to notify. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Report } from '#src/core/alert-history.ts';
import { judgeSustained, type SustainedRule } from '#src/core/sustained.ts';

const MIN = 60_000;
const RULE: SustainedRule = { times: 3, of: 5, inMs: 10 * MIN, severe: false };

/** `F0 R2 F5` : a firing at minute 0, an end at 2, an opening of the next episode at 5; `f` repeats. */
function reports(words: string): Report[] {
  let episode = 0;
  return words.split(' ').map((word) => {
    if (word[0] === 'F') episode++;
    return { atMs: Number(word.slice(1)) * MIN, episode, firing: word[0] !== 'R', turn: word[0] !== 'f' };
  });
}

function judged(words: string, minute: number, rule: SustainedRule = RULE): string {
  const list = reports(words).filter((one) => one.atMs <= minute * MIN);
  const episode = list.at(-1)?.episode ?? 1;
  const verdict = judgeSustained(list, rule, { episode, nowMs: minute * MIN });
  if (verdict.sustained) return `sustained ${verdict.atMs / MIN}`;
  return `${verdict.firing} of ${verdict.seen}, ${verdict.untilMs === null ? 'over' : `until ${verdict.untilMs / MIN}`}`;
}

describe('3 of 5 in 10m', () => {
  test.each([
    // Azure does not repeat a stateful alert: silence while it is open counts, one observation in two minutes.
    ['F0', 0, '1 of 1, until 4'],
    ['F0', 3.9, '2 of 2, until 4'],
    ['F0', 4, 'sustained 4'],
    ['F0', 500, 'sustained 4'],
    // It came and went.
    ['F0 R3', 3, '2 of 3, over'],
    ['F0 R3', 60, '2 of 3, over'],
    // Ended after it was sustained, looked at later.
    ['F0 R7', 9, 'sustained 4'],
    // A stateless rule fires at every evaluation.
    ['F0 f1', 1, '2 of 2, until 3'],
    ['F0 f1 f2', 2, 'sustained 2'],
    // Comes and goes: the third opening is the third firing of the last five.
    ['F0 R1 F2 R3', 3, '2 of 4, over'],
    ['F0 R1 F2 R3 F4', 4, 'sustained 4'],
    // Too far apart to be one story.
    ['F0 R1 F9 R10 F18', 18, '2 of 3, until 22'],
    ['F0 R1 F30', 30, '1 of 1, until 34'],
    // An end that is repeated through another door is no firing.
    ['F0 R1 f1.5 f1.6', 2, '1 of 2, over'],
  ])('%s at minute %d: %s', (words, minute, expected) => expect(judged(words, minute)).toBe(expected));

  test('one of one notifies at once', () => {
    expect(judged('F0', 0, { ...RULE, times: 1, of: 1 })).toBe('sustained 0');
  });

  test('an episode that the history does not hold is told', () => {
    expect(judgeSustained(reports('F0 R1'), RULE, { episode: 9, nowMs: 2 * MIN }).sustained).toBe(true);
    expect(judgeSustained([], RULE, { episode: 1, nowMs: 0 }).sustained).toBe(true);
  });
});

const rules = fc
  .record({
    of: fc.integer({ min: 1, max: 20 }),
    inMs: fc.integer({ min: 1_000, max: 86_400_000 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ of, inMs, part }): SustainedRule => ({ of, inMs, times: Math.max(1, Math.ceil(of * part)), severe: false }));

/** Openings, ends and repeats in an order that the fold can bring about. */
const histories = fc
  .array(fc.record({ gapMs: fc.integer({ min: 0, max: 20 * MIN }), repeats: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let [atMs, episode, firing] = [1_000_000_000_000, 0, false];
    return steps.map(({ gapMs, repeats }): Report => {
      atMs += gapMs;
      if (firing && repeats) return { atMs, episode, firing: true, turn: false };
      firing = !firing;
      if (firing) episode++;
      return { atMs, episode, firing, turn: true };
    });
  });

describe('whatever was reported before', () => {
  test('what stays open is told before its window is over, however often it is judged', () => {
    fc.assert(
      fc.property(
        rules,
        histories,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        (rule, list, looks) => {
          const opening = list.findLast((one) => one.turn && one.firing)!;
          const until = list.slice(0, list.indexOf(opening) + 1);
          const { episode, atMs } = opening;
          for (const look of looks) {
            const nowMs = atMs + look * rule.inMs;
            const verdict = judgeSustained(until, rule, { episode, nowMs });
            if (!verdict.sustained) {
              expect(verdict.untilMs).toBeGreaterThan(nowMs);
              expect(verdict.untilMs).toBeLessThan(atMs + rule.inMs);
            }
          }
          expect(judgeSustained(until, rule, { episode, nowMs: atMs + rule.inMs }).sustained).toBe(true);
        },
      ),
    );
  });

  test('sustained once is sustained for good: no later look and no end takes it back', () => {
    fc.assert(
      fc.property(rules, histories, fc.integer({ min: 0, max: 86_400_000 }), (rule, list, laterMs) => {
        const { episode, atMs } = list.at(-1)!;
        const now = judgeSustained(list, rule, { episode, nowMs: atMs });
        fc.pre(now.sustained);
        const ended = [...list, { atMs: atMs + 1, episode, firing: false, turn: true }];
        for (const one of [list, ended]) {
          expect(judgeSustained(one, rule, { episode, nowMs: atMs + 1 + laterMs }).sustained).toBe(true);
        }
      }),
    );
  });

  test('the order in which reports are read does not matter', () => {
    fc.assert(
      fc.property(rules, histories, (rule, list) => {
        fc.pre(new Set(list.map((one) => one.atMs)).size === list.length);
        const { episode, atMs: nowMs } = list.at(-1)!;
        expect(judgeSustained(list.toReversed(), rule, { episode, nowMs })).toEqual(
          judgeSustained(list, rule, { episode, nowMs }),
        );
      }),
    );
  });
});
