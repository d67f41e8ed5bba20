/** The cache of scopes: exact for the fold, at least as much for messages, never less than was known. */
import { expect, test } from 'vitest';
import { createScopeCache, scopeOf, type KnownScope } from '#src/pipeline/scope-cache.ts';

function scopeWith(rows: number): KnownScope {
  return scopeOf(
    Array.from({ length: rows }, (_, n) => ({
      key: `key-${n}`,
      subscription: `sub-${n}`,
      service: 'Container Registry',
      region: 'West Europe',
      resource: '',
      source: 'test',
      rule: '',
      schema: 'classic' as const,
    })),
  );
}

test('a message finds the scope that has grown since its delivery was read; the fold insists on the exact one', () => {
  const cache = createScopeCache();
  cache.put('inc_1', scopeWith(25));
  expect(cache.getAtLeast('inc_1', 3)?.scope.subscriptions).toHaveLength(25);
  expect(cache.get('inc_1', 3)).toBeNull();
  expect(cache.get('inc_1', 25)?.count).toBe(25);
  expect(cache.getAtLeast('inc_1', 26)).toBeNull();
});

test('a slow read of fewer rows does not displace what is known', () => {
  const cache = createScopeCache();
  cache.put('inc_1', scopeWith(25));
  cache.put('inc_1', scopeWith(2));
  expect(cache.getAtLeast('inc_1', 25)?.count).toBe(25);
});

test('the least recently stored goes first when the cache is full', () => {
  const cache = createScopeCache(2);
  cache.put('inc_1', scopeWith(1));
  cache.put('inc_2', scopeWith(1));
  cache.put('inc_1', scopeWith(2));
  cache.put('inc_3', scopeWith(1));
  expect(['inc_1', 'inc_2', 'inc_3'].map((id) => cache.getAtLeast(id, 1)?.count ?? null)).toEqual([2, null, 1]);
});
