/** The documents name only what exists, and leave out nothing that people must find in them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { adapters } from '#adapters/index.ts';
import type { ApiDeps } from '#src/api/deps.ts';
import { createServer } from '#src/api/server.ts';
import { commands } from '#src/cli/commands.ts';
import { loadConfig } from '#src/config/load.ts';
import { configJsonSchema } from '#src/config/schema-json.ts';
import { listMigrations } from '#src/db/migrate.ts';
import { createMetrics } from '#src/metrics.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'infra/README.md',
  ...readdirSync(join(ROOT, 'adapters'))
    .map((name) => join('adapters', name, 'README.md'))
    .filter((name) => existsSync(join(ROOT, name))),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
/** Files that a reader is told to make. */
const MADE_BY_THE_READER = new Set(['infra/alerting/mine.bicepparam']);

interface Package {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  overrides: Record<string, string>;
}

const manifest = JSON.parse(read('package.json')) as Package;

/** `GET /v1/incidents` and so on. Nothing is asked of what the routes are made with until they are called. */
const routes = Object.entries(
  createServer({} as ApiDeps).getOpenAPI31Document({ openapi: '3.1.0', info: { title: '', version: '' } }).paths ?? {},
).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
const topKeys = new Set(Object.keys((configJsonSchema(adapters) as { properties: object }).properties));

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Headings as GitHub makes anchors of them. */
function anchors(markdown: string): Set<string> {
  const headings = withoutFences(markdown).matchAll(/^#+\s+(.+)$/gm);
  return new Set(
    [...headings].map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, '');
}

test('the documents are found, or nothing below would prove anything', () => {
  expect(DOCUMENTS).toEqual(expect.arrayContaining(['docs/configure.md', 'docs/operate.md', 'docs/adr/plain-sql.md']));
});

test.each(DOCUMENTS)('every relative link of %s leads to a file, and its anchor to a heading', (document) => {
  const broken: string[] = [];
  for (const [, link = ''] of withoutFences(read(document)).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/i.test(link)) continue;
    const [path = '', anchor] = link.split('#');
    const file = path === '' ? document : relative(ROOT, resolve(ROOT, dirname(document), path));
    if (!existsSync(join(ROOT, file))) broken.push(link);
    else if (anchor !== undefined && !anchors(read(file)).has(anchor)) broken.push(link);
  }
  expect(broken).toEqual([]);
});

test.each(DOCUMENTS)('every path of ours that %s names in backticks exists', (document) => {
  const named = [...withoutFences(read(document)).matchAll(/`((?:src|adapters|test|infra|docs)\/[^`\s]*)`/g)];
  const missing = named
    .map(([, path = '']) => path)
    // `adapters/<kind>/index.ts` and `*` stand for many.
    .filter((path) => !/[<>*]/.test(path) && !MADE_BY_THE_READER.has(path) && !existsSync(join(ROOT, path)));
  expect(missing).toEqual([]);
});

test.each(DOCUMENTS)('every script that %s runs stands in package.json', (document) => {
  const named = [...read(document).matchAll(/npm run (?:--silent )?([a-z][a-z:-]*)/g)].map(([, name = '']) => name);
  expect(named.filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
});

test.each(DOCUMENTS)('every command of ours that %s shows is one, with the options that it has', (document) => {
  const wrong: string[] = [];
  for (const [line, name = '', rest = ''] of read(document).matchAll(/relay -- ([a-z][a-z-]*)([^`|\n]*)/g)) {
    const command = commands.find((one) => one.name === name);
    const options = [...rest.split(/ #| > /)[0]!.matchAll(/(?<=\s)--[a-z][a-z-]*/g)].map(([option]) => option);
    if (!command || options.some((option) => option !== '--help' && !command.usage.includes(option))) wrong.push(line);
  }
  expect(wrong).toEqual([]);
});

