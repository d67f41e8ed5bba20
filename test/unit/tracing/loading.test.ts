/** Without traces nothing of OpenTelemetry is in memory: no file that is always loaded may import it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const sources = ['src', 'adapters'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);
/** Modules that a file imports when it is loaded: types are erased, `import()` comes later. */
function loads(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\s+(?!type\s)(?:[^'";]*?\s+from\s+)?'([^']+)'/gm)].map(([, to]) => to!);
}

test('only the room of tracing imports OpenTelemetry', () => {
  const users = sources.filter((file) => loads(file).some((to) => /opentelemetry|bullmq-otel/.test(to)));
  expect(users.length).toBeGreaterThan(3);
  expect(users.filter((file) => !file.startsWith('src/tracing/'))).toEqual([]);
});

test('from outside that room only its start is imported, and that loads none of it', () => {
  const doors = sources
    .filter((file) => !file.startsWith('src/tracing/'))
    .flatMap((file) => loads(file).filter((to) => to.includes('tracing/')));
  expect(new Set(doors)).toEqual(new Set(['./tracing/start.ts']));
  expect(loads('src/tracing/start.ts')).toEqual([]);
});
