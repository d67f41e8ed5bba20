import { describe, expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { ACR, AKS, readFixture, readOne, SUBSCRIPTION } from './read-fixture.ts';

const NODE =
  `/subscriptions/${SUBSCRIPTION}/resourcegroups/mc_rg-contoso-platform_aks-contoso-weu_westeurope` +
  '/providers/microsoft.compute/virtualmachinescalesets/aks-userpool1-00000000-vmss/virtualmachines/3';
const POOL = `aks${AKS}/nodepool/userpool1`;
const NOTE = { kind: 'change', phase: 'note', state: 'resolved', severity: 'info', test: false, reason: null } as const;

const GOLDEN: Record<string, Partial<Signal>> = {
  'eventgrid/acr-image-pushed-eventgrid.json': {
    ...NOTE,
    schema: 'event-grid',
    type: 'acr',
    title: 'contosoprodacr: image pushed: shop/checkout-api:2026.9.14-3',
    resources: [ACR],
    subscriptions: [SUBSCRIPTION],
    occurredAt: '2026-09-14T07:55:20.555Z',
  },
  'eventgrid/acr-image-deleted-cloudevents.json': {
    ...NOTE,
    schema: 'cloudevents',
    type: 'acr',
    title: 'contosoprodacr: image deleted: shop/checkout-api',
    occurredAt: '2026-09-14T11:10:01.000Z',
  },
  'eventgrid/acr-chart-pushed-eventgrid.json': {
    ...NOTE,
    type: 'acr',
    details: expect.objectContaining({ 'Chart version': '1.4.2' }),
  },
  'eventgrid/aks-new-kubernetes-version-eventgrid.json': { ...NOTE, type: 'aks', resources: [AKS] },
  'eventgrid/aks-cluster-support-ending-cloudevents.json': {
    kind: 'advisory',
    phase: 'open',
    state: 'active',
    severity: 'warning',
    identity: `aks${AKS}/support/1.33.9`,
    title: 'aks-contoso-weu: support of Kubernetes 1.33.9 is ending',
  },
  'eventgrid/aks-nodepool-rolling-started-eventgrid.json': {
    kind: 'change',
    phase: 'open',
    state: 'active',
    severity: 'info',
    identity: POOL,
    post: expect.objectContaining({ id: 'cafecafecafecafecafecafecafecafecafecafe' }),
    occurredAt: '2026-10-18T02:00:04.999Z',
  },
  'eventgrid/aks-nodepool-rolling-succeeded-eventgrid.json': {
    kind: 'change',
    phase: 'close',
    state: 'resolved',
    identity: POOL,
  },
  'eventgrid/aks-nodepool-rolling-failed-cloudevents.json': {
    kind: 'alert',
    phase: 'open',
    state: 'active',
    severity: 'error',
    identity: POOL,
    title: 'aks-contoso-weu: rolling upgrade of node pool userpool1 failed',
  },
  'eventgrid/health-resource-unavailable-eventgrid.json': {
    kind: 'resource',
    type: 'health-resource',
    phase: 'open',
    state: 'active',
    severity: 'error',
    resources: [NODE],
    title: 'aks-userpool1-00000000-vmss/3: is Unavailable',
    occurredAt: '2026-09-14T08:33:00.500Z',
  },
  'eventgrid/health-resource-available-eventgrid.json': {
    kind: 'resource',
    phase: 'close',
    state: 'resolved',
    resources: [NODE],
  },
  'eventgrid/health-resource-annotated-eventgrid.json': {
    kind: 'resource',
    phase: 'note',
    state: 'active',
    severity: 'warning',
    text: 'The host of this virtual machine was restarted to repair it.',
    occurredAt: '2026-09-14T08:33:12.202Z',
  },
  'eventgrid/subscription-validation-eventgrid.json': { ...NOTE, type: 'event-grid-system' },
  'eventgrid/subscription-deleted-eventgrid.json': { ...NOTE, type: 'event-grid-system', severity: 'warning' },
  'eventgrid/blob-created-eventgrid.json': {
    kind: 'unrecognised',
    phase: 'open',
    title: expect.stringContaining('Unrecognised signal from prod (Microsoft.Storage.BlobCreated)'),
  },
};

describe('an Event Grid event is read from both envelopes', () => {
  test.each(Object.entries(GOLDEN))('%s', (name, expected) => {
    expect(readOne(name, { door: 'event-grid' })).toMatchObject(expected);
  });

  test('what a cluster or a node tells meets a route by service, as its Resource Health does; pushed images do not', () => {
    const hit = (name: string): unknown => readOne(`eventgrid/${name}.json`).impacts;
    const aks = [{ service: 'Azure Kubernetes Service (AKS)', region: '' }];
    expect(hit('aks-nodepool-rolling-failed-cloudevents')).toEqual(aks);
    expect(hit('aks-cluster-support-ending-cloudevents')).toEqual(aks);
    expect(readOne('webhook-common/rh-aks-degraded.json').impacts).toEqual(aks);
    expect(hit('health-resource-unavailable-eventgrid')).toEqual([
      { service: 'Virtual Machine Scale Sets', region: '' },
    ]);
    expect(hit('acr-image-pushed-eventgrid')).toEqual([]);
  });

  test('a CloudEvents batch gives one signal per event', () => {
    const signals = readFixture('eventgrid/cloudevents-batch.json');
    expect(signals.map(({ kind, stage, severity }) => [kind, stage, severity])).toEqual([
      ['alert', 'Failed', 'error'],
      ['advisory', 'Ended', 'error'],
    ]);
    // The end of support follows its announcement.
    expect(signals[1]!.identity).toBe(readOne('eventgrid/aks-cluster-support-ending-cloudevents.json').identity);
  });

  test('the annotation of a node belongs to the incident of that node', () => {
    const names = ['unavailable', 'available', 'annotated'].map(
      (word) => `eventgrid/health-resource-${word}-eventgrid.json`,
    );
    const [identity, ...others] = new Set(names.map((name) => readOne(name).identity));
    expect(others).toEqual([]);
    // The id has more than 200 bytes and is hashed.
    expect(identity).toMatch(/^rh\/[\da-f]{64}$/);
  });
});
