/** A silence covers an incident only when the whole of it lies within, and holds back everything but an end. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failedConditions, MATCH_KEYS, type Match, type RouteFacts } from '#src/core/route-condition.ts';
import { concerns, covers, isInForce, matchInWords, silenceFor, type Silence } from '#src/core/silence.ts';

const AKS = '/subscriptions/sub-1/resourceGroups/rg-pay/providers/Microsoft.ContainerService/managedClusters/prod-1';
const ACR = '/subscriptions/sub-2/resourcegroups/rg-shop/providers/microsoft.containerregistry/registries/shop';

function facts(overrides: Partial<RouteFacts> = {}): RouteFacts {
  return {
    kind: 'outage',
    severity: 'error',
    stage: 'Active',
    sources: ['prod'],
    impacts: [{ service: 'Container Registry', region: 'West Europe' }],
    subscriptions: [{ id: 'sub-2', name: 'Shop dev', team: 'shop', environment: 'dev' }],
    resources: [ACR],
    estate: null,
    ...overrides,
  };
}

const PROD = { id: 'sub-1', name: 'Payments prod', team: 'payments', environment: 'prod' };
const DEV = facts().subscriptions[0]!;

describe('what a silence covers', () => {
  test.each<[string, Match]>([
    ['everything', {}],
    ['the kind', { kind: ['maintenance', 'out*'] }],
    ['the region in either spelling', { region: ['westeurope'] }],
    ['the environment', { environment: ['dev'] }],
    ['the resource group', { resourceGroup: ['rg-shop'] }],
    ['the source', { source: ['prod'] }],
  ])('one place, and the silence names it: %s', (_, match) => {
    expect(covers(match, facts())).toBe(true);
  });

  test.each<[string, Match, Partial<RouteFacts>]>([
    [
      'a second region',
      { region: ['West Europe'] },
      { impacts: [...facts().impacts, { service: 'Container Registry', region: 'East US' }] },
    ],
    [
      'a second service in the same region',
      { service: ['Container Registry'], region: ['West Europe'] },
      { impacts: [...facts().impacts, { service: 'Storage', region: 'West Europe' }] },
    ],
    [
      'the region Global',
      { region: ['West Europe'] },
      { impacts: [{ service: 'Container Registry', region: 'Global' }] },
    ],
    [
      'a region that nobody named',
      { region: ['West Europe'] },
      { impacts: [{ service: 'Container Registry', region: '' }] },
    ],
    ['no impact at all', { service: ['Container Registry'] }, { impacts: [] }],
    ['a subscription of production', { environment: ['dev'] }, { subscriptions: [DEV, PROD] }],
    [
      'a subscription that the config does not know',
      { team: ['shop'] },
      { subscriptions: [DEV, { ...PROD, team: null }] },
    ],
    ['another resource', { resourceGroup: ['rg-shop'] }, { resources: [ACR, AKS] }],
    ['a word from another source', { source: ['prod'] }, { sources: ['prod', 'hub'] }],
    ['no estate, where a tag is asked for', { tag: ['env=dev'] }, {}],
    ['no estate, where a label is asked for', { estate: ['none'] }, {}],
  ])('more than the silence names, or less is known: %s', (_, match, more) => {
    expect(covers(match, facts(more))).toBe(false);
  });

  test('a tag must stand on every hit', () => {
    const hit = (tags: string[]) => ({ id: ACR, subscription: DEV, impacts: [], tags, owners: [] });
    const estate = (...tags: string[]) => ({
      estate: { tags, labels: ['hit'], hits: tags.map((tag) => hit([tag])) },
    });
    expect(covers({ tag: ['env=dev'] }, facts(estate('env=dev')))).toBe(true);
    expect(covers({ tag: ['env=dev'] }, facts(estate('env=dev', 'env=prod')))).toBe(false);
    expect(covers({ tag: ['env=dev'] }, facts({ estate: { tags: [], labels: ['none'], hits: [] } }))).toBe(false);
  });

  test('what a route would not take, no silence covers; what grows beyond it, it no longer covers', () => {
    const values: Partial<Record<string, string[]>> = {
      kind: ['outage', 'alert'],
      region: ['West Europe', 'East US'],
      service: ['Container Registry', 'Storage'],
      environment: ['dev', 'prod'],
      source: ['prod', 'hub'],
    };
    const some = (key: string) => fc.option(fc.subarray(values[key]!, { minLength: 1 }), { nil: undefined });
    const matches = fc
      .record(Object.fromEntries(Object.keys(values).map((key) => [key, some(key)])))
      .map((given) => Object.fromEntries(Object.entries(given).filter(([, list]) => list !== undefined)) as Match);
    const places = fc.array(
      fc.record({ service: fc.constantFrom(...values['service']!), region: fc.constantFrom(...values['region']!, '') }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(matches, places, fc.subarray([DEV, PROD]), (match, impacts, subscriptions) => {
        const about = facts({ impacts, subscriptions });
        if (failedConditions(match, about).length > 0) expect(covers(match, about)).toBe(false);
        const less = facts({ impacts: impacts.slice(0, 1), subscriptions: subscriptions.slice(0, 1) });
        if (covers(match, about) && subscriptions.length > 0) expect(covers(match, less)).toBe(true);
      }),
    );
  });
});

test('in force from its start up to, but not including, its end; for its destinations', () => {
  const window = { fromMs: 10, untilMs: 20 };
  expect([9, 10, 19, 20].map((nowMs) => isInForce(window, nowMs))).toEqual([false, true, true, false]);
  expect(concerns({ destinations: null }, 'mail')).toBe(true);
  expect(concerns({ destinations: ['oncall'] }, 'mail')).toBe(false);
});

test('of several that cover an incident the one that ends last counts', () => {
  const silence = (id: string, untilMs: number, more: Partial<Silence> = {}): Silence => ({
    id,
    match: {},
    destinations: null,
    author: 'ops',
    reason: id,
    fromMs: 0,
    untilMs,
    ...more,
  });
  const silences = [
    silence('a', 30),
    silence('b', 50),
    silence('c', 90, { match: { kind: ['alert'] } }),
    silence('d', 90, { destinations: ['mail'] }),
  ];
  expect(silenceFor(silences, { destination: 'oncall', facts: facts() })).toMatchObject({ id: 'b', untilMs: 50 });
  expect(silenceFor([], { destination: 'oncall', facts: facts() })).toBeNull();
});

test('a match in words', () => {
  expect(matchInWords({})).toBe('everything');
  expect(matchInWords({ kind: ['outage'], region: ['West Europe', 'East US'] })).toBe(
    'kind outage; region West Europe, East US',
  );
  expect(MATCH_KEYS).toContain('tag');
});
