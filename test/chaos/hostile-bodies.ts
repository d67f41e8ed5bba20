/** Bodies that nobody should send: arbitrary JSON, broken samples, and what is known to break parsers and databases. */
import * as fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Random } from './random.ts';

export interface Body {
  what: string;
  bytes: Buffer;
  headers?: Record<string, string>;
}

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const ODD = [
  '\0',
  '\uD800',
  'a\uDFFFb',
  '__proto__',
  '\u202E',
  "'; drop table signals; --",
  '\\',
  "\\'",
  '$$',
  '9'.repeat(400),
  '/'.repeat(300),
  '<p '.repeat(50),
  '{"trackingId":"\\ud800"}',
];
const ODD_VALUES: readonly unknown[] = [
  ...ODD,
  null,
  true,
  -1,
  1e308,
  0.1,
  [],
  {},
  [[]],
  [null],
  { value: '\0' },
  { __proto__: null },
];

/** The samples, as text. */
export function samples(): string[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => readFileSync(join(FIXTURES, file), 'utf8'));
}

/** An endless supply, the same for the same chance. */
export function* hostileBodies(random: Random, seed: number): Generator<Body> {
  const texts = samples();
  const extremes = EXTREMES.map(([what, make]): Body => ({ what, ...make() }));
  yield* extremes;
  for (let round = 0; ; round++) {
    for (const value of fc.sample(fc.jsonValue({ maxDepth: 5 }), { numRuns: 200, seed: seed + round }))
      yield { what: 'arbitrary JSON', bytes: Buffer.from(JSON.stringify(value)) };
    for (let i = 0; i < 600; i++) yield mutated(random.pick(texts), random);
    for (let i = 0; i < 199; i++) yield damaged(random.pick(texts), random);
    yield random.pick(extremes);
  }
}

/** A sample with one to three of its values replaced, dropped, renamed or copied. */
function mutated(text: string, random: Random): Body {
  const body: unknown = JSON.parse(text);
  for (let times = random.int(1, 3); times > 0; times--) mutateOnce(body, random);
  return { what: 'a changed sample', bytes: Buffer.from(JSON.stringify(body)) };
}

function mutateOnce(body: unknown, random: Random): void {
  const holders: Record<string, unknown>[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    holders.push(value as Record<string, unknown>);
    Object.values(value).forEach(collect);
  };
  collect(body);
  const full = holders.filter((holder) => Object.keys(holder).length > 0);
  if (full.length === 0) return;
  const holder = random.pick(full);
  const key = random.pick(Object.keys(holder));
  const how = random.int(0, 3);
  if (how === 0) holder[key] = structuredClone(random.pick(ODD_VALUES));
  else if (how === 1) delete holder[key];
  else if (how === 2) holder[random.pick(ODD)] = structuredClone(holder[key]);
  else holder[key] = Array.from({ length: 3 }, () => structuredClone(holder[key]));
}

/** A sample whose bytes were flipped, cut or doubled: seldom JSON, sometimes not even UTF-8. */
function damaged(text: string, random: Random): Body {
  const bytes = Buffer.from(text);
  const how = random.int(0, 2);
  if (how === 0)
    for (let times = random.int(1, 8); times > 0; times--) bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
  if (how === 1) return { what: 'a cut sample', bytes: bytes.subarray(0, random.int(0, bytes.length - 1)) };
  if (how === 2) return { what: 'a doubled sample', bytes: Buffer.concat([bytes, bytes]) };
  return { what: 'a damaged sample', bytes };
}

const MIB = 1024 * 1024;

function text(value: string): { bytes: Buffer } {
  return { bytes: Buffer.from(value) };
}

/** A Service Health post with this as its communication, raw JSON. */
function post(communication: string, more = ''): string {
  return `{"schemaId":"Microsoft.Insights/activityLogs","data":{"context":{"activityLog":{"eventSource":"ServiceHealth","properties":{"trackingId":"HOST-1LE","stage":"Active",${more}"communication":${communication}}}}}}`;
}

