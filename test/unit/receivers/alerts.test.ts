import { describe, expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { ACR, AKS, readOne, SUBSCRIPTION } from './read-fixture.ts';

const FIRED = { kind: 'alert', phase: 'open', state: 'active', stage: 'Fired', test: false, reason: null } as const;
const ENDED = { kind: 'alert', phase: 'close', state: 'resolved', stage: 'Resolved', test: false } as const;
const BEGIN = '2026-09-14T08:34:18.552Z';
const PULLS = 'acr-successful-pulls-low on contosoprodacr: SuccessfulPullCount LessThan 20';

const GOLDEN: Record<string, Partial<Signal>> = {
  'webhook-common/metric-acr-fired.json': {
    ...FIRED,
    type: 'metric',
    severity: 'error',
    title: `${PULLS} (3)`,
    resources: [ACR],
    subscriptions: [SUBSCRIPTION],
    impacts: [{ service: 'Container Registry', region: '' }],
    occurredAt: BEGIN,
    startedAt: BEGIN,
    rule: 'acr-successful-pulls-low',
    communication: null,
    trackingId: null,
  },
  'webhook-common/metric-acr-resolved.json': {
    ...ENDED,
    title: `${PULLS} (312)`,
    occurredAt: '2026-09-14T10:31:22.900Z',
    mitigatedAt: '2026-09-14T10:31:22.900Z',
  },
  'webhook-classic/metric-acr-pulls-fired.json': {
    ...FIRED,
    stage: 'Activated',
    title: `${PULLS} (3)`,
    occurredAt: BEGIN,
  },
  'webhook-classic/metric-acr-pulls-deactivated.json': {
    ...ENDED,
    stage: 'Deactivated',
    occurredAt: '2026-09-14T10:31:22.900Z',
    startedAt: null,
  },
  'webhook-common/metric-aks-dynamic-fired.json': {
    ...FIRED,
    severity: 'warning',
    resources: [AKS],
    title: 'aks-ready-pods-unusual on aks-contoso-weu: kube_pod_status_ready LessThan 182.4 (141.25)',
  },
  'webhook-classic/metric-oldest-form.json': {
    ...FIRED,
    stage: 'Activated',
    severity: 'info',
    title: 'cpu-high on vm1: Percentage CPU GreaterThan 90 (97.1)',
    occurredAt: '2026-09-14T08:34:18.000Z',
  },
  'webhook-common/metric-two-dimensions.json': {
    ...FIRED,
    impacts: [{ service: 'Container Registry', region: 'West Europe' }],
  },
  'webhook-common/metric-rule-called-test.json': { ...FIRED, rule: 'test-pulls-low' },
  'webhook-common/metric-portal-test.json': { ...FIRED, test: true },
  'webhook-common/log-v2-aks-imagepull-fired.json': {
    ...FIRED,
    type: 'log',
    severity: 'warning',
    title: 'aks-imagepull-failures on aks-contoso-weu: Count GreaterThan 0 (14)',
    occurredAt: '2026-09-14T08:42:11.334Z',
  },
  // It names no end of its own: the end of the last window, which lies after the firing, counts.
  'webhook-common/log-v2-aks-imagepull-resolved.json': {
    ...ENDED,
    type: 'log',
    occurredAt: '2026-09-14T10:50:00.000Z',
  },
  'webhook-common/log-v1.json': {
    ...FIRED,
    type: 'log',
    severity: 'error',
    title: 'acr-auth-failures on contosoprodacr: Less Than 10000 (42 results)',
    occurredAt: '2026-09-14T20:45:00.000Z',
  },
  'webhook-classic/log-v1.json': {
    ...FIRED,
    type: 'log',
    severity: 'error',
    title: 'acr-auth-failures: Greater Than 10 (42 results)',
    subscriptions: [SUBSCRIPTION],
    occurredAt: '2026-09-14T08:45:00.000Z',
  },
  'webhook-common/log-simple.json': {
    ...FIRED,
    type: 'log',
    severity: 'warning',
    title: 'simple-oom on contosoprodacr',
  },
  'webhook-common/aks-communication-manager-failed.json': {
    ...FIRED,
    type: 'log',
    title: 'aks-upgrades on aks-contoso-weu: Count GreaterThan 0 (1)',
  },
  'webhook-common/prometheus-aks-fired.json': {
    ...FIRED,
    type: 'prometheus',
    severity: 'info',
    title:
      'KubePodReadyStateLow on aks-contoso-weu: Fewer than 80% of the pods of deployment checkout-api in namespace checkout are ready.',
    occurredAt: '2026-09-14T08:41:30.000Z',
  },
  // No end anywhere: our receipt time is the only one after the firing.
  'webhook-common/prometheus-aks-resolved.json': {
    ...ENDED,
    type: 'prometheus',
    occurredAt: '2026-09-14T08:41:30.001Z',
  },
  'webhook-common/availability.json': { ...FIRED, type: 'availability', severity: 'critical', rule: 'shop-webtest' },
  'webhook-common/smart-detection.json': {
    ...FIRED,
    type: 'smart-detection',
    title: 'failure-anomalies-shop on shop: An abnormal rise in failed request rate',
  },
  'webhook-common/budget.json': {
    ...FIRED,
    type: 'budget',
    stage: null,
    severity: 'warning',
    title: 'Alert: platform-monthly spent 843 of 800 EUR',
    subscriptions: [SUBSCRIPTION],
    resources: [],
  },
  'webhook-classic/budget.json': {
    ...FIRED,
    type: 'budget',
    title: 'platform-monthly: spent 843 of 800 EUR',
    subscriptions: [SUBSCRIPTION],
  },
  'webhook-common/unknown-service.json': {
    ...FIRED,
    type: 'other-alert',
    severity: 'error',
    reason: 'no parser for monitoringService carbonoptimization',
  },
};

describe('an own alert is read from every shape', () => {
  test.each(Object.entries(GOLDEN))('%s', (name, expected) => {
    expect(readOne(name)).toMatchObject(expected);
  });
});

function identityOf(name: string): string {
  return readOne(name).identity;
}

describe('messages of one alert share an identity', () => {
  test('fired and resolved, in the classic and in the common schema', () => {
    const names = ['webhook-common/metric-acr-fired.json', 'webhook-common/metric-acr-resolved.json'];
    names.push('webhook-classic/metric-acr-pulls-fired.json', 'webhook-classic/metric-acr-pulls-deactivated.json');
    expect(new Set(names.map(identityOf)).size).toBe(1);
  });

  test('whatever the order of dimensions and labels, and for every evaluation', () => {
    expect(identityOf('webhook-common/metric-two-dimensions.json')).toBe(
      identityOf('webhook-common/metric-two-dimensions-other-order.json'),
    );
    expect(identityOf('webhook-common/prometheus-aks-fired.json')).toBe(
      identityOf('webhook-common/prometheus-aks-resolved.json'),
    );
    expect(identityOf('webhook-common/prometheus-aks-fired.json')).toBe(
      identityOf('webhook-common/prometheus-aks-fired-again.json'),
    );
  });

  test('and other dimensions of the same rule do not', () => {
    expect(identityOf('webhook-common/metric-two-dimensions.json')).not.toBe(
      identityOf('webhook-common/metric-acr-fired.json'),
    );
  });

  test('through two action groups it is one post; a new evaluation is a new one', () => {
    const [common, classic] = [
      readOne('webhook-common/metric-acr-fired.json'),
      readOne('webhook-classic/metric-acr-pulls-fired.json'),
    ];
    expect(common.post.id).toBe(classic.post.id);
    const again = readOne('webhook-common/prometheus-aks-fired-again.json');
    expect(again.post.id).not.toBe(readOne('webhook-common/prometheus-aks-fired.json').post.id);
  });
});

describe('details of an alert', () => {
  test('hold what was measured, in display order', () => {
    const { details } = readOne('webhook-common/log-v2-aks-imagepull-fired.json');
    expect(details).toMatchObject({
      Operator: 'GreaterThan',
      Threshold: '0',
      Value: '14',
      Window: 'PT10M',
      Dimensions: 'Namespace=checkout, ClusterName=aks-contoso-weu',
      Service: 'Azure Kubernetes Service (AKS)',
      runbook: 'https://wiki.contoso.example/aks/imagepull',
    });
    expect(details['Query results']).toMatch(/^https:\/\/portal\.azure\.com/);
    expect(Object.keys(details).slice(0, 3)).toEqual(['Rule', 'Resource', 'Service']);
  });

  test('hold the row of a simple log alert and no address of a budget creator', () => {
    expect(readOne('webhook-common/log-simple.json').details['Event']).toBe('Reason=OOMKilling, Name=checkout-api-7d4');
    expect(JSON.stringify(readOne('webhook-common/budget.json').details)).not.toContain('finance@');
  });
});
