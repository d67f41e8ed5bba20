/** From what metrics and logs told of one resource to its evidence: verdict, serving region, advice. */
import { describe, expect, test } from 'vitest';
import type { EstateResource, Hit } from '#src/core/estate.ts';
import { NODE_METRIC, type MetricSeries } from '#src/core/evidence-metrics.ts';
import { geoAdvice, servingOf, type RegionPulls } from '#src/core/evidence-regions.ts';
import { resourceEvidence, unknownEvidence, type ResourceFacts } from '#src/core/evidence-resource.ts';
import { isServiceFailure, type RegistryRow } from '#src/core/evidence-rows.ts';
import type { Windows } from '#src/core/evidence-window.ts';

const windows: Windows = {
  before: { from: '2026-09-14T06:00:00.000Z', to: '2026-09-14T08:00:00.000Z' },
  during: { from: '2026-09-14T08:00:00.000Z', to: '2026-09-14T10:00:00.000Z' },
  grain: 'PT5M',
};
const at = (clock: string): number => Date.parse(`2026-09-14T${clock}:00.000Z`);
const moments = Array.from({ length: 48 }, (_, index) => at('06:00') + index * 300_000);

const registry: EstateResource = {
  id: '/subscriptions/s1/resourcegroups/rg/providers/microsoft.containerregistry/registries/contosoacr',
  kind: 'registry',
  name: 'contosoacr',
  subscription: 's1',
  region: 'westeurope',
  replicas: [
    { region: 'northeurope', endpoint: true },
    { region: 'eastus', endpoint: false },
  ],
  version: 'Premium',
  tags: {},
};
const cluster: EstateResource = {
  ...registry,
  id: registry.id.replace('contosoacr', 'aks1'),
  name: 'aks1',
  kind: 'cluster',
  replicas: [],
};
const hitOf = (resource: EstateResource): Hit => ({
  resource,
  by: ['home'],
  impacts: [{ service: 'Container Registry', region: 'West Europe' }],
});

const facts = (more: Partial<ResourceFacts> = {}): ResourceFacts => ({
  hit: hitOf(registry),
  windows,
  metrics: null,
  requests: null,
  pods: null,
  alerts: [],
  ...more,
});

const metric = (name: string, value: (atMs: number) => number | null): MetricSeries => ({
  resource: registry.id,
  metric: name,
  dimensions: {},
  points: moments.map((atMs) => ({ atMs, value: value(atMs) })),
  fault: null,
});
const burning = (atMs: number): boolean => atMs >= at('08:30') && atMs < at('09:00');

const row = (atMs: number, more: Partial<RegistryRow>): RegistryRow => ({
  resource: registry.id,
  atMs,
  region: 'westeurope',
  operation: 'pull',
  code: '200',
  count: 10,
  ...more,
});

describe('a registry by its metrics', () => {
  const pulls = [
    metric('TotalPullCount', () => 100),
    metric('SuccessfulPullCount', (atMs) => (burning(atMs) ? 40 : 100)),
  ];

  test('is hit by the pulls that failed; pushes of which nobody made any are no line', () => {
    const found = resourceEvidence(
      facts({
        metrics: {
          rows: [...pulls, metric('TotalPushCount', () => 0), metric('SuccessfulPushCount', () => 0)],
          fault: null,
        },
      }),
    );
    expect(found).toMatchObject({
      verdict: 'hit',
      reason: expect.stringMatching(/^360 of 600 pulls failed from 08:30 to 09:00 UTC/),
    });
    expect(found.checks.map((check) => check.what)).toEqual(['pulls']);
    expect(found.checks[0]!.query).toBe('TotalPullCount - SuccessfulPullCount');
  });

  test('is hit by pushes alone as well', () => {
    const rows = [
      metric('TotalPullCount', () => 100),
      metric('SuccessfulPullCount', () => 100),
      metric('TotalPushCount', () => 20),
      metric('SuccessfulPushCount', (atMs) => (burning(atMs) ? 2 : 20)),
    ];
    const found = resourceEvidence(facts({ metrics: { rows, fault: null } }));
    expect(found.verdict).toBe('hit');
    expect(found.checks.map((check) => `${check.what} ${check.verdict}`)).toEqual(['pulls not seen', 'pushes hit']);
  });

  test('whose metrics cannot be read, one or all, is unknown with the reason', () => {
    const all = resourceEvidence(facts({ metrics: { rows: [], fault: 'metrics could not be read (403 no)' } }));
    expect(all).toMatchObject({ verdict: 'unknown', reason: 'metrics could not be read (403 no)' });
    const one = { ...metric('SuccessfulPullCount', () => 0), points: [], fault: 'Azure could not tell it' };
    const found = resourceEvidence(facts({ metrics: { rows: [pulls[0]!, one], fault: null } }));
    expect(found).toMatchObject({ verdict: 'unknown', reason: 'Azure could not tell it' });
  });
});

