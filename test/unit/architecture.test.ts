/** The borders of design section 7: which room may import which. Also file names and sizes. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

function files(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

interface Import {
  from: string;
  /** Path from the root for our own files, else the package. */
  to: string;
  typeOnly: boolean;
}

function imports(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'";]*?\s+from\s+)?'([^']+)'|import\('([^']+)'\)/gm);
  return [...found].map(([, type, fixed, lazy]) => {
    const target = (fixed ?? lazy)!;
    const to = target.startsWith('#')
      ? target.slice(1)
      : target.startsWith('.')
        ? relative(ROOT, resolve(ROOT, dirname(file), target))
        : target;
    return { from: file, to, typeOnly: type !== undefined };
  });
}

const sources = [...files('src'), ...files('adapters')];
const all = sources.flatMap(imports);

/** Rooms of src, and which other rooms each may import besides itself and core. */
const MAY: Record<string, readonly string[]> = {
  core: [],
  text: [],
  http: [],
  config: ['http'],
  receivers: ['db', 'config', 'pipeline'],
  db: [],
  queue: [],
  azure: ['config', 'http'],
  tracing: ['config'],
  pipeline: ['azure', 'db', 'config', 'http', 'receivers'],
  api: ['db', 'config', 'pipeline', 'receivers', 'text', 'web'],
  web: ['api', 'db', 'config', 'text'],
  cli: ['api', 'azure', 'db', 'config', 'http', 'pipeline', 'queue', 'receivers', 'text'],
};
/** Small files at the top of src that any room but core may use. */
const TOP = ['src/ids.ts', 'src/log.ts', 'src/metrics.ts', 'src/failpoint.ts', 'src/within.ts'];

function room(path: string): string {
  return path.startsWith('src/') ? (path.split('/').length > 2 ? path.split('/')[1]! : 'top') : path.split('/')[0]!;
}

describe('the rooms', () => {
  test('core imports nothing but itself, the hash of node:crypto, and types', () => {
    const bad = all.filter(
      (i) =>
        i.from.startsWith('src/core/') &&
        !i.typeOnly &&
        !i.to.startsWith('src/core/') &&
        !(i.to === 'node:crypto' && i.from.endsWith('fingerprint.ts')),
    );
    expect(bad).toEqual([]);
  });

  test('every room imports only what it may', () => {
    const bad = all.filter((i) => {
      const from = room(i.from);
      if (!i.from.startsWith('src/') || from === 'top' || !/^(src|adapters|test|infra)\//.test(i.to)) return false;
      const to = room(i.to);
      if (to === from || to === 'core' || TOP.includes(i.to)) return false;
      if (i.to === 'adapters/index.ts') return from !== 'cli';
      return !MAY[from]?.includes(to);
    });
    expect(bad.map((i) => `${i.from} -> ${i.to}`)).toEqual([]);
  });

  test('adapters know one vendor each: core contracts, adapters/shared, src/text and packages', () => {
    const bad = all.filter((i) => {
      const [top, kind] = i.from.split('/');
      if (top !== 'adapters' || i.from === 'adapters/index.ts' || !/^(src|adapters|test)\//.test(i.to)) return false;
      if (i.to.startsWith('src/core/') || i.to.startsWith('src/text/')) return false;
      return !(i.to.startsWith(`adapters/${kind}/`) || (kind !== 'shared' && i.to.startsWith('adapters/shared/')));
    });
    expect(bad.map((i) => `${i.from} -> ${i.to}`)).toEqual([]);
  });

  test('nothing in src or adapters imports test', () => {
    expect(all.filter((i) => i.to.startsWith('test/')).map((i) => i.from)).toEqual([]);
  });

  test('SQL lives in src/db', () => {
    const sql = /\b(?:select .+ from|insert into|update \w+ (?:\w+ )?set|delete from) /i;
    const bad = sources.filter(
      (file) =>
        !file.startsWith('src/db/') &&
        readFileSync(join(ROOT, file), 'utf8')
          .split('\n')
          .some((line) => sql.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line)),
    );
    expect(bad).toEqual([]);
  });

  test('every adapter folder is registered and complete', () => {
    const registry = readFileSync(join(ROOT, 'adapters/index.ts'), 'utf8');
    const folders = readdirSync(join(ROOT, 'adapters'), { withFileTypes: true }).filter(
      (e) => e.isDirectory() && e.name !== 'shared',
    );
    for (const { name } of folders) {
      expect(registry).toContain(`./${name}/index.ts`);
      expect(readdirSync(join(ROOT, 'adapters', name))).toEqual(
        expect.arrayContaining(['index.ts', 'settings.ts', 'README.md']),
      );
    }
  });

  test('file names are kebab-case and no file is over 500 lines', () => {
    const every = [...sources, ...files('test'), ...files('infra')];
    expect(every.filter((file) => !/^[a-z0-9-]+(\.test)?\.ts$/.test(file.split('/').at(-1)!))).toEqual([]);
    expect(every.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 500)).toEqual([]);
  });
});
