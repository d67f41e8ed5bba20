/** What is written, read by a strict reader that was written from the standard. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarOf } from '#src/api/deadlines-calendar.ts';
import type { DeadlineAnswer } from '#src/api/deadlines.ts';
import { component, text } from '#src/text/icalendar.ts';
import { readCalendar, valueOf } from '#test/support/icalendar.ts';

const OPTIONS = { relayId: 'contoso', publicUrl: 'https://relay.contoso.example' };

function deadline(more: Partial<DeadlineAnswer> = {}): DeadlineAnswer {
  return {
    id: 'inc_1',
    trackingId: 'ACT4-RET',
    kind: 'advisory',
    title: 'Legacy sign-in is retired',
    headline: '[Advisory] Container Registry, West Europe +1: Legacy sign-in is retired (ACT4-RET)',
    at: '2027-03-31T00:00:00.000Z',
    until: null,
    status: 'open',
    daysLeft: 128,
    nextReminderAt: null,
    revision: 3,
    updatedAt: '2026-11-24T10:00:00.123Z',
    impacts: [{ service: 'Container Registry', region: 'West Europe' }],
    subscriptions: [],
    affected: '2 registries: acr-a, acr-b',
    resources: [],
    owners: ['payments'],
    ...more,
  };
}

const read = (list: DeadlineAnswer[]) => readCalendar(Buffer.from(calendarOf(list, OPTIONS)));

test('the reader refuses what the standard forbids, or it would prove nothing', () => {
  const event = (...lines: string[]): Buffer =>
    Buffer.from(
      ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join(
        '\r\n',
      ),
    );
  const good = ['UID:a', 'DTSTAMP:20260101T000000Z', 'SEQUENCE:0', 'STATUS:CONFIRMED', 'DTSTART:20260101T000000Z'];
  expect(() => readCalendar(event(...good))).not.toThrow();
  for (const [line, why] of [
    ['SUMMARY:a, b', /bare comma/],
    ['SUMMARY:a\\x', /escape/],
    [`SUMMARY:${'x'.repeat(80)}`, /80|88/],
    ['SUMMARY:a\nb', /line feed/],
    ['UID:b', /2 times/],
    ['DTEND:20251231T000000Z', /not later/],
    ['DTEND;VALUE=DATE:20260102', /two types/],
    ['no colon', /content line/],
  ] as const)
    expect(() => readCalendar(event(...good, line)), line).toThrow(why);
  expect(() => readCalendar(Buffer.concat([event(...good).subarray(0, -2), Buffer.from('\n')]))).toThrow(/line feed/);
});

describe('the calendar', () => {
  test('an advisory is a whole day, a maintenance a window in UTC; a number per revision; nobody is busy', () => {
    const maintenance = deadline({
      kind: 'maintenance',
      trackingId: 'MNT3-2AR',
      at: '2026-12-01T22:00:00.000Z',
      until: '2026-12-02T02:30:00.000Z',
    });
    const [one, two] = read([deadline(), maintenance]).components;
    expect(Object.fromEntries(one!.properties.map(({ name, value }) => [name, value]))).toEqual({
      UID: 'act4-ret@contoso.health-relay',
      DTSTAMP: '20261124T100000Z',
      'LAST-MODIFIED': '20261124T100000Z',
      SEQUENCE: '2',
      STATUS: 'CONFIRMED',
      DTSTART: '20270331',
      DTEND: '20270401',
      TRANSP: 'TRANSPARENT',
      SUMMARY: '[Advisory] Container Registry, West Europe +1: Legacy sign-in is retired (ACT4-RET)',
      DESCRIPTION:
        'Legacy sign-in is retired\nServices: Container Registry\nOur resources: 2 registries: acr-a, acr-b\nOwners: payments\nTracking ID: ACT4-RET',
      CATEGORIES: 'advisory',
      LOCATION: 'West Europe',
      URL: 'https://relay.contoso.example/incidents/inc_1',
    });
    expect([valueOf(two!, 'DTSTART'), valueOf(two!, 'DTEND')]).toEqual(['20261201T220000Z', '20261202T023000Z']);
  });

  test('what was taken back says so; an empty calendar is still one', () => {
    const [one] = read([deadline({ status: 'cancelled' })]).components;
    expect(valueOf(one!, 'STATUS')).toBe('CANCELLED');
    expect(read([]).components.map((part) => part.name)).toEqual(['VTIMEZONE']);
  });

  test('whatever people and vendors write, it reads back as it was', () => {
    const words = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.string({
        unit: fc.constantFrom(
          ',',
          ';',
          '\\',
          '\n',
          '\r',
          '\r\n',
          '"',
          ':',
          '🜁',
          'é',
          '中',
          ' ',
          '\t',
          '\u0000',
          '\u0085',
          'x',
        ),
        maxLength: 300,
      }),
    );
    const plain = (value: string): string => value.replaceAll(/\r\n?/g, '\n').replaceAll(/[^\P{Cc}\n]/gu, ' ');
    fc.assert(
      fc.property(words, words, (title, owner) => {
        const [one] = read([deadline({ headline: title, title, owners: [owner] })]).components;
        expect(valueOf(one!, 'SUMMARY')).toBe(plain(title));
        expect(valueOf(one!, 'DESCRIPTION')).toContain(`Owners: ${plain(owner)}`);
      }),
      { numRuns: 500 },
    );
  });

  test('no text can add a property or a component of its own', () => {
    const evil = 'x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nATTACH:https://evil.example\u2028;y';
    const calendar = read([
      deadline({ headline: evil, title: evil, owners: [evil], trackingId: evil, affected: evil }),
    ]);
    expect(calendar.components).toHaveLength(1);
    expect(calendar.components[0]!.properties.map((one) => one.name)).not.toContain('ATTACH');
  });

  test('lines of exactly 75 octets stay whole, of 76 are folded', () => {
    const physical = (length: number): number[] =>
      component('X', [{ name: 'SUMMARY', value: text('x'.repeat(length - 'SUMMARY:'.length)) }])
        .split('\r\n')
        .slice(1, -1)
        .map((line) => line.length);
    expect(physical(75)).toEqual([75]);
    expect(physical(76)).toEqual([75, 2]);
    expect(physical(75 + 74)).toEqual([75, 75]);
    expect(physical(75 + 75)).toEqual([75, 75, 2]);
  });
});
