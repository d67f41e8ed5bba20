/** `sustained` and `flapping` of a route: what is read, and what is refused with which words. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '#src/config/schema-json.ts';
import { adapters, faultLines, good, GOOD, warningLines } from './fixture.ts';

const HEAD = GOOD.split('routes:')[0]!;
const route = (keys: string): string =>
  `${HEAD}default: [oncall]
routes:
  - match: { kind: alert }
    to: [oncall]
    ${keys}
`;
const MIN = 60_000;

test('both forms of sustained, and flapping, in milliseconds', () => {
  expect(good(route('sustained: 3 of 5 in 10m')).routes[0]).toMatchObject({
    sustained: { times: 3, of: 5, inMs: 10 * MIN, severe: false },
    flapping: null,
  });
  const both =
    'sustained: { times: 2, of: 2, in: 90s, severe: true }\n    flapping: { changes: 4, within: 30m, quiet: 15m }';
  expect(good(route(both)).routes[0]).toMatchObject({
    sustained: { times: 2, of: 2, inMs: 90_000, severe: true },
    flapping: { changes: 4, withinMs: 30 * MIN, quietMs: 15 * MIN, severe: false },
  });
});

describe('a fault has its line, its path and words that help', () => {
  test.each([
    ['sustained: 3 in 5', 'sustained: must read like 3 of 5 in 10m'],
    ['sustained: 3', 'sustained: must read like 3 of 5 in 10m'],
    ['sustained: 3 of 5 in soon', 'sustained: must read like 3 of 5 in 10m: "in" takes a duration such as 10m'],
    ['sustained: 5 of 3 in 10m', 'sustained: can never be: 5 of 3; swap them, or ask for 3 of 3'],
    ['sustained: 0 of 3 in 10m', 'sustained: asks for nothing: at least 1 must be firing'],
    ['sustained: 3 of 5 in 3d', 'sustained: the window must be at most 24h'],
    ['sustained: 3 of 500 in 3h', 'sustained: "of" must be at most 100'],
    ['sustained: { times: 3, off: 5, in: 10m }', 'sustained.off: unknown key "off"; did you mean "of"?'],
    [
      'flapping: { changes: 2, within: 30m, quiet: 15m }',
      'flapping.changes: must be at least 3: an opening and its end are two, and no flapping',
    ],
    ['flapping: { changes: 4, within: 30m }', 'flapping.quiet: is missing'],
    [
      'flapping: { changes: 4, within: 30m, quiet: later }',
      'flapping.quiet: is not a duration; write 30s, 5m, 24h or 90d',
    ],
    ['flapping: { changes: 4, within: 48h, quiet: 15m }', 'flapping.within: must be at most 24h'],
    ['flaping: {}', 'flaping: unknown key "flaping"; did you mean "flapping"?'],
  ])('%s', (keys, expected) => {
    const found = faultLines(route(keys)).join('\n');
    expect(found).toContain(`routes[0].${expected}`);
  });
});

test('where it can hold for nothing the config warns', () => {
  const outage = route('sustained: 3 of 5 in 10m').replace('kind: alert', 'kind: [outage, security]');
  expect(warningLines(outage)).toContainEqual(
    expect.stringContaining('sustained holds for alerts and resources only, which this route never takes'),
  );
  expect(warningLines(route('sustained: 3 of 5 in 10m'))).toEqual([]);
});

test('the JSON schema takes what the relay takes', () => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(configJsonSchema(adapters));
  for (const keys of [
    'sustained: 3 of 5 in 10m',
    'sustained: { times: 3, of: 5, in: 10m }',
    'flapping: { changes: 4, within: 30m, quiet: 15m }',
  ]) {
    expect([keys, validate(parse(route(keys)))]).toEqual([keys, true]);
  }
  expect(validate(parse(route('flapping: { changes: 4 }')))).toBe(false);
});
