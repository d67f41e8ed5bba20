import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  factValues,
  failedConditions,
  MATCH_KEYS,
  matchesGlob,
  type Match,
  type RouteFacts,
} from '#src/core/route-condition.ts';
import { explainRoutes, matchRoutes, type Route } from '#src/core/route.ts';
import { processorMs } from '#test/support/processor.ts';

const AKS = '/subscriptions/sub-1/resourceGroups/rg-pay/providers/Microsoft.ContainerService/managedClusters/prod-1';
const ACR = '/subscriptions/sub-2/resourcegroups/rg-shop/providers/microsoft.containerregistry/registries/shop';

function facts(overrides: Partial<RouteFacts> = {}): RouteFacts {
  return {
    kind: 'outage',
    severity: 'error',
    stage: 'Active',
    sources: ['prod', 'hub'],
    impacts: [
      { service: 'Container Registry', region: 'West Europe' },
      { service: 'Azure Kubernetes Service (AKS)', region: 'East US' },
    ],
    subscriptions: [
      { id: 'sub-1', name: 'Payments prod', team: 'payments', environment: 'prod' },
      { id: 'sub-2', name: 'Shop dev', team: 'shop', environment: 'dev' },
      { id: 'sub-3', name: null, team: null, environment: null },
    ],
    resources: [AKS, ACR],
    ...overrides,
  };
}

function route(match: Match, to: string[], overrides: Partial<Route> = {}): Route {
  return { name: null, match, to, stop: false, runbook: null, note: null, fields: {}, ...overrides };
}

const takes = (match: Match, overrides: Partial<RouteFacts> = {}): boolean =>
  failedConditions(match, facts(overrides)).length === 0;
const all = ['oncall', 'itsm', 'mail'].map((name) => ({ name, retired: false }));
const options = { default: [], destinations: all };
const names = (routes: Route[], more: Partial<Parameters<typeof matchRoutes>[2]> = {}, about = facts()): string[] =>
  matchRoutes(about, routes, { ...options, ...more }).destinations.map((one) => one.destination);

describe('conditions', () => {
  test('a match that asks for nothing takes everything', () => {
    expect(takes({}, { impacts: [], subscriptions: [], resources: [], sources: [], stage: null })).toBe(true);
  });

  test.each<[string, Match, boolean]>([
    ['kind', { kind: ['maintenance', 'outage'] }, true],
    ['another kind', { kind: ['maintenance'] }, false],
    ['severity', { severity: ['critical', 'error'] }, true],
    ['another severity', { severity: ['critical'] }, false],
    ['stage in any case', { stage: ['active'] }, true],
    ['one of the sources', { source: ['hub'] }, true],
    ['no such source', { source: ['test'] }, false],
    ['parentheses are no wildcard', { service: ['azure kubernetes service (aks)'] }, true],
    ['a glob', { service: ['*registry'] }, true],
    ['a region by its short name', { region: ['westeurope'] }, true],
    ['a region by its display name with a glob', { region: ['West *'] }, true],
    ['Global is a region of its own', { region: ['Global'] }, false],
    ['service and region of one impact', { service: ['Container Registry'], region: ['West Europe'] }, true],
    ['service and region of two impacts', { service: ['Container Registry'], region: ['East US'] }, false],
    ['subscription by id', { subscription: ['SUB-2'] }, true],
    ['subscription by name', { subscription: ['payments*'] }, true],
    ['team and environment of one subscription', { team: ['payments'], environment: ['prod'] }, true],
    ['team and environment of two subscriptions', { team: ['payments'], environment: ['dev'] }, false],
    ['resource by id', { resource: [ACR.toUpperCase()] }, true],
    ['resource by name', { resource: ['prod-?'] }, true],
    ['resource group', { resourceGroup: ['RG-PAY'] }, true],
    ['resource type', { resourceType: ['microsoft.containerservice/managedclusters'] }, true],
    [
      'group and type of two resources',
      { resourceGroup: ['rg-pay'], resourceType: ['microsoft.containerregistry/*'] },
      false,
    ],
    ['every key must hold', { kind: ['outage'], team: ['nobody'] }, false],
  ])('%s', (_, match, expected) => {
    expect(takes(match)).toBe(expected);
  });

  test('an unknown region holds for any region, but only with its own service', () => {
    const impacts = [{ service: 'Container Registry', region: '' }];
    expect(takes({ service: ['Container Registry'], region: ['East US'] }, { impacts })).toBe(true);
    expect(takes({ service: ['Storage'], region: ['East US'] }, { impacts })).toBe(false);
  });

  test('an incident without impacts, subscriptions or stage satisfies no condition about them', () => {
    const bare = { impacts: [], subscriptions: [], resources: [], stage: null };
    for (const key of [
      'service',
      'region',
      'subscription',
      'team',
      'resource',
      'resourceGroup',
      'resourceType',
      'stage',
    ] as const) {
      expect(takes({ [key]: ['*'] }, bare), key).toBe(false);
    }
  });

  test('tag and estate hold without an estate and are judged with one', () => {
    const match = { tag: ['team=pay*'], estate: ['affected'] };
    expect(takes(match)).toBe(true);
    expect(takes(match, { estate: { tags: ['team=payments'], labels: ['affected'] } })).toBe(true);
    expect(takes(match, { estate: { tags: ['team=shop'], labels: ['affected'] } })).toBe(false);
    expect(takes(match, { estate: { tags: ['team=payments'], labels: [] } })).toBe(false);
  });

  test.each([
    ['a resource of a resource', '/subscriptions/s/resourceGroups/g/providers/A.B/c/d/e/f', ['A.B/c/e']],
    ['an extension', `${AKS}/providers/Microsoft.Insights/metricAlerts/rule`, ['Microsoft.Insights/metricAlerts']],
    ['a subscription', '/subscriptions/s', []],
    ['no id at all', 'garbage', []],
  ])('the type of %s', (_, id, expected) => {
    expect(factValues('resourceType', facts({ resources: [id] }))).toEqual(expected);
  });
});

