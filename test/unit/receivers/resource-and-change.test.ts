import { describe, expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { readSignals } from '#src/receivers/read.ts';
import { ACR, AKS, CONTEXT, readFixture, readOne, SUBSCRIPTION } from './read-fixture.ts';

const RESOURCE = {
  kind: 'resource',
  type: 'resource-health',
  test: false,
  identity: `rh${AKS}`,
  resources: [AKS],
  subscriptions: [SUBSCRIPTION],
  communication: null,
  impacts: [{ service: 'Azure Kubernetes Service (AKS)', region: '' }],
  reason: null,
} satisfies Partial<Signal>;

const GOLDEN: Record<string, Partial<Signal>> = {
  'webhook-classic/rh-aks-degraded.json': {
    ...RESOURCE,
    phase: 'open',
    state: 'active',
    severity: 'warning',
    title: 'aks-contoso-weu: Cluster nodes are not ready',
    occurredAt: '2026-09-14T08:36:21.118Z',
  },
  'webhook-common/rh-aks-degraded.json': { ...RESOURCE, phase: 'open', severity: 'warning', rule: 'rh-aks-all' },
  'webhook-classic/rh-aks-available.json': {
    ...RESOURCE,
    phase: 'close',
    state: 'resolved',
    stage: 'Resolved',
    severity: 'info',
    occurredAt: '2026-09-14T10:24:09.662Z',
  },
  'webhook-classic/rh-aks-updated-nulls.json': { ...RESOURCE, phase: 'update', state: 'active', severity: 'warning' },
  'webhook-classic/rh-aks-in-progress-capitals.json': {
    ...RESOURCE,
    phase: 'open',
    severity: 'error',
    stage: 'In Progress',
  },
  'eventhub-activitylog/resourcehealth-updated.json': {
    ...RESOURCE,
    phase: 'open',
    severity: 'warning',
    stage: 'Updated',
  },
  'eventhub-activitylog/rest-resource-health.json': { ...RESOURCE, phase: 'open', severity: 'error', stage: 'Active' },
  'action-group-test/common-resource-health.json': {
    kind: 'resource',
    test: true,
    rule: 'test-ResourceHealthAlertRule',
  },
  'webhook-classic/rh-test-notification.json': { kind: 'resource', test: true, rule: null },
};

describe('a Resource Health event is read from every shape', () => {
  test.each(Object.entries(GOLDEN))('%s', (name, expected) => {
    expect(readOne(name)).toMatchObject(expected);
  });

  test('one event through webhook and export is one post', () => {
    const webhook = readOne('webhook-classic/rh-aks-degraded.json');
    const exported = readFixture('eventhub-activitylog/mixed-categories.json')[3]!;
    expect(exported.identity).toBe(webhook.identity);
    expect(exported.post).toEqual({ id: null, hash: webhook.post.hash });
  });
});

const CHANGE = { kind: 'change', test: false, communication: null, reason: null } satisfies Partial<Signal>;

describe('a change', () => {
  test('that succeeded is over', () => {
    expect(readOne('webhook-classic/administrative-acr-delete.json')).toMatchObject({
      ...CHANGE,
      type: 'administrative',
      phase: 'close',
      state: 'resolved',
      severity: 'info',
      title: 'microsoft.containerregistry/registries/delete on contosoprodacr: Succeeded',
      resources: [ACR],
      occurredAt: '2026-09-20T13:00:01.234Z',
    });
  });

  test('that failed is over and an error', () => {
    expect(readOne('webhook-common/administrative-aks-write-failed.json')).toMatchObject({
      ...CHANGE,
      phase: 'close',
      state: 'resolved',
      severity: 'error',
      stage: 'Failed',
      resources: [AKS],
    });
  });

  test('has one identity from start to end', () => {
    const started = readOne('webhook-common/administrative-aks-write-started.json');
    const succeeded = readOne('webhook-common/administrative-aks-write-succeeded.json');
    expect(started).toMatchObject({ ...CHANGE, phase: 'open', state: 'active', severity: 'info' });
    expect(succeeded).toMatchObject({ phase: 'close', identity: started.identity });
    expect(readOne('webhook-common/administrative-aks-write-failed.json').identity).not.toBe(started.identity);
  });

  test('by a policy is a change as well', () => {
    expect(readOne('webhook-common/policy-audit.json')).toMatchObject({
      ...CHANGE,
      type: 'policy',
      severity: 'warning',
    });
  });

  test.each(['Start', 'Success'])(
    'is one, too, if Resource Health itself is registered for a subscription: %s',
    (word) => {
      const record = {
        time: '2026-11-24T08:00:00Z',
        resourceId: `/SUBSCRIPTIONS/${SUBSCRIPTION.toUpperCase()}`,
        correlationId: 'c-1',
        operationName: 'MICROSOFT.RESOURCEHEALTH/REGISTER/ACTION',
        category: 'Administrative',
        resultType: word,
      };
      expect(readSignals({ records: [record] }, CONTEXT)).toMatchObject([
        { kind: 'change', type: 'administrative', phase: word === 'Start' ? 'open' : 'close' },
      ]);
    },
  );

  test('names nobody who made it', () => {
    const { raw, details, text } = readOne('webhook-classic/administrative-acr-delete.json');
    expect(raw).not.toMatch(/claims|"caller"|authorization|pipeline@/);
    expect(`${JSON.stringify(details)}${text}`).not.toContain('pipeline@');
  });
});

describe('an export of the activity log', () => {
  const signals = readFixture('eventhub-activitylog/mixed-categories.json');

  test('gives one signal per record, each of its own kind', () => {
    expect(signals.map(({ kind, phase }) => `${kind} ${phase}`)).toEqual([
      'change open',
      'change close',
      'outage open',
      'resource open',
      'unrecognised open',
    ]);
    expect(signals[0]!.identity).toBe(signals[1]!.identity);
    expect(new Set(signals.map((signal) => signal.fingerprint)).size).toBe(5);
  });

  test('keeps neither addresses nor claims', () => {
    expect(signals[0]!.raw).not.toMatch(/203\.0\.113\.7|A Person|identity/);
    expect(signals[0]!.raw).toContain('"resultType":"Start"');
  });

  test('takes the subscription of the source where the record names none', () => {
    const name = 'eventhub-activitylog/sh-actionrequired-no-resource-id.json';
    expect(readOne(name).subscriptions).toEqual([]);
    expect(readOne(name, { subscription: 'AAAAAAAA-0000-4000-8000-00000000000F' })).toMatchObject({
      identity: 'sh/act4-ret',
      kind: 'advisory',
      phase: 'open',
      stage: 'Active',
      severity: 'info',
      subscriptions: ['aaaaaaaa-0000-4000-8000-00000000000f'],
      endsAt: '2027-03-31T00:00:00.000Z',
    });
  });

  test('reads both records of a maintenance batch', () => {
    const batch = readFixture('eventhub-activitylog/batch-maintenance-second-subscription.json');
    expect(batch.map(({ identity, phase, state, post }) => [identity, phase, state, post.id])).toEqual([
      ['sh/mnt3-5rs', 'open', 'planned', '11000090000301'],
      ['sh/mnt3-5rs', 'open', 'planned', '11000090000301'],
    ]);
    expect(batch.flatMap((signal) => signal.subscriptions)).toEqual([
      SUBSCRIPTION,
      '22222222-bbbb-4bbb-8bbb-000000000002',
    ]);
  });
});
