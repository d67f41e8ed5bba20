/** Events for Event Management: one alert per incident, closed by its end, and never opened again by what comes later. */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '#src/core/adapter.ts';
import { communicationView } from '#test/support/steps.ts';
import { SERVICENOW_CREDENTIALS } from '#test/support/vendors/servicenow.ts';
import { RESOLVED, ROOT_CAUSE, startServiceNow, UPDATED, type StepOverrides } from './servicenow-harness.ts';

const start = (settings: Record<string, unknown> = {}) => startServiceNow({ mode: 'event', ...settings });
const { clientId, clientSecret } = SERVICENOW_CREDENTIALS;

describe('the alert', () => {
  it('is opened, updated and cleared under one key, and a root cause analysis leaves it closed', async () => {
    const { deliver, server } = await start();
    await deliver({ incident: { severity: 'warning' } });
    expect(server.events.alerts).toMatchObject([{ open: true, severity: '3' }]);
    await deliver({ ...UPDATED, incident: { severity: 'critical' } });
    expect(server.events.alerts).toMatchObject([{ open: true, severity: '1' }]);
    const outcome = await deliver(RESOLVED);
    expect(outcome).toMatchObject({ outcome: 'accepted', receipt: { level: 'accepted', severity: '0' } });
    expect(server.events.alerts[0]?.events.at(-1)).toMatchObject({ severity: '0', resolution_state: 'Closing' });
    const requests = server.requests.length;
    expect(await deliver(ROOT_CAUSE)).toMatchObject({ outcome: 'accepted', receipt: { sent: false } });
    expect(server.requests).toHaveLength(requests);
    expect(server.events.alerts).toMatchObject([{ open: false, openings: 1 }]);
    expect(server.events.refusals).toEqual([]);
  });

  it.each([
    ['first seen when over', { ...RESOLVED, opened: false, told: false }],
    ['retracted without an opening', { ...RESOLVED, action: 'retract', opened: false }],
  ] as [string, StepOverrides][])('does not come about where it is %s', async (_name, step) => {
    const { deliver, server } = await start();
    expect(await deliver(step)).toMatchObject({ outcome: 'accepted' });
    expect(server.events.alerts).toEqual([]);
  });

  it('of a test has a key of its own and is closed at once', async () => {
    const { deliver, server, context } = await start();
    expect(await deliver({ test: true, incident: { severity: 'critical' } })).toMatchObject({ outcome: 'accepted' });
    expect(server.events.alerts).toMatchObject([{ open: false, openings: 1, severity: '4' }]);
    expect(server.events.alerts[0]?.messageKey).not.toBe(context().vendorKey);
  });

  it('is the same one for the same step again', async () => {
    const { deliver, server } = await start();
    server.failNext({ kind: 'reset', taken: true });
    expect(await deliver()).toMatchObject({ outcome: 'unknown' });
    expect(await deliver({}, { settling: true })).toMatchObject({ outcome: 'accepted' });
    expect(server.events.alerts).toMatchObject([{ open: true, openings: 1 }]);
  });
});

describe('the event', () => {
  it('has what Event Management asks for, and everything else as texts in additional_info', async () => {
    const { deliver, server, context } = await start({
      fields: { assignment_group: 'cloud', u_tracking: '{{trackingId}}' },
    });
    const { outcome } = await deliver({ route: { runbook: null, note: null, fields: { state: '7' } } });
    expect(outcome).toBe('accepted');
    const event = server.events.alerts[0]?.events[0];
    expect(event).toMatchObject({
      source: 'azure-service-relay',
      event_class: 'contoso/Azure',
      node: 'acrshop',
      type: 'outage',
      resource: 'Container Registry',
      message_key: context().vendorKey,
      severity: '2',
      resolution_state: 'New',
      time_of_event: '2026-11-23 08:20:11',
    });
    expect(event?.description).toContain('https://relay.example/incidents/inc_01k7q2v9m3x4');
    expect(JSON.parse(event?.additional_info ?? '')).toEqual({
      headline: '[Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
      stage: 'Active',
      trackingId: 'CNT1-0AR',
      regions: 'West Europe',
      subscriptions: '25',
      timeline: 'https://relay.example/incidents/inc_01k7q2v9m3x4',
      portal: 'https://app.azure.com/h/CNT1-0AR/5c3b10',
      assignment_group: 'cloud',
      u_tracking: 'CNT1-0AR',
    });
  });

  it.each(['outage ', '西欧容器', '👩‍👩‍👧‍👦', '"\\\n'])('fits with 3,000 times %j', async (word) => {
    const { deliver, server } = await start();
    const impacts = Array.from({ length: 40 }, (_, i) => ({ service: `${word}${i}`, region: word.repeat(3) }));
    await deliver({
      incident: { impacts, resources: [`/registries/${word.repeat(100)}`] },
      communication: communicationView({ html: `<p>${word.repeat(3_000)}</p>` }),
    });
    expect(server.events.refusals).toEqual([]);
    expect(server.events.alerts[0]?.description).toContain('https://relay.example/incidents/');
  });
});

describe('the answers', () => {
  const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' };
  it.each([
    [page, { outcome: 'retryable', reason: 'wrong-body' }],
    [{ status: 200 }, { outcome: 'retryable', reason: 'wrong-body' }],
    [
      { status: 200, body: { error: { message: 'no' } } },
      { outcome: 'retryable', reason: 'wrong-body' },
    ],
    [{ status: 201, body: {} }, { outcome: 'accepted' }],
    [
      { status: 302, headers: { location: '/login.do' } },
      { outcome: 'retryable', reason: 'redirect' },
    ],
    [
      { status: 403, body: { error: { message: 'no', detail: 'evt_mgmt_integration' } } },
      { outcome: 'permanent', detail: 'HTTP 403: no: evt_mgmt_integration' },
    ],
    [
      { status: 429, headers: { 'retry-after': '9' } },
      { outcome: 'retryable', retryAfterMs: 9_000 },
    ],
    [{ status: 503 }, { outcome: 'retryable', reason: 'server-error' }],
  ] as const)('%j is %j', async (answer, outcome: Partial<Outcome>) => {
    const { deliver, server } = await start();
    server.failNext({ kind: 'answer', answer });
    expect(await deliver()).toMatchObject(outcome);
  });

  it('take a new token after a 401, and read nothing at the check', async () => {
    const { deliver, server, context } = await start({ auth: { type: 'oauth', clientId, clientSecret } });
    await deliver();
    server.revokeTokens();
    expect(await deliver(UPDATED)).toMatchObject({ outcome: 'accepted' });
    expect(server.tokensIssued).toBe(2);
    const { length } = server.requests;
    const { servicenow } = await import('#adapters/servicenow/index.ts');
    expect(await servicenow.probe?.(context())).toEqual([]);
    expect(server.requests).toHaveLength(length);
  });
});
