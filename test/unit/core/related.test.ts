import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { relate, type RelatedFacts } from '#src/core/related.ts';
import type { Kind } from '#src/core/signal.ts';

const ACR = 'Container Registry';
const AKS = 'Azure Kubernetes Service (AKS)';
const day = (hour: number): string => `2026-09-14T${String(hour).padStart(2, '0')}:00:00.000Z`;
const outage: RelatedFacts = {
  kind: 'outage',
  impacts: [{ service: ACR, region: 'West Europe' }],
  resources: [],
  from: day(8),
  until: day(11),
};
const alert = (change: Partial<RelatedFacts>): RelatedFacts => ({
  kind: 'alert',
  impacts: [{ service: ACR, region: '' }],
  resources: [],
  from: day(9),
  until: null,
  ...change,
});

describe('an own alert and a Service Health event', () => {
  test.each([
    ['the same pair', alert({ impacts: [{ service: ACR, region: 'westeurope' }] }), 'impact'],
    ['the same service, region unknown', alert({}), 'service'],
    [
      'a cluster in the region of a registry outage',
      alert({ impacts: [{ service: AKS, region: 'West Europe' }] }),
      'region',
    ],
    ['another region of the service', alert({ impacts: [{ service: ACR, region: 'East US' }] }), null],
    ['another service, region unknown', alert({ impacts: [{ service: AKS, region: '' }] }), null],
    ['over before it began', alert({ from: day(5), until: day(7) }), null],
    ['ended five minutes before it began', alert({ from: day(7), until: '2026-09-14T07:55:00.000Z' }), 'service'],
    ['standing for two months', alert({ from: '2026-07-01T00:00:00.000Z' }), null],
    ['another event', { ...outage, kind: 'maintenance' as const }, null],
  ])('%s: related by %s', (_, other, by) => {
    expect(relate(outage, other)?.by ?? null).toBe(by);
  });

  test('a retirement notice is not related by region alone', () => {
    const near = alert({ impacts: [{ service: AKS, region: 'West Europe' }] });
    expect(relate({ ...outage, kind: 'advisory' }, near)).toBeNull();
  });

  test('are related both ways, for the same reason and span', () => {
    const facts = fc.record({
      kind: fc.constantFrom<Kind>('outage', 'maintenance', 'advisory', 'alert', 'resource', 'change'),
      impacts: fc.array(
        fc.record({
          service: fc.constantFrom(ACR, AKS),
          region: fc.constantFrom('', 'West Europe', 'eastus', 'Global'),
        }),
        { maxLength: 3 },
      ),
      resources: fc.subarray(['/r/1', '/r/2']),
      from: fc.nat(20).map(day),
      until: fc.option(fc.nat(23).map(day)),
    });
    fc.assert(
      fc.property(facts, facts, (a, b) => {
        expect(relate(a, b)).toEqual(relate(b, a));
      }),
    );
  });
});
