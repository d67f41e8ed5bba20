/** What is installed: known to the byte, and in production under a licence that asks for no more than to be named. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  license?: string;
  integrity?: string;
  dev?: boolean;
}

const KIND = /^(?:MIT|MIT-0|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0)$/;

const lock = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
const { packages } = JSON.parse(lock) as { packages: Record<string, Locked> };

test('npm compares every package with a checksum of ours, whatever the registry says at that moment', () => {
  const unchecked = Object.entries(packages).filter(
    ([path, { integrity }]) => path !== '' && !integrity?.startsWith('sha512-'),
  );
  expect(unchecked.map(([path]) => path)).toEqual([]);
});

test('every package that is installed for production, optional ones included, is under a permissive licence', () => {
  const production = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  expect(production.length).toBeGreaterThan(100);
  expect(production.filter(([, { license = '' }]) => !KIND.test(license)).map(([path]) => path)).toEqual([]);
});
