/** The cache of scopes: exact for the fold, at least as much for messages, never less than was known. */
import { expect, test } from 'vitest';
import { readSignals } from '#src/receivers/read.ts';
import { createScopeCache, inKnownSpelling, scopeOf, scopeRows, type KnownScope } from '#src/pipeline/scope-cache.ts';
import { serviceHealth } from '#test/support/fixtures.ts';

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

test('a place in another case is the place that is known: no further row, no further impact', () => {
  const read = (region: string) =>
    readSignals(serviceHealth({ trackingId: 'CASE-1', communication: 1, stage: 'Active', regions: [region] }), {
      source: 'test',
      subscription: null,
      receivedAt: '2026-09-14T09:00:00.000Z',
      door: 'webhook',
    })[0]!;
  const known = scopeRows(read('West Europe'));
  const { impacts } = scopeOf(known).scope;
  expect(scopeRows(inKnownSpelling(read('WEST EUROPE'), impacts))).toEqual(known);
  // As an older release has stored them.
  expect(scopeOf([...known, ...scopeRows(read('WEST EUROPE'))]).scope.impacts).toEqual(impacts);
});