describe('a registry by its logs', () => {
  test.each([
    ['503', true],
    ['500', true],
    ['429', true],
    ['404', false],
    ['401', false],
    ['200', false],
    ['', false],
    ['5031', false],
  ])('an answer of %s is the fault of the service: %s', (code, is) => expect(isServiceFailure(code)).toBe(is));

  test('is hit by what the service answered, with code and region; wrong passwords and missing tags are none', () => {
    const rows = moments.flatMap((atMs) => [
      row(atMs, {}),
      row(atMs, { code: '404', count: 30 }),
      row(atMs, { operation: 'login', code: '401', count: 50 }),
      ...(burning(atMs) ? [row(atMs, { code: '503', count: 8 }), row(atMs, { code: '429', count: 2 })] : []),
    ]);
    const found = resourceEvidence(facts({ requests: { rows, fault: null, query: 'kql' } }));
    expect(found.verdict).toBe('hit');
    expect(found.reason).toContain('60 of 300 pulls failed from 08:30 to 09:00 UTC');
    expect(found.reason).toMatch(/: 503, 429 in westeurope$/);
    expect(found.checks.map((check) => `${check.what} ${check.verdict}`)).toEqual(['pulls hit', 'sign-ins not seen']);
  });

  test('without rows is unknown; with a part of them it can be hit, and cannot be cleared', () => {
    const told = (rows: RegistryRow[], fault: string | null) =>
      resourceEvidence(facts({ requests: { rows, fault, query: 'kql' } }));
    expect(told([], null)).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('no diagnostic setting'),
    });
    const fine = moments.map((atMs) => row(atMs, {}));
    expect(told(fine, null).verdict).toBe('not seen');
    expect(told(fine, 'logs came in part only (x)')).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('in part only'),
    });
    const bad = [...fine, ...moments.filter(burning).map((atMs) => row(atMs, { code: '503' }))];
    expect(told(bad, 'logs came in part only (x)').verdict).toBe('hit');
  });

  test('and pods that cannot get their image from it are a hit of their own', () => {
    const rows = moments.filter(burning).map((atMs) => ({ resource: 'contosoacr', atMs, pods: null, failed: 4 }));
    const found = resourceEvidence(facts({ pods: { rows, fault: null, query: 'kql' } }));
    expect(found).toMatchObject({
      verdict: 'hit',
      reason: expect.stringMatching(/^up to 4 pods without their image from 08:30/),
    });
    expect(resourceEvidence(facts({ pods: { rows: [], fault: null, query: 'kql' } })).checks).toEqual([]);
  });
});

