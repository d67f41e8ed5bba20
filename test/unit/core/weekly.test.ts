/** When the weekly message is due: by the wall clock of its readers, whatever the clocks do. */
import { expect, test } from 'vitest';
import { weeklyDue } from '#src/core/weekly.ts';

const due = (timezone: string, at: string, moment: string): string | null =>
  weeklyDue({ day: 'monday', at, timezone }, Date.parse(moment));

test.each([
  // 2026-09-14 is a Monday.
  ['UTC', '08:00', '2026-09-14T07:59:59Z', null],
  ['UTC', '08:00', '2026-09-14T08:00:00Z', '2026-09-14'],
  ['UTC', '08:00', '2026-09-14T23:59:00Z', '2026-09-14'],
  // Late, until the same time on Tuesday.
  ['UTC', '08:00', '2026-09-15T07:59:00Z', '2026-09-14'],
  ['UTC', '08:00', '2026-09-15T08:00:00Z', null],
  ['UTC', '00:00', '2026-09-14T00:00:00Z', '2026-09-14'],
  ['UTC', '00:00', '2026-09-15T00:00:00Z', null],
  // It is still Sunday in Los Angeles, and already Monday in Auckland.
  ['America/Los_Angeles', '08:00', '2026-09-14T03:00:00Z', null],
  ['Pacific/Auckland', '08:00', '2026-09-13T20:00:00Z', '2026-09-14'],
  // Half an hour off the hour.
  ['Asia/Kolkata', '08:00', '2026-09-14T02:29:00Z', null],
  ['Asia/Kolkata', '08:00', '2026-09-14T02:30:00Z', '2026-09-14'],
])('%s at %s: %s', (timezone, at, moment, expected) => {
  expect(due(timezone, at, moment)).toBe(expected);
});

test('over a year and both changes of the clock every week comes once, and the key never goes back', () => {
  for (const timezone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']) {
    const seen: string[] = [];
    const start = Date.parse('2026-01-01T00:00:00Z');
    for (let ms = start; ms < start + 365 * 86_400_000; ms += 60 * 60_000) {
      const week = weeklyDue({ day: 'sunday', at: '02:30', timezone }, ms);
      if (week !== null && week !== seen.at(-1)) seen.push(week);
    }
    expect(seen).toEqual(seen.toSorted());
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(52);
  }
}, 60_000);
