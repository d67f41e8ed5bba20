/** When a deadline is due, what moves and ends it, and that each reminder comes once. */
import { describe, expect, test } from 'vitest';
import { daysLeft, deadlineOf, nextReminderAt, reminderDue, type DeadlineFacts } from '#src/core/deadlines.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAYS = [180, 90, 30, 7, 1];

function facts(more: Partial<DeadlineFacts> = {}): DeadlineFacts {
  return {
    kind: 'advisory',
    state: 'active',
    stage: 'Active',
    retracted: false,
    startedAt: '2026-01-01T00:00:00.000Z',
    endsAt: '2027-03-31T00:00:00.000Z',
    resolvedAt: null,
    closedAt: null,
    lastSeenAt: '2026-02-01T00:00:00.000Z',
    ...more,
  };
}

/** Looks every six hours, as a relay does that keeps what it has sent. */
function live(
  deadline: string,
  { from, until, away = [] }: { from: string; until: string; away?: [string, string][] },
) {
  const sent: { day: string; days: number; left: number }[] = [];
  const known = new Set<number>();
  for (let nowMs = Date.parse(from); nowMs < Date.parse(until); nowMs += 6 * HOUR) {
    const now = new Date(nowMs).toISOString();
    if (away.some(([start, end]) => now >= start && now < end)) continue;
    const due = reminderDue({ at: deadline, until: null, status: 'open' }, { days: DAYS, knownSince: from, nowMs });
    if (due === null || known.has(due)) continue;
    known.add(due);
    sent.push({ day: now.slice(0, 10), days: due, left: daysLeft({ at: deadline }, nowMs) });
  }
  return sent;
}

describe('reminders', () => {
  test('a retirement that is known for 400 days reminds on five days and on no other', () => {
    expect(live('2027-03-31T00:00:00.000Z', { from: '2026-02-24T01:00:00.000Z', until: '2027-05-01' })).toEqual([
      { day: '2026-10-02', days: 180, left: 180 },
      { day: '2026-12-31', days: 90, left: 90 },
      { day: '2027-03-01', days: 30, left: 30 },
      { day: '2027-03-24', days: 7, left: 7 },
      { day: '2027-03-30', days: 1, left: 1 },
    ]);
  });

  test('one that is announced 20 days before is not repeated at once: the announcement told it', () => {
    const sent = live('2027-03-31T00:00:00.000Z', { from: '2027-03-11T09:00:00.000Z', until: '2027-05-01' });
    expect(sent.map((one) => one.days)).toEqual([7, 1]);
  });

  test('a relay that was away for a month reminds once, of what is left', () => {
    const sent = live('2027-03-31T00:00:00.000Z', {
      from: '2026-02-24T01:00:00.000Z',
      until: '2027-05-01',
      away: [['2026-12-20', '2027-03-26']],
    });
    expect(sent).toEqual([
      { day: '2026-10-02', days: 180, left: 180 },
      { day: '2027-03-26', days: 7, left: 5 },
      { day: '2027-03-30', days: 1, left: 1 },
    ]);
  });

  test('none after the date, none once it has ended, none without days', () => {
    const deadline = deadlineOf(facts())!;
    const ask = { days: DAYS, knownSince: '2026-01-01T00:00:00.000Z' };
    const at = Date.parse(deadline.at);
    expect(reminderDue(deadline, { ...ask, nowMs: at - 1 })).toBe(1);
    expect(reminderDue(deadline, { ...ask, nowMs: at })).toBeNull();
    expect(reminderDue({ ...deadline, status: 'met' }, { ...ask, nowMs: at - DAY })).toBeNull();
    expect(reminderDue({ ...deadline, status: 'cancelled' }, { ...ask, nowMs: at - DAY })).toBeNull();
    expect(reminderDue(deadline, { ...ask, days: [], nowMs: at - DAY })).toBeNull();
    expect(nextReminderAt(deadline, { days: DAYS, nowMs: at - 8 * DAY })).toBe('2027-03-24T00:00:00.000Z');
    expect(nextReminderAt(deadline, { days: DAYS, nowMs: at - HOUR })).toBeNull();
  });
});

describe('what the deadline is', () => {
  test('the end date of an advisory, the start of a maintenance; none without a date', () => {
    expect(deadlineOf(facts())).toEqual({ at: '2027-03-31T00:00:00.000Z', until: null, status: 'open' });
    expect(deadlineOf(facts({ kind: 'maintenance', state: 'planned' }))).toEqual({
      at: '2026-01-01T00:00:00.000Z',
      until: '2027-03-31T00:00:00.000Z',
      status: 'open',
    });
    expect(deadlineOf(facts({ endsAt: null }))).toBeNull();
    // An end before the start is no window.
    const odd = facts({ kind: 'maintenance', startedAt: '2027-04-01T00:00:00.000Z' });
    expect(deadlineOf(odd)!.until).toBeNull();
  });

  test.each([
    ['cancelled', { stage: 'Canceled', state: 'resolved', resolvedAt: '2027-04-02T00:00:00.000Z' }],
    ['cancelled', { retracted: true, state: 'resolved', resolvedAt: '2027-04-02T00:00:00.000Z' }],
    ['cancelled', { state: 'closed', closedAt: '2026-06-01T00:00:00.000Z' }],
    ['met', { state: 'closed', closedAt: '2027-04-01T00:00:00.000Z' }],
    ['met', { stage: 'Complete', state: 'resolved', resolvedAt: '2027-03-31T00:00:00.000Z' }],
  ] as const)('%s when it ends as %o', (status, more) => {
    expect(deadlineOf(facts(more))!.status).toBe(status);
  });
});
