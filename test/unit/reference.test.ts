/** The generated reference says what the schemas say, and the schemas say enough. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { COMMANDS, PLACE, TRACES } from '#src/config/env-variables.ts';
import { readEnvironment } from '#src/config/env.ts';
import { configJsonSchema } from '#src/config/schema-json.ts';
import { referencePage } from '#test/reference/page.ts';
import { rowsOf } from '#test/reference/rows.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const VARIABLES = [...PLACE, ...TRACES, ...COMMANDS];

test('docs/reference/config.md is what npm run docs:reference would write now', () => {
  expect(readFileSync(join(ROOT, 'docs/reference/config.md'), 'utf8')).toBe(referencePage(adapters));
});

test('every key of relay.yaml, and of every kind of destination, has a description that ends as a sentence', () => {
  expect(lacking(configJsonSchema(adapters), '')).toEqual([]);
});

/** Paths of all properties, at any depth, without a description. */
function lacking(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, inner]: [string, unknown]) => {
    if (key !== 'properties') return lacking(inner, path);
    return Object.entries(inner as Record<string, { description?: unknown }>).flatMap(([name, property]) => {
      const inside = `${path}.${name}`;
      const { description } = property;
      const said = typeof description === 'string' && /^\S.*[.]$/.test(description);
      return [...(said ? [] : [inside]), ...lacking(property, inside)];
    });
  });
}

test('a key without a description would be found', () => {
  const schema = { properties: { a: { description: 'One.' }, b: { anyOf: [{ properties: { c: {} } }] } } };
  expect(lacking(schema, '')).toEqual(['.b', '.b.c']);
});

test('a row says type, limits, default and when a key is needed; references and null are no types', () => {
  const reference = { type: 'string', pattern: '\\$\\{[^}]+\\}' };
  const schema = {
    properties: {
      list: { description: 'L.', type: 'array', maxItems: 3, items: { anyOf: [{ type: 'string' }, reference] } },
      count: { description: 'C.', default: 5, type: 'integer', minimum: 1, maximum: 9 },
      way: {
        description: 'W.',
        oneOf: [
          {
            type: 'object',
            properties: { type: { const: 'a', description: 'T.' }, key: { type: 'string' } },
            required: ['type', 'key'],
          },
          { type: 'object', properties: { type: { const: 'b', description: 'T.' } }, required: ['type'] },
          { type: 'null' },
        ],
      },
    },
    required: ['list'],
  };
  const cells = rowsOf(schema, '').map(({ path, type, usual, required }) => [path, type, usual, required].join(' | '));
  expect(cells).toEqual([
    'list | list of texts, at most 3 entries |  | yes',
    'count | whole number, 1 to 9 | `5` | ',
    'way | map |  | ',
    'way.type | `a` or `b` |  | yes',
    'way.key | text |  | with `a`',
  ]);
});

test('every variable that the source reads is listed, and every one that is listed is read', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/env-variables|db.embedded|failpoint/.test(name),
  );
  const read = files.flatMap((file) => {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    const found = text.matchAll(/(?:\b(?:get|url|oneOf|whole|auth)\(|env\[)'([A-Z][A-Z_]+)'/g);
    return [...found].map(([, name = '']) => name);
  });
  // `auth('REDIS', ...)` reads REDIS_AUTH; the two statistics switches belong to a library and are only set.
  const names = read.map((name) => (/^(?:DATABASE|REDIS)$/.test(name) ? `${name}_AUTH` : name));
  const ours = new Set(names.filter((name) => !/STATSBEAT|SDKSTATS/.test(name)));
  expect([...ours].sort()).toEqual(VARIABLES.map(({ name }) => name).sort());
});

test.each([...PLACE, ...TRACES].flatMap(({ name, usual }) => (usual === null ? [] : [[name, usual] as const])))(
  'setting %s to its listed default, %s, changes nothing',
  (name, usual) => {
    const given = { DATABASE_URL: 'postgres://db/relay', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    const plain = readEnvironment(given);
    const { spoolDir: _, ...expected } = plain.ok ? plain.value : expect.fail();
    const set = readEnvironment({ ...given, [name]: usual });
    expect(set).toMatchObject({ ok: true, value: expected });
  },
);
