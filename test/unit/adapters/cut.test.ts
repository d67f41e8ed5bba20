import { assert, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codePoints, cutBytes, cutCodePoints, utf8Bytes } from '#adapters/shared/cut.ts';

const text = string({ unit: 'grapheme', maxLength: 400 });

describe('cutting', () => {
  it('leaves a text within the limit unchanged, and keeps every other one inside it, well-formed', () => {
    assert(
      property(text, integer({ min: 0, max: 300 }), (value, max) => {
        const byPoints = cutCodePoints(value, max);
        expect(codePoints(byPoints)).toBeLessThanOrEqual(max);
        expect(byPoints.isWellFormed()).toBe(true);
        const byBytes = cutBytes(value, max);
        expect(utf8Bytes(byBytes)).toBeLessThanOrEqual(max);
        expect(byBytes.isWellFormed()).toBe(true);
        if (codePoints(value) <= max) expect(byPoints).toBe(value);
        if (utf8Bytes(value) <= max) expect(byBytes).toBe(value);
      }),
    );
  });

  it('shows where it cut, inside the limit', () => {
    expect(cutCodePoints('a'.repeat(100), 30)).toBe(`${'a'.repeat(22)} … [cut]`);
    expect(cutBytes('a'.repeat(100), 30)).toBe(`${'a'.repeat(20)} … [cut]`);
    expect(cutCodePoints('a'.repeat(100), 10)).toBe(`${'a'.repeat(9)}…`);
  });

  it('never takes a family of emoji, a flag or an accent apart', () => {
    const family = '👩‍👩‍👧‍👦';
    expect(cutCodePoints(family.repeat(20), 30)).toBe(`${family.repeat(3)} … [cut]`);
    expect(cutCodePoints('🇩🇪'.repeat(40), 31)).toBe(`${'🇩🇪'.repeat(11)} … [cut]`);
    expect(cutBytes('e\u{301}'.repeat(40), 34)).toBe(`${'e\u{301}'.repeat(8)} … [cut]`);
  });

  it('gives up graphemes where one is longer than the whole limit', () => {
    const stacked = `a${'\u{301}'.repeat(1_000)}`;
    expect(codePoints(cutCodePoints(stacked, 200))).toBe(200);
  });

  it('counts an emoji as one code point and four bytes', () => {
    expect(codePoints('a😀')).toBe(2);
    expect(utf8Bytes('a😀')).toBe(5);
    expect(cutCodePoints('😀'.repeat(30), 30)).toBe('😀'.repeat(30));
  });
});

it('no cut leaves half an address', () => {
  const text = `See https://azure.status.microsoft/en-us/status/history for more and (https://aka.ms/air/videos) too.`;
  const whole = ['https://azure.status.microsoft/en-us/status/history', 'https://aka.ms/air/videos'];
  for (let max = 20; max < 100; max++) {
    for (const address of cutCodePoints(text, max).match(/https?:\/\/[^\s)]+/g) ?? []) expect(whole).toContain(address);
  }
});
