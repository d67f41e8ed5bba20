/** What counts as hit, whose it is, and what that means for routes. */
import { describe, expect, test } from 'vitest';
import { blastRadius, indexEstate, type Estate, type EstateResource } from '#src/core/estate.ts';
import { estateFacts, hitsInWords, whyUnknown, type EstateView } from '#src/core/estate-facts.ts';
import { destinationsOf, everyOwner, ownerOf, type OwnerRules } from '#src/core/estate-owners.ts';
import { matchRoutes, type Route } from '#src/core/route.ts';
import type { RouteFacts } from '#src/core/route-condition.ts';

const ACR = 'Container Registry';
const AKS = 'Azure Kubernetes Service (AKS)';

function resource(
  kind: EstateResource['kind'],
  name: string,
  region: string,
  more: Partial<EstateResource> = {},
): EstateResource {
  const type =
    kind === 'registry' ? 'microsoft.containerregistry/registries' : 'microsoft.containerservice/managedclusters';
  const id = `/subscriptions/s1/resourcegroups/rg/providers/${type}/${name}`;
  return { id, kind, name, subscription: 's1', region, replicas: [], version: null, tags: {}, ...more };
}

const estate: Estate = {
  resources: [
    resource('registry', 'acr-a', 'westeurope', {
      replicas: [{ region: 'eastus', endpoint: true }],
      tags: { Owner: 'Payments', stage: 'prod' },
    }),
    resource('registry', 'acr-b', 'eastus', { tags: { stage: 'dev' } }),
    resource('cluster', 'aks-a', 'westeurope', { subscription: 's2' }),
  ],
  subscriptions: [
    { id: 's1', name: 'one', tags: { owner: 'search' } },
    { id: 's2', name: 'two', tags: {} },
  ],
};
const index = indexEstate(estate);
const hit = (impacts: [string, string][], resources: string[] = []): string[] =>
  blastRadius(index, { impacts: impacts.map(([service, region]) => ({ service, region })), resources }).map(
    (one) => `${one.resource.name}:${one.by.join('+')}`,
  );

describe('the blast radius', () => {
  test.each<[string, [string, string][], string[]]>([
    ['home and replica count', [[ACR, 'East US']], ['acr-a:replica', 'acr-b:home']],
    [
      'a service of one region does not meet a region of another service',
      [
        [ACR, 'North Europe'],
        [AKS, 'East US'],
      ],
      [],
    ],
    ['region names compare without blanks and case', [[AKS, 'WestEurope']], ['aks-a:home']],
    ['an unknown region and Global are everywhere', [[ACR, '']], ['acr-a:home', 'acr-b:home']],
    ['Global', [[AKS, 'Global']], ['aks-a:home']],
    [
      'services that the estate does not cover hit nothing',
      [
        ['Virtual Machines', 'West Europe'],
        ['constructor', 'x'],
      ],
      [],
    ],
  ])('%s', (_, impacts, expected) => expect(hit(impacts)).toEqual(expected));

  test('a resource that is named counts, also by one of its replications', () => {
    const [acr, , aks] = estate.resources;
    expect(hit([], [`${acr!.id}/replications/eastus`, aks!.id])).toEqual(['acr-a:named', 'aks-a:named']);
  });

  test('in words: counts, replicas, names, and how many more', () => {
    const hits = blastRadius(index, {
      impacts: [
        { service: ACR, region: 'East US' },
        { service: AKS, region: '' },
      ],
      resources: [],
    });
    expect(hitsInWords(hits)).toBe('2 registries (1 by a replica only), 1 cluster: acr-a (replica), acr-b, aks-a');
    expect(hitsInWords([])).toBe('none hit');
    const many = Array.from({ length: 12 }, (_, n) => ({
      resource: resource('cluster', `c${n}`, 'x'),
      by: ['home' as const],
      impacts: [],
    }));
    expect(hitsInWords(many)).toMatch(/^12 clusters: .* and 4 more$/);
  });
});

const rules = (more: Partial<OwnerRules> = {}): OwnerRules => ({
  tag: 'owner',
  scopes: new Map(),
  destinations: new Map(),
  default: [],
  ...more,
});