describe('globs', () => {
  test('agree with the same pattern as a regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '(', '.', '*', '?'), maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (pattern, text) => {
        const source = pattern.replace(/[.(]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${source}$`, 's').test(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('no pattern takes long', () => {
    const spentMs = processorMs(() => expect(matchesGlob(`${'a*'.repeat(200)}b`, 'a'.repeat(5000))).toBe(false));
    expect(spentMs).toBeLessThan(2000);
  });
});

describe('routes', () => {
  test('every match applies, in order, each destination once', () => {
    expect(
      names([
        route({ kind: ['outage'] }, ['oncall', 'mail']),
        route({ kind: ['alert'] }, ['itsm']),
        route({}, ['mail', 'itsm']),
      ]),
    ).toEqual(['oncall', 'mail', 'itsm']);
  });

  test('stop ends, but only where the route matched', () => {
    expect(
      names([
        route({ kind: ['alert'] }, ['oncall'], { stop: true }),
        route({}, ['mail'], { stop: true }),
        route({}, ['itsm']),
      ]),
    ).toEqual(['mail']);
  });

  test('an incident that no route takes goes to default, else to everyone', () => {
    const none = [route({ kind: ['alert'] }, ['oncall'])];
    expect(matchRoutes(facts(), none, { ...options, default: ['mail'] })).toMatchObject({
      unrouted: true,
      destinations: [{ destination: 'mail', routes: [], subscriptions: ['sub-1', 'sub-2', 'sub-3'] }],
    });
    expect(names(none)).toEqual(['oncall', 'itsm', 'mail']);
  });

  test('a retired destination takes nothing, and nobody is left untold for it', () => {
    const destinations = [{ name: 'oncall', retired: true }, ...all.slice(1)];
    expect(names([route({}, ['oncall', 'mail'])], { destinations })).toEqual(['mail']);
    expect(names([route({}, ['oncall'])], { destinations })).toEqual(['itsm', 'mail']);
    expect(names([route({}, ['oncall'])], { destinations, default: ['oncall', 'mail'] })).toEqual(['mail']);
  });

  test('a destination hears of the subscriptions that its routes asked for', () => {
    const routes = [
      route({ team: ['payments'] }, ['oncall']),
      route({ environment: ['dev'] }, ['oncall', 'itsm']),
      route({}, ['mail']),
    ];
    const { destinations } = matchRoutes(facts(), routes, options);
    expect(destinations.map((one) => [one.destination, one.subscriptions, one.routes])).toEqual([
      ['oncall', ['sub-1', 'sub-2'], [0, 1]],
      ['itsm', ['sub-2'], [1]],
      ['mail', ['sub-1', 'sub-2', 'sub-3'], [2]],
    ]);
  });

  test('the first route that says something wins', () => {
    const routes = [
      route({}, ['oncall'], { fields: { a: '1' } }),
      route({}, ['oncall'], { runbook: 'https://one', note: 'n1', fields: { a: '2', b: '2' } }),
      route({}, ['oncall'], { runbook: 'https://two', note: 'n2' }),
    ];
    expect(matchRoutes(facts(), routes, options).destinations[0]).toMatchObject({
      runbook: 'https://one',
      note: 'n1',
      fields: { a: '1', b: '2' },
    });
  });

  test('growing scope never takes a destination away', () => {
    const patterns = fc.constantFrom<string[]>(
      ['Container Registry'],
      ['East US'],
      ['West *'],
      ['payments'],
      ['dev'],
      ['*'],
    );
    const matches = fc.record(
      { service: patterns, region: patterns, team: patterns, environment: patterns },
      { requiredKeys: [] },
    );
    const whole = facts();
    fc.assert(
      fc.property(
        fc.array(matches, { minLength: 1, maxLength: 4 }),
        fc.nat(2),
        fc.nat(3),
        (some, impacts, subscriptions) => {
          const routes = some.map((match, index) => route(match, [all[index % 3]?.name ?? '']));
          const small = facts({
            impacts: whole.impacts.slice(0, impacts),
            subscriptions: whole.subscriptions.slice(0, subscriptions),
          });
          const before = matchRoutes(small, routes, options);
          const after = matchRoutes(whole, routes, options).destinations.map((one) => one.destination);
          if (!before.unrouted)
            expect(after).toEqual(expect.arrayContaining(before.destinations.map((one) => one.destination)));
        },
      ),
    );
  });
});

describe('explanations', () => {
  test('name the condition that failed, what it wanted and what there is', () => {
    const explained = explainRoutes(facts(), [
      route({ kind: ['alert'], team: ['nobody'] }, ['oncall']),
      route({ service: ['Container Registry'], region: ['East US'] }, ['oncall']),
      route({ service: ['Storage'], region: ['East US'] }, ['oncall']),
      route({ tag: ['x=y'] }, ['mail'], { name: 'tagged', stop: true }),
      route({}, ['itsm']),
    ]);
    expect(explained.map(({ result, because }) => [result, ...because])).toEqual([
      ['failed', 'kind: wants "alert", incident has "outage"', 'team: wants "nobody", incident has "payments", "shop"'],
      ['failed', 'service and region: each holds, but not for one and the same impact'],
      ['failed', 'service: wants "Storage", incident has "Container Registry", "Azure Kubernetes Service (AKS)"'],
      ['matched', 'tag: no estate is known, so it holds'],
      ['not reached', 'routes[3] matched and stops'],
    ]);
    expect(explained[3]).toMatchObject({ route: 3, name: 'tagged', to: ['mail'] });
  });

  test('agree with the decision for every key', () => {
    for (const key of MATCH_KEYS) {
      const routes = [route({ [key]: ['no such thing'] }, ['oncall'])];
      const matched = explainRoutes(facts(), routes)[0]?.result === 'matched';
      expect(matched, key).toBe(!matchRoutes(facts(), routes, options).unrouted);
    }
  });

  test('long lists are cut', () => {
    const subscriptions = Array.from({ length: 9 }, (_, i) => ({
      id: `s${i}`,
      name: null,
      team: null,
      environment: null,
    }));
    expect(explainRoutes(facts({ subscriptions }), [route({ subscription: ['x'] }, ['mail'])])[0]?.because).toEqual([
      'subscription: wants "x", incident has "s0", "s1", "s2", "s3", "s4" and 4 more',
    ]);
  });
});
