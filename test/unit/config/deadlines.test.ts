/** The section `deadlines`: days, and tokens that open the calendar and nothing else. */
import { expect, test } from 'vitest';
import { configSecrets } from '#src/config/secrets.ts';
import { faultLines, GOOD, good } from './fixture.ts';

const FEED = 'calendar-feed-token-0001';

test('reminders are on by themselves, the calendar has no token by itself', () => {
  expect(good(GOOD).deadlines).toEqual({ remindDays: [180, 90, 30, 7, 1], feedTokens: [] });
  expect(good(`${GOOD}deadlines: { remindDays: [] }\n`).deadlines.remindDays).toEqual([]);
});

test('a feed token is a secret, and is not printed', () => {
  const config = good(`${GOOD}deadlines: { feedTokens: [${FEED}] }\n`);
  expect(configSecrets(config)).toContain(FEED);
  expect(JSON.stringify(config)).not.toContain(FEED);
});

test('one that opens anything else is refused, and so is a short one', () => {
  const faults = (token: string): string[] => faultLines(`${GOOD}deadlines: { feedTokens: ["${token}"] }\n`);
  expect(faults('receiver-token-000000000001')[0]).toMatch(/deadlines\.feedTokens\[0\]: this token is used already/);
  expect(faults('short')[0]).toContain('must have at least 16 characters');
  expect(faultLines(`${GOOD}deadlines: { remindDays: [0, 1.5] }\n`)).toHaveLength(2);
});
