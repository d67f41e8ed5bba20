/** The section `silences`: what it becomes, and which slips are found before anybody is silenced. */
import { describe, expect, test } from 'vitest';
import { faultLines, good, GOOD } from './fixture.ts';

const WINDOW = 'from: "2026-12-01T22:00:00Z", until: "2026-12-02T02:00:00+01:00"';
const section = (...entries: string[]): string => `${GOOD}silences:\n${entries.map((one) => `  - ${one}\n`).join('')}`;

test('a silence with all that it may have, and one with what it must have', () => {
  const { silences } = good(
    section(
      `{ ${WINDOW}, match: { region: West Europe }, destinations: [oncall], author: ops, reason: move }`,
      `{ ${WINDOW}, match: {} }`,
    ),
  );
  expect(silences[0]).toEqual({
    id: expect.stringMatching(/^config\/[0-9a-f]{12}$/),
    match: { region: ['West Europe'] },
    destinations: ['oncall'],
    author: 'ops',
    reason: 'move',
    fromMs: Date.UTC(2026, 11, 1, 22),
    untilMs: Date.UTC(2026, 11, 2, 1),
  });
  expect(silences[1]).toMatchObject({ match: {}, destinations: null, author: 'the config', reason: '' });
  expect(good(GOOD).silences).toEqual([]);
});

test('the id comes from the content: the same in every replica, another after a change', () => {
  const id = (entry: string): string => good(section(entry)).silences[0]!.id;
  const entry = `{ ${WINDOW}, match: { kind: outage } }`;
  expect(id(entry)).toBe(id(entry));
  expect(id(`{ ${WINDOW}, match: { kind: [outage] } }`)).toBe(id(entry));
  expect(id(`{ ${WINDOW}, match: { kind: alert } }`)).not.toBe(id(entry));
});

describe('slips', () => {
  test.each([
    [
      'no end',
      '{ from: "2026-12-01T22:00:00Z", match: {} }',
      /silences\.0\.until: is missing|silences\[0\]\.until: is missing/,
    ],
    ['no match', `{ ${WINDOW} }`, /write match: \{\}|match: is missing/],
    [
      'an end before the start',
      '{ from: "2026-12-02T22:00:00Z", until: "2026-12-01T22:00:00Z", match: {} }',
      /must be later/,
    ],
    [
      'a slip of the year',
      '{ from: "2026-12-01T22:00:00Z", until: "2036-12-01T23:00:00Z", match: {} }',
      /at most 90 days/,
    ],
    [
      'a time without a zone',
      '{ from: "2026-12-01 22:00", until: "2026-12-02T01:00:00Z", match: {} }',
      /with its zone/,
    ],
    ['an unknown destination', `{ ${WINDOW}, match: {}, destinations: [oncal] }`, /did you mean "oncall"/],
    ['an unknown kind', `{ ${WINDOW}, match: { kind: outtage } }`, /did you mean "outage"/],
    ['an unknown key of the match', `{ ${WINDOW}, match: { regoin: x } }`, /did you mean "region"/],
    ['nobody', `{ ${WINDOW}, match: {}, destinations: [] }`, /left out for all/],
  ])('%s', (_, entry, words) => {
    const faults = faultLines(section(entry));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(words);
    expect(faults[0]).toContain('silences');
  });
});
