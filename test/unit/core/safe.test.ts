import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventTime, parseTimeMs, planTime, safeKey, safeLine, safeText, utf8Bytes } from '#src/core/safe.ts';

const RECEIVED = '2026-11-24T19:00:00.000Z';
const ANY_TEXT = fc.string({ unit: 'binary' });

describe('safeText', () => {
  test('replaces what Postgres refuses and leaves the rest alone', () => {
    expect(safeText('a\0b\uD800c')).toBe('a\uFFFDb\uFFFDc');
    expect(safeText('Störung 🔥\n')).toBe('Störung 🔥\n');
  });

  test('cuts to the limit and never through a surrogate pair', () => {
    expect(safeText('ab🔥', 3)).toBe('ab');
    expect(safeText('ab🔥', 4)).toBe('ab🔥');
  });

  test('is well-formed and within the limit for any text', () => {
    fc.assert(
      fc.property(ANY_TEXT, fc.integer({ min: 1, max: 20 }), (text, max) => {
        for (const safe of [safeText(text, max), safeLine(text, max)]) {
          expect(safe.length).toBeLessThanOrEqual(max);
          expect(safe.isWellFormed() && !safe.includes('\0')).toBe(true);
        }
      }),
    );
  });
});

test('safeLine leaves no line end, tab or control character', () => {
  expect(safeLine('  a\r\n\tb\u0007  c\u0085d ')).toBe('a b c d');
  expect(safeLine('one two')).toBe('one two');
});

describe('safeKey', () => {
  test('keeps a short text, and keeps two long ones apart', () => {
    expect(safeKey('West Europe', 100)).toBe('West Europe');
    const [a, b] = [safeKey(`${'x'.repeat(500)}a`, 100), safeKey(`${'x'.repeat(500)}b`, 100)];
    expect(a).not.toBe(b);
    expect(utf8Bytes(a)).toBeLessThanOrEqual(100);
  });

  test('stays within the bytes for any text', () => {
    fc.assert(fc.property(ANY_TEXT, (text) => utf8Bytes(safeKey(text.repeat(9), 60)) <= 60));
  });

  test('utf8Bytes counts what a buffer would hold', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => utf8Bytes(text) === Buffer.byteLength(text)));
  });
});

describe('times', () => {
  test.each([
    ['2026-09-14T08:31:40.2817465+00:00', '2026-09-14T08:31:40.281Z'],
    ['2026-09-14T08:12:00Z', '2026-09-14T08:12:00.000Z'],
    ['2026-09-14T10:12:00.5+02:00', '2026-09-14T08:12:00.500Z'],
    ['2026-09-14 08:12:00', '2026-09-14T08:12:00.000Z'],
    ['2026-09-14', '2026-09-14T00:00:00.000Z'],
    ['9/14/2026 8:12:00 PM', '2026-09-14T20:12:00.000Z'],
    ['9/14/2026 12:12:00 AM', '2026-09-14T00:12:00.000Z'],
    ['09/14/2026 08:12:00', '2026-09-14T08:12:00.000Z'],
    ['1789373520000', '2026-09-14T08:12:00.000Z'],
    [1_789_373_520, '2026-09-14T08:12:00.000Z'],
  ])('%s is read', (value, iso) => {
    expect(eventTime(value, RECEIVED)).toBe(iso);
  });

  test.each([null, undefined, '', 'soon', '2026-13-01', '2026-09-14T25:00:00Z', {}, true, 7, Number.NaN, '1e400000'])(
    '%s is no time',
    (value) => {
      expect(parseTimeMs(value)).toBeNull();
    },
  );

  test('an event is from 2010 to two days ahead, a plan up to ten years ahead', () => {
    expect(eventTime('2009-12-31T23:59:59Z', RECEIVED)).toBeNull();
    expect(eventTime('2026-11-26T18:59:59Z', RECEIVED)).not.toBeNull();
    expect(eventTime('2026-11-26T19:00:01Z', RECEIVED)).toBeNull();
    expect(planTime('2027-03-31T00:00:00Z', RECEIVED)).toBe('2027-03-31T00:00:00.000Z');
    expect(planTime('2037-01-01T00:00:00Z', RECEIVED)).toBeNull();
  });
});
