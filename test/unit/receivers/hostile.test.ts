import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS, utf8Bytes } from '#src/core/safe.ts';
import type { Signal } from '#src/core/signal.ts';
import { readSignals } from '#src/receivers/read.ts';
import { CONTEXT, fixtureBody, fixtureNames } from './read-fixture.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What the database and everybody behind it rely on. */
function expectSafe(signals: readonly Signal[]): void {
  expect(signals.length).toBeGreaterThan(0);
  for (const signal of signals) {
    for (const text of textsIn(signal)) {
      // A plain check first: millions of assertions are slow.
      if (!text.isWellFormed() || text.includes('\0')) expect(text).toBe('well-formed and without U+0000');
    }
    expect(utf8Bytes(signal.identity)).toBeLessThanOrEqual(200);
    expect(signal.title.length).toBeLessThanOrEqual(LIMITS.titleChars);
    expect(signal.fingerprint).toMatch(/^[\da-f]{64}$/);
    expect(signal.post.hash).toMatch(/^[\da-f]{64}$/);
    expect(signal.occurredAt).toMatch(ISO);
    for (const time of [signal.startedAt, signal.mitigatedAt, signal.endsAt])
      if (time !== null) expect(time).toMatch(ISO);
    expect(Object.keys(signal.details).length).toBeLessThanOrEqual(LIMITS.detailsMax);
    expect(signal.raw).not.toMatch(/(?<!\\)(?:\\\\)*\\u0000/);
    for (const id of signal.resources) expect(utf8Bytes(id)).toBeLessThanOrEqual(LIMITS.resourceBytesMax);
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)])
    : [];
}

const ODD_TEXT = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\0',
    '\uD800',
    'a\uDFFFb',
    '__proto__',
    '\u202E',
    '{"claims":{"a":1}}',
    '9'.repeat(400),
    '/'.repeat(300),
    '[[',
    '{"trackingId":"\\ud800"}',
  ),
);
const ODD_VALUE = fc.oneof(
  ODD_TEXT,
  fc.constantFrom(null, true, -1, 1e308, Number.POSITIVE_INFINITY, [], {}, [[]], [null], { value: '\0' }),
  fc.jsonValue(),
);

describe('whatever the body, signals come out and are safe', () => {
  test('arbitrary JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue({ maxDepth: 5 }), ODD_VALUE, fc.dictionary(ODD_TEXT, ODD_VALUE)), (body) => {
        expectSafe(readSignals(body, CONTEXT));
      }),
      { numRuns: 500 },
    );
  });

  test('fixtures with any of their values replaced, renamed or taken away', () => {
    const bodies = fixtureNames().map(fixtureBody);
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.nat(),
        ODD_VALUE,
        fc.constantFrom('replace', 'drop', 'rename'),
        (body, at, value, how) => {
          const copy = structuredClone(body);
          mutate(copy, at, how, value);
          expectSafe(readSignals(copy, CONTEXT));
        },
      ),
      { numRuns: 1500 },
    );
  });

  const deep = (open: string, close: string, inner = '1'): unknown =>
    JSON.parse(open.repeat(20_000) + inner + close.repeat(20_000));
  const post = (communication: string): unknown => ({
    schemaId: 'Microsoft.Insights/activityLogs',
    data: {
      context: { activityLog: { eventSource: 'ServiceHealth', properties: { trackingId: 'CNT1-0AR', communication } } },
    },
  });
  const HOSTILE: [string, () => unknown][] = [
    ['objects 20,000 deep', () => deep('{"a":', '}')],
    ['arrays 20,000 deep', () => deep('[', ']')],
    ['records 20,000 deep', () => deep('{"records":[', ']}')],
    ['removed fields 20,000 deep', () => deep('{"claims":{"x":', '}}')],
    ['half a million zeros', () => JSON.parse(`[${'0,'.repeat(500_000)}0]`)],
    ['a megabyte of text', () => 'x'.repeat(1_048_576)],
    ['a megabyte of opened tags', () => post('<p '.repeat(349_525))],
    ['a megabyte of tags', () => post('<p>'.repeat(349_525))],
    ['a megabyte of comments', () => post('<!--'.repeat(262_144))],
    ['a megabyte of spaces', () => post(`${' '.repeat(1_048_576)}x`)],
    ['a megabyte of ampersands', () => post('&'.repeat(1_048_576))],
    [
      'a megabyte of slashes',
      () => ({ records: [{ operationName: 'Microsoft.Resourcehealth/x/y', resourceId: `${'/'.repeat(1_048_576)}x` }] }),
    ],
    ['a megabyte as a tracking ID', () => ({ trackingId: '\u{1F525}'.repeat(262_144) })],
    ['a hundred thousand keys', () => Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, i]))],
    [
      'prototype keys',
      () => JSON.parse('{"__proto__":{"trackingId":"EVIL-001"},"constructor":{"prototype":{}},"toString":1}'),
    ],
    ['lone surrogates and U+0000 everywhere', () => post('\uD800\0<b>\uDC00</b>&#0;&#xD800;')],
  ];

  // The limit is far above the usual milliseconds: only quadratic time reaches it.
  test.each(HOSTILE)('%s', { timeout: 15_000 }, (_name, make) => {
    expectSafe(readSignals(make(), CONTEXT));
  });

  test('prototype keys change nothing and stay in the raw text', () => {
    const [signal] = readSignals(
      JSON.parse('{"__proto__":{"trackingId":"EVIL-001","claims":1},"caller":"me"}'),
      CONTEXT,
    );
    expect(signal).toMatchObject({ identity: 'sh/evil-001', raw: '{"__proto__":{"trackingId":"EVIL-001"}}' });
    expect(({} as Record<string, unknown>)['trackingId']).toBeUndefined();
  });

  test('values that were never JSON, which only our own code could pass', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const body of [cycle, { big: 1n }, undefined, () => 1, Symbol('x')]) expectSafe(readSignals(body, CONTEXT));
  });
});

/** Changes the value at one place of the tree, counted in depth-first order and modulo the size. */
function mutate(root: unknown, at: number, how: string, value: unknown): void {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      visit((node as Record<string, unknown>)[key]);
    }
  };
  visit(root);
  const place = places[at % Math.max(places.length, 1)];
  if (place === undefined) return;
  const [parent, key] = place;
  const old = parent[key];
  if (how === 'replace') parent[key] = value;
  else delete parent[key];
  if (how === 'rename' && !Array.isArray(parent)) parent[key.toUpperCase()] = old;
}