describe('owners', () => {
  test('tag of the resource, then the longest scope of the mapping, then tag of the subscription', () => {
    const [tagged, plain, cluster] = estate.resources;
    const scopes = new Map([
      ['s2', 'media'],
      ['/subscriptions/s2/resourcegroups/rg', 'video'],
      [plain!.id, 'fraud'],
    ]);
    expect(ownerOf(tagged!, rules({ scopes }), index)).toBe('Payments');
    expect(ownerOf(plain!, rules({ scopes }), index)).toBe('fraud');
    expect(ownerOf(plain!, rules(), index)).toBe('search');
    expect(ownerOf(cluster!, rules(), index)).toBeNull();
    expect(ownerOf({ ...cluster!, id: cluster!.id.replace('/s1/', '/s2/') }, rules({ scopes }), index)).toBe('video');
  });

  test('an owner without a destination goes to the default, and without one to everybody that owners can mean', () => {
    const known = ['payments', 'chat', 'mail'];
    expect(destinationsOf('Payments', rules(), known)).toEqual(['payments']);
    expect(
      destinationsOf('Payments', rules({ destinations: new Map([['payments', ['chat', 'gone']]]) }), known),
    ).toEqual(['chat']);
    expect(destinationsOf('ghost', rules({ default: ['mail'] }), known)).toEqual(['mail']);
    expect(destinationsOf(null, rules(), known)).toEqual(known);
    expect(everyOwner(rules({ destinations: new Map([['x', ['chat']]]), default: ['mail'] }), known)).toEqual([
      'chat',
      'mail',
    ]);
  });
});

describe('routes', () => {
  const known: EstateView = { index, takenAt: '2026-09-14T08:00:00.000Z', unknown: null };
  const plain = (id: string) => ({ id, name: null, team: null, environment: null });
  const facts = (impacts: [string, string][], view: EstateView | null = known): RouteFacts => {
    const place = {
      kind: 'outage' as const,
      impacts: impacts.map(([service, region]) => ({ service, region })),
      subscriptions: ['s1'],
      resources: [],
    };
    const options = {
      owners: rules({ default: ['mail'] }),
      destinations: ['payments', 'search', 'mail', 'all'],
      subscription: plain,
    };
    return {
      severity: 'warning',
      stage: 'Active',
      sources: ['x'],
      ...place,
      subscriptions: place.subscriptions.map(plain),
      estate: view === null ? null : estateFacts(view, place, options),
    };
  };
  const route = (match: Route['match'], to: string[]): Route => ({
    name: null,
    match,
    to,
    stop: false,
    runbook: null,
    note: null,
    fields: {},
  });
  const destinations = ['payments', 'search', 'mail', 'all'].map((name) => ({ name, retired: false }));
  const told = (about: RouteFacts, ...routes: Route[]): string[] =>
    matchRoutes(about, routes, {
      default: ['all'],
      destinations,
      owners: ['payments', 'search', 'mail'],
    }).destinations.map((one) => one.destination);

  test('owners are those of the hits that satisfy the whole match by themselves', () => {
    expect(told(facts([[ACR, 'East US']]), route({}, ['owners']))).toEqual(['payments', 'search']);
    expect(told(facts([[ACR, 'East US']]), route({ tag: ['stage=prod'] }, ['owners']))).toEqual(['payments']);
    const both = facts([
      [ACR, 'East US'],
      [AKS, 'West Europe'],
    ]);
    expect(told(both, route({ service: [AKS] }, ['owners']))).toEqual(['mail']);
  });

  test('an estate that is known and not hit matches none of its conditions', () => {
    expect(told(facts([[ACR, 'Brazil South']]), route({ estate: ['hit'] }, ['search']))).toEqual(['all']);
    expect(told(facts([[ACR, 'Brazil South']]), route({ estate: ['none'] }, ['search']))).toEqual(['search']);
    expect(told(facts([[ACR, 'Brazil South']]), route({}, ['owners', 'mail']))).toEqual(['mail']);
  });

  test('an unknown estate holds every condition on it and names every owner', () => {
    const dark = facts([[ACR, 'Brazil South']], { index: null, takenAt: null, unknown: 'not read' });
    expect(told(dark, route({ estate: ['hit'], tag: ['stage=prod'] }, ['owners']))).toEqual([
      'payments',
      'search',
      'mail',
    ]);
    expect(matchRoutes(dark, [route({ estate: ['hit'] }, ['mail'])], { default: [], destinations }).estateUnknown).toBe(
      true,
    );
  });

  test('stale, a strange subscription, and an alert about something else are unknown, with the reason', () => {
    const place = { kind: 'outage' as const, impacts: [], subscriptions: ['s1', 's9'], resources: [] };
    expect(whyUnknown(known, place)).toBe('the estate does not cover 1 of the 2 subscriptions');
    expect(whyUnknown({ ...known, unknown: 'stale' }, { ...place, subscriptions: [] })).toBe('stale');
    expect(whyUnknown(known, { ...place, kind: 'alert', resources: ['/subscriptions/s1/x'] })).toContain(
      'does not cover',
    );
    expect(whyUnknown(known, { ...place, kind: 'alert', resources: [estate.resources[0]!.id] })).toBeNull();
  });
});
