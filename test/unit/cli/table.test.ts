import { describe, expect, test } from 'vitest';
import { plain, plainLines, table, wrapped } from '#src/cli/table.ts';

describe('text for a terminal', () => {
  test('columns line up and lines have no blanks at their end', () => {
    expect(
      table(
        ['A', 'LONG'],
        [
          ['abc', 'x'],
          ['d', ''],
        ],
      ),
    ).toBe('A    LONG\nabc  x\nd\n');
  });

  test('foreign text cannot move the cursor, turn the reading direction or start a line', () => {
    const hostile = 'outage\u001B[2J\u0007\r\nFAKE ok\u202Etxt\u2028end';
    expect(plain(hostile)).toBe('outage [2J FAKE oktxt end');
    expect(table([], [[hostile]]).split('\n')).toHaveLength(2);
    expect(plainLines('a\u001B[31m\nb\u009B1m')).toBe('a [31m\nb 1m');
  });

  test('text is broken at blanks, keeps every word, and a word that is too long stays whole', () => {
    expect(wrapped('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapped(`a ${'x'.repeat(20)} b`, 8)).toEqual(['a', 'x'.repeat(20), 'b']);
    expect(wrapped('', 8)).toEqual(['']);
    expect(wrapped('a\nb\u001B[2J', 80)).toEqual(['a b [2J']);
  });

  test('a long cell is cut unless it is the last', () => {
    const long = 'x'.repeat(300);
    const [line = ''] = table([], [[long, long]]).split('\n');
    expect(line).toHaveLength(100 + 2 + 300);
  });
});
