import { describe, expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { readSignals } from '#src/receivers/read.ts';
import { CONTEXT, fixtureBody, readOne, SUBSCRIPTION } from './read-fixture.ts';

const WEU = [{ service: 'Container Registry', region: 'West Europe' }];
const NEU = [{ service: 'Container Registry', region: 'North Europe' }];

/** What every post of the fixture family has in common unless its row says otherwise. */
const OUTAGE = {
  type: 'service-health',
  test: false,
  kind: 'outage',
  phase: 'open',
  state: 'active',
  stage: 'Active',
  severity: 'warning',
  severityCertain: true,
  retracted: false,
  impacts: WEU,
  subscriptions: [SUBSCRIPTION],
  resources: [],
  occurredAt: '2026-09-14T08:31:40.281Z',
  startedAt: '2026-09-14T08:12:00.000Z',
  mitigatedAt: null,
  endsAt: null,
  reason: null,
} satisfies Partial<Signal>;

function outage(trackingId: string, communicationId: string | null, rest: Partial<Signal> = {}): Partial<Signal> {
  const post = expect.objectContaining({ id: communicationId }) as Signal['post'];
  return { ...OUTAGE, identity: `sh/${trackingId.toLowerCase()}`, trackingId, post, ...rest };
}

const UPDATED = { occurredAt: '2026-09-14T09:28:03.771Z', startedAt: '2026-09-14T08:05:00.000Z' };
const RESOLVED = {
  phase: 'close',
  state: 'resolved',
  stage: 'Resolved',
  occurredAt: '2026-09-14T10:46:19.440Z',
  startedAt: '2026-09-14T08:05:00.000Z',
  mitigatedAt: '2026-09-14T10:17:00.000Z',
} as const;
const CLOSED = { phase: 'close', state: 'resolved' } as const;
const MAINTENANCE = {
  kind: 'maintenance',
  severity: 'info',
  impacts: NEU,
  startedAt: '2026-11-07T01:00:00.000Z',
  endsAt: '2026-11-07T05:00:00.000Z',
} as const;
/** Numeric level 3: read as warning for an outage, and known to be a guess. */
const GUESS = { severityCertain: false, schema: 'common', rule: 'sh-acr-critical-production' } as const;

const GOLDEN: Record<string, Partial<Signal>> = {
  'webhook-classic/sh-incident-active.json': outage('CNT1-0AR', '11000090000101', { schema: 'classic', rule: null }),
  'webhook-classic/sh-incident-active-second-subscription.json': outage('CNT1-0AR', '11000090000101', {
    subscriptions: ['22222222-bbbb-4bbb-8bbb-000000000002'],
    occurredAt: '2026-09-14T08:31:40.552Z',
  }),
  'webhook-classic/sh-incident-update-html.json': outage('CNT1-0AR', '11000090000102', UPDATED),
  'webhook-classic/sh-incident-resolved.json': outage('CNT1-0AR', '11000090000103', RESOLVED),
  'webhook-classic/sh-incident-rca.json': outage('CNT1-0AR', '11000090000177', {
    ...RESOLVED,
    phase: 'note',
    stage: 'RCA',
    severity: 'info',
    occurredAt: '2026-09-17T15:02:44.009Z',
  }),
  'webhook-classic/sh-maintenance-planned.json': outage('MNT3-5RS', '11000090000301', {
    ...MAINTENANCE,
    stage: 'Planned',
    state: 'planned',
    occurredAt: '2026-10-20T09:00:11.123Z',
    startedAt: '2026-11-05T01:00:00.000Z',
    endsAt: '2026-11-05T05:00:00.000Z',
  }),
  'webhook-classic/sh-maintenance-rescheduled.json': outage('MNT3-5RS', '11000090000302', {
    ...MAINTENANCE,
    stage: 'Rescheduled',
    phase: 'update',
    state: 'planned',
    occurredAt: '2026-10-28T10:00:00.000Z',
  }),
  'webhook-classic/sh-maintenance-inprogress.json': outage('MNT3-5RS', '11000090000303', {
    ...MAINTENANCE,
    stage: 'InProgress',
    phase: 'update',
    occurredAt: '2026-11-07T01:02:03.444Z',
  }),
  'webhook-classic/sh-maintenance-complete.json': outage('MNT3-5RS', '11000090000304', {
    ...MAINTENANCE,
    ...CLOSED,
    stage: 'Complete',
    occurredAt: '2026-11-07T03:44:27.908Z',
    mitigatedAt: '2026-11-07T03:41:00.000Z',
    endsAt: '2026-11-07T03:41:00.000Z',
  }),
  'webhook-classic/sh-maintenance-canceled.json': outage('MNT4-CAN', '11000090001007', {
    ...MAINTENANCE,
    ...CLOSED,
    stage: 'Canceled',
    occurredAt: '2026-10-20T09:00:11.123Z',
    startedAt: '2026-11-05T01:00:00.000Z',
    mitigatedAt: '2026-11-05T05:00:00.000Z',
    endsAt: '2026-11-05T05:00:00.000Z',
  }),
  'webhook-classic/sh-actionrequired-retirement.json': outage('ACT4-RET', '11000090000401', {
    kind: 'advisory',
    impacts: ['East US', 'North Europe', 'West Europe'].map((region) => ({ service: 'Container Registry', region })),
    occurredAt: '2026-10-01T12:00:05.555Z',
    startedAt: '2026-10-01T00:00:00.000Z',
    endsAt: '2027-03-31T00:00:00.000Z',
  }),
  'webhook-classic/sh-custom-properties-at-root.json': outage('RT01-ABC', '11000090001001'),
  'webhook-classic/sh-event-properties-at-root.json': outage('RT02-ABC', '11000090001002'),
  'webhook-classic/sh-numbers-for-strings.json': outage('NUM1-123', '11000090001003', { severity: 'error' }),
  'webhook-classic/sh-informational-first-service-only.json': outage('INF1-ABC', '11000090001004', {
    kind: 'advisory',
    severity: 'info',
    impacts: [{ service: 'Container Registry', region: 'Global' }],
  }),
  'webhook-classic/sh-impacts-array-odd-casing.json': outage('ARR1-ABC', '11000090001005', {
    impacts: [
      ...WEU,
      ...NEU,
      { service: 'Virtual Machines', region: 'East US' },
      { service: 'Virtual Machines', region: 'East US 2 EUAP' },
      { service: 'Azure Monitor', region: '' },
    ],
  }),
  'webhook-classic/sh-impacts-unreadable.json': outage('BAD1-ABC', '11000090001006', {
    reason: 'salvaged: impactedServices could not be read, first service and region taken',
  }),
  'webhook-classic/sh-assisted-recovery.json': outage('ASR1-ABC', '11000090001008', { kind: 'advisory' }),
  'webhook-classic/sh-unknown-type-active.json': outage('UNK1-ABC', '11000090001009', { severity: 'critical' }),
  'webhook-classic/sh-type-from-operation.json': outage('OPR1-ABC', '11000090001010', { kind: 'security' }),
  'webhook-classic/sh-no-stage-status-resolved.json': outage('STG1-ABC', '11000090001011', {
    ...CLOSED,
    stage: 'Resolved',
    mitigatedAt: '2026-09-14T09:00:00.000Z',
  }),
  'webhook-classic/sh-unknown-stage.json': outage('STG2-ABC', '11000090001012', { stage: 'Investigating' }),
  'webhook-classic/sh-stage-closed.json': outage('STG3-ABC', '11000090001013', { ...CLOSED, stage: 'Closed' }),
  'webhook-classic/sh-false-positive.json': outage('FPO1-ABC', '11000090001014', {
    ...CLOSED,
    stage: 'Resolved',
    retracted: true,
  }),
  'webhook-classic/sh-no-tracking-id.json': outage('', '11000090001015', {
    identity: expect.stringMatching(/^sh\/unnamed-[\da-f]{32}$/) as unknown as string,
    trackingId: null,
    reason: 'salvaged: a Service Health post without a tracking ID',
  }),
  'webhook-classic/sh-localized.json': outage('CNT1-0AR', null, {
    title: 'Container Registry - West Europe - Image pull failures',
    occurredAt: '2026-09-14T08:31:40.900Z',
  }),
  'webhook-classic/sh-test-notification.json': outage('ABC1-DEF', '11223344556677', {
    ...CLOSED,
    test: true,
    stage: 'Resolved',
    impacts: [{ service: 'Azure Service Name', region: 'Global' }],
    mitigatedAt: '2026-09-14T08:12:00.000Z',
  }),
  'webhook-classic/sh-marker-with-other-communication.json': outage('ABC1-DEF', '11000090001018'),
  'webhook-common/sh-incident-active.json': outage('CNT1-0AR', '11000090000101', GUESS),
  'webhook-common/sh-incident-update-html.json': outage('CNT1-0AR', '11000090000102', { ...GUESS, ...UPDATED }),
  'webhook-common/sh-incident-resolved-still-fired.json': outage('CNT1-0AR', '11000090000103', {
    ...GUESS,
    ...RESOLVED,
  }),
  'webhook-common/sh-security-advisory.json': outage('SEC5-ADV', '11000090000501', {
    ...GUESS,
    kind: 'security',
    impacts: ['East US', 'North Europe', 'West Europe'].map((region) => ({
      service: 'Azure Kubernetes Service (AKS)',
      region,
    })),
    occurredAt: '2026-10-06T17:30:41.606Z',
    startedAt: '2026-10-06T00:00:00.000Z',
  }),
  'webhook-common/sh-strings-and-space.json': outage('STR1-ABC', '11000090002001', { severity: 'error' }),
  'webhook-common/sh-informational-level-3.json': outage('LV03-ABC', '11000090002002', {
    ...GUESS,
    kind: 'advisory',
    severity: 'info',
  }),
  'webhook-common/sh-targets-null.json': outage('TGT1-ABC', '11000090002003', GUESS),
  'webhook-common/sh-guid-tracking-id.json': outage(
    '99999999-0000-4000-8000-0000000000AA',
    '636439673646212912',
    GUESS,
  ),
  'webhook-common/sh-test-notification.json': outage('TEST-TTT', '11223344556677', {
    ...CLOSED,
    test: true,
    stage: 'Resolved',
    severityCertain: false,
    impacts: [{ service: 'Azure Service Name', region: 'Global' }],
    mitigatedAt: '2026-09-14T08:12:00.000Z',
  }),
};

describe('a Service Health post is read from every shape', () => {
  test.each(Object.entries(GOLDEN))('%s', (name, expected) => {
    expect(readOne(name)).toMatchObject(expected);
  });
});

describe('a Service Health post', () => {
  test('keeps the HTML for the timeline and has plain text beside it', () => {
    const signal = readOne('webhook-common/sh-incident-update-html.json');
    expect(signal.communication?.html).toContain('<li>AKS nodes report <code>ImagePullBackOff</code>');
    expect(signal.text).toContain('\n- AKS nodes report ImagePullBackOff for images that are not cached\n');
    expect(signal.text).toContain('Next update by 10:30 UTC & sooner if needed');
    expect(signal.text).not.toContain('<');
  });

  test('has a title without entities', () => {
    const body = fixtureBody('webhook-classic/sh-incident-active.json') as {
      data: { context: { activityLog: { properties: Record<string, string> } } };
    };
    Object.assign(body.data.context.activityLog.properties, {
      title: 'Pulls &amp; pushes fail',
      defaultLanguageTitle: 'Pulls &amp; pushes fail',
    });
    expect(readSignals(body, CONTEXT)).toMatchObject([{ title: 'Pulls & pushes fail' }]);
  });

  test('has the English title and text in every language, so that subscriptions do not disagree', () => {
    const [english, german] = [
      readOne('webhook-classic/sh-incident-active.json'),
      readOne('webhook-classic/sh-localized.json'),
    ];
    expect(german.communication?.html).toBe(english.communication?.html);
    expect(german.post.hash).toBe(english.post.hash);
  });

  test('never resolves or opens by monitorCondition and the classic data.status', () => {
    const resolved = readOne('webhook-common/sh-incident-resolved-still-fired.json');
    expect([resolved.phase, resolved.stage]).toEqual(['close', 'Resolved']);
  });
});
