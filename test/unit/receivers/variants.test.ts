/** The same news in other clothes: numbers for text, JSON quoted twice, words of another channel, ids in another place. */
import { describe, expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { parseBody } from '#src/receivers/body.ts';
import { readSignals } from '#src/receivers/read.ts';
import { fixture } from '#test/support/fixtures.ts';
import { ACR, AKS, CONTEXT, SUBSCRIPTION } from './read-fixture.ts';

const read = (body: unknown): Signal => readText(JSON.stringify(body));

function readText(text: string): Signal {
  const parsed = parseBody(Buffer.from(text));
  if (!parsed.ok) throw new Error(parsed.reason);
  return readSignals(parsed.value, CONTEXT)[0]!;
}

/** A classic post with other fields in its log and its properties; undefined takes a field away. */
function post(properties: Record<string, unknown>, log: Record<string, unknown> = {}): unknown {
  const body = fixture('webhook-classic/sh-incident-active.json');
  Object.assign(body.data.context.activityLog, log);
  Object.assign(body.data.context.activityLog.properties, properties);
  return body;
}

/** The export of the activity log, without a stage: only `resultType` tells. */
function exported(resultType: string): unknown {
  const { properties } = fixture('webhook-classic/sh-incident-active.json').data.context.activityLog;
  return {
    records: [
      {
        time: '2026-09-14T08:31:07.5Z',
        operationName: 'Microsoft.ServiceHealth/incident/action',
        level: 'Information',
        resultType,
        category: 'ServiceHealth',
        properties: { eventCategory: 'ServiceHealth', eventProperties: { ...properties, stage: undefined } },
      },
    ],
  };
}

describe('a communication id', () => {
  const text = (digits: string): string => JSON.stringify(post({ communicationId: '@' })).replace('"@"', ` ${digits}`);

  test('of 18 digits keeps them all where it comes as a number', () => {
    const [one, other] = [readText(text('636439673646212912')), readText(text('636439673646212913'))];
    expect(one.communication?.id).toBe('636439673646212912');
    expect(other.communication?.id).toBe('636439673646212913');
    expect(other.fingerprint).not.toBe(one.fingerprint);
    expect(other.raw).toContain('636439673646212913');
  });

  test('keeps them in properties that are JSON in a string', () => {
    const body = fixture('webhook-classic/sh-incident-active.json');
    const log = body.data.context.activityLog;
    log.properties = JSON.stringify({ ...log.properties, communicationId: '@' }).replace('"@"', '636439673646212913');
    expect(read(body).communication?.id).toBe('636439673646212913');
  });

  test('does not stop a body that is nested too deep to be searched', () => {
    const depth = 20_000;
    const deep = `{"id": 1234567890123456789, "x": ${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(readText(deep).kind).toBe('unrecognised');
  });
});

describe('the words of the export', () => {
  test.each([
    ['Activated', { phase: 'open', state: 'active', stage: 'Active' }],
    ['Resolved', { phase: 'close', state: 'resolved', stage: 'Resolved' }],
  ])('%s stands for the stage that is missing', (resultType, expected) => {
    expect(read(exported(resultType))).toMatchObject(expected);
  });

  test('are the same for a resource, also where only the operation tells', () => {
    const body = fixture('webhook-classic/rh-aks-degraded.json');
    delete body.data.context.activityLog.status;
    expect(read(body)).toMatchObject({ phase: 'open', stage: 'Active' });
  });
});

test('Information is what the categories of the activity log call an advisory', () => {
  expect(read(post({ incidentType: 'Information' }))).toMatchObject({ kind: 'advisory' });
});

test('an operation named rca makes a review of a post without a stage', () => {
  const log = { operationName: 'Microsoft.ServiceHealth/rca/action', status: 'Resolved' };
  expect(read(post({ stage: undefined }, log))).toMatchObject({ kind: 'outage', phase: 'note', stage: 'RCA' });
});

describe('impactedServices', () => {
  test('are read where they are quoted twice', () => {
    const plain = read(post({}));
    const { impactedServices } = fixture('webhook-classic/sh-incident-active.json').data.context.activityLog.properties;
    const quoted = read(post({ impactedServices: JSON.stringify(impactedServices) }));
    expect(quoted.impacts).toEqual(plain.impacts);
    expect(quoted.reason).toBeNull();
  });
});

test('callers are taken out of JSON that is quoted twice as well', () => {
  const caller = JSON.stringify(JSON.stringify({ claims: { name: 'Jo Doe' }, kept: 1 }));
  const { raw } = read({ some: 'body', inner: caller, spaced: ' {"caller":"Jo Doe"}', said: '"claims": are a topic' });
  expect(raw).not.toContain('Jo Doe');
  expect(raw).toContain('kept');
  expect(raw).toContain('are a topic');
  // Cut by whoever forwarded it: nobody can take the callers out, so it goes as a whole.
  const cut = read({ some: 'body', inner: caller.slice(0, -10) }).raw;
  expect(cut).toContain('[removed');
  expect(cut).not.toContain('Jo Doe');
});

describe('an alert without targets names its resource', () => {
  test('among the configuration items, where those are whole ids', () => {
    const body = fixture('webhook-common/rh-aks-degraded.json');
    Object.assign(body.data.essentials, { alertTargetIDs: null, configurationItems: [AKS.toUpperCase()] });
    expect(read(body)).toMatchObject({ identity: `rh${AKS}`, resources: [AKS] });
    const metric = fixture('webhook-common/metric-acr-fired.json');
    Object.assign(metric.data.essentials, { alertTargetIDs: [], configurationItems: ['a name', ACR] });
    expect(read(metric)).toMatchObject({ resources: [ACR], subscriptions: [SUBSCRIPTION] });
  });

  test('in its context', () => {
    const body = fixture('webhook-common/rh-aks-degraded.json');
    Object.assign(body.data.essentials, { alertTargetIDs: null, configurationItems: null });
    body.data.alertContext.resourceId = AKS;
    expect(read(body)).toMatchObject({ identity: `rh${AKS}`, resources: [AKS] });
  });
});

test('a forwarded row of the events API is the incident that its id names', () => {
  const row = {
    id: `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.ResourceHealth/events/CNT1-0AR`,
    name: 'CNT1-0AR',
    type: '/providers/Microsoft.ResourceHealth/events',
    properties: { eventType: 'ServiceIssue', status: 'Resolved', title: 'Pulls fail', impact: [] },
  };
  expect(read({ value: [row] })).toMatchObject({
    kind: 'outage',
    identity: 'sh/cnt1-0ar',
    trackingId: 'CNT1-0AR',
    phase: 'close',
    title: 'Pulls fail',
  });
});
