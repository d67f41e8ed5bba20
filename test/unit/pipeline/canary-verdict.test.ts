/** When all is well, and what is said when it is not. What is too old to say anything is never well. */
import { describe, expect, test } from 'vitest';
import type { CanaryConfig } from '#src/config/types.ts';
import type { CanaryWatch } from '#src/db/canary.ts';
import { whyNotWell, withAge } from '#src/pipeline/canary/verdict.ts';

const SECTION: CanaryConfig = {
  everyMs: 60_000,
  withinMs: 30_000,
  receivers: null,
  source: null,
  url: null,
  destination: null,
  hubs: {},
};
const WELL: CanaryWatch = {
  roundAgeS: 20,
  passed: true,
  faults: [],
  auditAgeS: 18,
  findings: { lost: [], unpromised: [], behind: [], overdue: [] },
  beatAgeS: 18,
  sinceS: 9_000,
  beatFault: null,
  hops: [],
};
const why = (change: Partial<CanaryWatch>): string | null => whyNotWell({ ...WELL, ...change }, SECTION);

describe('the verdict', () => {
  test('is well after a round that passed and an audit without findings', () => expect(why({})).toBeNull());

  test.each<[string, Partial<CanaryWatch>, RegExp]>([
    [
      'a canary that did not pass',
      { passed: false, faults: ['azure-monitor: no worker'] },
      /^azure-monitor: no worker$/,
    ],
    [
      'the fault of the round before, while the next is under way',
      { passed: null, faults: ['x: y'], roundAgeS: 1 },
      /^x: y$/,
    ],
    ['rounds that have stopped', { roundAgeS: 106 }, /no canary was sent for 106 s/],
    ['a round that did not end', { passed: null, roundAgeS: 46 }, /the last round did not end/],
    ['an audit that has stopped', { auditAgeS: 106 }, /no audit for 106 s/],
    [
      'each kind of finding',
      { findings: { lost: ['sig_1'], overdue: ['hook dlv_1', 'hook dlv_2'] } },
      /^1 accepted signal without .*\(sig_1\); 2 deliveries that are .*\(hook dlv_1, hook dlv_2\)$/,
    ],
    [
      'one of each kind as one',
      { findings: { unpromised: ['hook inc_1'], behind: ['hook inc_1'], overdue: ['hook dlv_1'] } },
      /^1 destination that .*; 1 delivery that does .*; 1 delivery that is /,
    ],
  ])('names %s', (_, change, wanted) => expect(why(change)).toMatch(wanted));

  test('is open before the first round and while a round that followed a good one is under way', () => {
    expect(why({ roundAgeS: null, passed: null })).toBe('pending');
    expect(why({ passed: null, roundAgeS: 3 })).toBe('pending');
    expect(why({ auditAgeS: null })).toBe('pending');
  });

  test('grows old by itself while the database does not answer', () => {
    expect(whyNotWell(withAge(WELL, 84), SECTION)).toBeNull();
    expect(whyNotWell(withAge(WELL, 90), SECTION)).toMatch(/no canary was sent/);
  });
});