describe('a cluster', () => {
  const node = (name: string, status2: string, has: (atMs: number) => boolean): MetricSeries => ({
    ...metric(NODE_METRIC, (atMs) => (has(atMs) ? 1 : 0)),
    dimensions: { node: name, status2 },
  });

  test('is hit by nodes that are not ready, counted by name', () => {
    const rows = [
      node('a', 'ready', () => true),
      node('b', 'ready', (atMs) => !burning(atMs)),
      node('b', 'notready', burning),
      node('c', 'ready', (atMs) => !burning(atMs)),
      node('c', 'unknown', burning),
    ];
    const found = resourceEvidence(facts({ hit: hitOf(cluster), metrics: { rows, fault: null } }));
    expect(found).toMatchObject({
      verdict: 'hit',
      reason: expect.stringMatching(/^up to 2 of 3 nodes not ready from 08:30 to 09:00/),
    });
  });

  test('that nobody watches is unknown, in words', () => {
    const found = resourceEvidence(
      facts({ hit: hitOf(cluster), metrics: { rows: [], fault: null }, pods: { rows: [], fault: null, query: 'kql' } }),
    );
    expect(found.verdict).toBe('unknown');
    expect(found.reason).toContain('Container insights');
  });

  test('is hit where Resource Health says so, whatever metrics cannot tell; an alert of our own rules only stands beside it', () => {
    const alert = {
      id: 'inc_1',
      kind: 'resource',
      headline: 'Unavailable',
      severity: 'error',
      startedAt: '2026-09-14T08:20:00.000Z',
      platform: true,
    } as const;
    expect(unknownEvidence(hitOf(cluster), 'too early', [alert])).toMatchObject({
      verdict: 'hit',
      reason: expect.stringContaining('08:20'),
    });
    expect(unknownEvidence(hitOf(cluster), 'too early', [{ ...alert, kind: 'alert', platform: false }])).toMatchObject({
      verdict: 'unknown',
      reason: 'too early',
      alerts: [{ id: 'inc_1' }],
    });
  });
});

describe('the region that serves', () => {
  const pulls = (share: (atMs: number) => Record<string, number | undefined>): RegionPulls[] =>
    moments.flatMap((atMs) =>
      Object.entries(share(atMs)).map(([region, count = 0]) => ({ atMs, region, pulls: count })),
    );

  test('has moved, and when', () => {
    const rows = pulls((atMs) =>
      atMs < at('08:20') ? { westeurope: 30, eastus: 4 } : { westeurope: 2, northeurope: 28, eastus: 4 },
    );
    expect(servingOf(rows, windows)?.moved).toEqual({
      from: 'westeurope',
      to: 'northeurope',
      at: '2026-09-14T08:20:00.000Z',
    });
  });

  test('has not moved by half of the logs: what is missing may be all that one region has answered', () => {
    const rows = moments.map((atMs) => row(atMs, { region: atMs < at('09:00') ? 'westeurope' : 'northeurope' }));
    const told = (fault: string | null) => resourceEvidence(facts({ requests: { rows, fault, query: '' } }));
    expect(told(null).serving?.moved).toMatchObject({ from: 'westeurope', to: 'northeurope' });
    const { serving, advice } = told('logs came in part only (PartialError)');
    expect(serving).toMatchObject({ before: [{ region: 'westeurope' }], moved: null });
    expect(advice.join()).not.toContain('moved');
  });

  test('has not moved where shares waver, where it came back, or where there are hardly any pulls', () => {
    expect(
      servingOf(
        pulls((atMs) => ({ westeurope: 30 + (atMs % 7), northeurope: 10 })),
        windows,
      )?.moved,
    ).toBeNull();
    const back = pulls((atMs) => (burning(atMs) ? { northeurope: 30 } : { westeurope: 30 }));
    expect(servingOf(back, windows)?.moved).toBeNull();
    const few = [
      ...pulls(() => ({ westeurope: 5 })).slice(0, 2),
      { atMs: at('09:50'), region: 'northeurope', pulls: 9 },
    ];
    expect(servingOf(few, windows)?.moved).toBeNull();
    expect(servingOf([], windows)).toBeNull();
  });

  test('and the advice names the command for the region that burns, what else answers, and what may be missing', () => {
    const rows = pulls((atMs) => (atMs < at('08:20') ? { westeurope: 30 } : { northeurope: 30 }));
    const advice = geoAdvice(registry, ['West Europe'], servingOf(rows, windows));
    expect(advice.join('\n')).toContain('Pulls moved from westeurope to northeurope at 08:20 UTC.');
    expect(advice.join('\n')).toContain('The region endpoint of eastus is off');
    expect(advice.join('\n')).toContain(
      '(northeurope would answer): az acr replication update --name westeurope --registry contosoacr --subscription s1 --region-endpoint-enabled false',
    );
    expect(advice.at(-1)).toMatch(/DNS.*retry.*tag/);
    const stuck = { ...registry, replicas: [{ region: 'eastus', endpoint: false }] };
    expect(geoAdvice(stuck, ['westeurope'], null).join('\n')).toContain('nowhere to send pulls');
    expect(geoAdvice({ ...registry, replicas: [] }, ['westeurope'], null)).toEqual([]);
  });
});
