/** docs/limits.md has the numbers that the source has. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  days: 86_400_000,
  bytes: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
};

interface Row {
  said: string;
  file: string;
  name: string;
}

/** Rows whose last cell names a constant: `path: NAME`. The limit is the second cell. */
function rowsOf(page: string): Row[] {
  return page.split('\n').flatMap((line) => {
    const cells = line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, ''));
    const [, file, name] = /^`((?:src|adapters)\/[\w./-]+): (\w+)`$/.exec(cells.at(-1) ?? '') ?? [];
    return file === undefined || name === undefined ? [] : [{ said: cells[1] ?? '', file, name }];
  });
}

/** The first number of a cell in the unit that the constant's name says: milliseconds unless it ends in _S or has DAYS in it. */
function saidIn({ said, name }: Pick<Row, 'said' | 'name'>): number {
  const [, digits = '', unit = ''] = /^([\d,.]+)(?: (ms|s|min|h|days|bytes|KiB|MiB)\b)?/.exec(said) ?? [];
  const value = Number(digits.replaceAll(',', '')) * (UNITS[unit] ?? 1);
  return name.endsWith('_S') ? value / 1_000 : /DAYS/.test(name) ? value / UNITS['days']! : value;
}

/** The value of a constant or property: digits, other constants of the file, and sums or products of them. */
function valueOf(source: string, name: string): number {
  const found = new RegExp(`\\b${name}(?:: \\w+)?(?: = |: )([^;,\\n}]+)`).exec(source)?.[1]?.trim() ?? '';
  return found.split(' * ').reduce((product, factor) => {
    if (/^[\d_.]+$/.test(factor)) return product * Number(factor.replaceAll('_', ''));
    return product * (/^[A-Z][A-Z_]+$/.test(factor) ? valueOf(source, factor) : Number.NaN);
  }, 1);
}

const rows = rowsOf(readFileSync(join(ROOT, 'docs/limits.md'), 'utf8'));

test('the page names many constants, or nothing below would prove anything', () => {
  expect(rows.length).toBeGreaterThan(60);
});

test.each(rows)('$file has $name as the page says: $said', (row) => {
  expect(saidIn(row)).toBe(valueOf(readFileSync(join(ROOT, row.file), 'utf8'), row.name));
});

test('a number that differs, a unit that differs and a constant that is gone are found', () => {
  const source = 'const MINUTE_MS = 60_000;\nconst LOOK_MS = 5 * MINUTE_MS;\nconst PAUSE_S = 300;\n';
  const agrees = (said: string, name: string): boolean => saidIn({ said, name }) === valueOf(source, name);
  expect(agrees('5 min', 'LOOK_MS')).toBe(true);
  expect(agrees('300 s', 'PAUSE_S')).toBe(true);
  expect(agrees('6 min', 'LOOK_MS')).toBe(false);
  expect(agrees('5 s', 'LOOK_MS')).toBe(false);
  expect(agrees('5 min', 'GONE_MS')).toBe(false);
});