function wide(): string {
  const ids = Array.from(
    { length: 1000 },
    (_, i) =>
      `"/subscriptions/11111111-aaaa-4aaa-8aaa-${String(i).padStart(12, '0')}/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/x${i}"`,
  );
  const services = JSON.stringify(
    JSON.stringify(
      Array.from({ length: 1000 }, (_, i) => ({ ServiceName: `S${i}`, ImpactedRegions: [{ RegionName: 'R' }] })),
    ),
  );
  return `{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"monitoringService":"ServiceHealth","alertTargetIDs":[${ids.join(',')}]},"alertContext":{"properties":{"trackingId":"WIDE-1LE","stage":"Active","impactedServices":${services}}}}}`;
}

const EXTREMES: readonly [string, () => Omit<Body, 'what'>][] = [
  ['nothing', () => text('')],
  ['spaces', () => text('   \n')],
  ['null', () => text('null')],
  ['seven', () => text('7')],
  ['1e400000', () => text('{"a":1e400000}')],
  ['a number of 100,000 digits', () => text(`{"a":${'9'.repeat(100_000)}}`)],
  ['objects 20,000 deep', () => text(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)],
  ['arrays 20,000 deep', () => text(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)],
  ['records 20,000 deep', () => text(`${'{"records":['.repeat(20_000)}1${']}'.repeat(20_000)}`)],
  ['claims 20,000 deep', () => text(`${'{"claims":{"x":'.repeat(20_000)}1${'}}'.repeat(20_000)}`)],
  [
    'prototype keys',
    () => text('{"__proto__":{"trackingId":"EVIL-001","isAdmin":true},"constructor":{"prototype":{"x":1}}}'),
  ],
  ['U+0000', () => text(post('"a\\u0000b\\u0000"'))],
  ['lone surrogates', () => text(post('"\\ud800 and \\udfff"', '"title":"\\udc00",'))],
  ['a raw zero byte', () => text('{"a":"\0"}')],
  [
    'quotes and backslashes',
    () => text(post(JSON.stringify("'; select pg_sleep(9); -- \\' \\\\' E'\\x27' $$ $1 \u2019"))),
  ],
  [
    'invalid UTF-8',
    () => ({
      bytes: Buffer.concat([
        Buffer.from('{"a":"'),
        Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]),
        Buffer.from('"}'),
      ]),
    }),
  ],
  ['UTF-16', () => ({ bytes: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(post('"sixteen"'), 'utf16le')]) })],
  ['a byte order mark', () => text(`\uFEFF${post('"mark"')}`)],
  ['a string of 1 MiB less the quotes', () => text(`"${'x'.repeat(MIB - 2)}"`)],
  ['a communication of almost 1 MiB', () => text(post(`"${'<p>'.repeat(349_000)}"`))],
  ['opened tags of almost 1 MiB', () => text(post(`"${'<p '.repeat(349_000)}"`))],
  ['a byte more than 1 MiB', () => text(`"${'x'.repeat(MIB - 1)}"`)],
  ['half a million zeros', () => text(`[${'0,'.repeat(500_000)}0]`)],
  [
    '100,000 keys',
    () => text(JSON.stringify(Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`key ${i}`, i])))),
  ],
  ['the same key 50,000 times', () => text(`{${'"a":1,'.repeat(50_000)}"a":2}`)],
  ['1,000 subscriptions, places and resources', () => text(wide())],
  ['a compressed body', () => ({ bytes: gzipSync(post('"gzip"')), headers: { 'content-encoding': 'gzip' } })],
  ['a compressed body that does not say so', () => ({ bytes: gzipSync(post('"gzip"')) })],
  ['a bomb', () => ({ bytes: gzipSync(Buffer.alloc(64 * MIB)), headers: { 'content-encoding': 'gzip' } })],
  [
    'a form',
    () => ({ bytes: Buffer.from('a=1&b=2'), headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  ],
];