test.each(DOCUMENTS)('every file of ours in the commands of %s exists', (document) => {
  const fences = [...read(document).matchAll(/^ *```sh\n([^]*?)^ *```/gm)].map(([, text = '']) => text).join('\n');
  const named = [...fences.matchAll(/(?<=^|[\s"'@=])(?:src|adapters|test|infra|docs)\/[\w./-]+/gm)].map(
    ([path]) => path,
  );
  expect(named.filter((path) => !MADE_BY_THE_READER.has(path) && !existsSync(join(ROOT, path)))).toEqual([]);
});

test.each(DOCUMENTS)('every route of ours that %s names is one, with that method', (document) => {
  const named = read(document).matchAll(
    /\b(GET|POST|PUT|PATCH|DELETE|OPTIONS) (\/(?:v1\/|mcp|livez|readyz|metrics)[\w{}/.-]*)/g,
  );
  const wrong = [...named].filter(([, method, path = '']) => {
    // `/v1/receivers/...` stands for many; an address may be the end of a sentence.
    const [start = '', more] = path.split('...');
    const plain = start.replace(/[./]+$/, '');
    return !routes.some((route) =>
      more === undefined ? route === `${method} ${plain}` : route.startsWith(`${method} ${plain}/`),
    );
  });
  expect(wrong.map(([text]) => text)).toEqual([]);
});

test.each(DOCUMENTS)('every key of the pieces of relay.yaml that %s shows is one', (document) => {
  const unknown: string[] = [];
  for (const [, text = ''] of read(document).matchAll(/^ *```yaml\n([^]*?)^ *```/gm)) {
    // `# or` stands between two ways to say it
    for (const piece of text.split(/^# or\n/m)) {
      const value: unknown = parse(piece);
      if (!Object.keys(value ?? {}).some((key) => topKeys.has(key))) continue;
      const read = loadConfig(piece, { file: 'relay.yaml', env: {}, adapters, readFile: () => '' });
      const faults = read.ok ? [] : read.faults;
      unknown.push(...faults.map(({ message }) => message).filter((message) => message.startsWith('unknown key')));
    }
  }
  expect(unknown).toEqual([]);
});

test('every key of relay.yaml stands in the documents', () => {
  const told = DOCUMENTS.map((document) => read(document)).join('\n');
  const missing = [...keysOf(configJsonSchema(adapters))].filter((key) => !new RegExp(`\\b${key}\\b`).test(told));
  expect(missing).toEqual([]);
});

/** Names of all properties, at any depth. */
function keysOf(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set();
  const own =
    'properties' in schema && typeof schema.properties === 'object' ? Object.keys(schema.properties ?? {}) : [];
  return new Set([...own, ...Object.values(schema).flatMap((inner) => [...keysOf(inner)])]);
}

test('every dependency has its reason, and every reason its dependency', () => {
  const kept = read('docs/dependencies.md').split('\n## Left out')[0]!;
  const reasons = [...kept.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
  const { dependencies, devDependencies, optionalDependencies, overrides } = manifest;
  const all = { ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides };
  expect(reasons.sort()).toEqual(Object.keys(all).sort());
});

test('the newest release in CHANGELOG.md names the schema that it brings', () => {
  const [, newest] = /^## [\d.]+\n[^#]*?\bSchema (\d+)\b/m.exec(read('CHANGELOG.md')) ?? [];
  expect(Number(newest)).toBe(listMigrations().at(-1)!.number);
});

test('every metric of ours stands in operate.md, and every one that stands there is ours', async () => {
  const metrics = await createMetrics().registry.getMetricsAsJSON();
  const ours = metrics.map((metric) => metric.name).filter((name) => name.startsWith('relay_'));
  const told = [...read('docs/operate.md').matchAll(/^\| `(relay_[a-z_]+)` \|/gm)].map(([, name = '']) => name);
  expect(told.sort()).toEqual(ours.sort());
});

test('every log line of ours stands in operate.md', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((n) => n.endsWith('.ts'));
  const written = files.flatMap((file) => {
    const calls = read(join('src', file)).matchAll(/\blog\.(?:info|warn|error)\(([\s\S]*?)\);/g);
    return [...calls].flatMap(([, inside = '']) =>
      [...inside.matchAll(/'([a-z-]+(?:\.[a-z-]+)+)'/g)].map(([, m]) => m!),
    );
  });
  const operate = read('docs/operate.md');
  expect(written.length).toBeGreaterThan(30);
  expect([...new Set(written)].filter((message) => !operate.includes(`\`${message}\``))).toEqual([]);
});
