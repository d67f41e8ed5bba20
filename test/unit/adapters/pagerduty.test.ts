import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pagerduty } from '#adapters/pagerduty/index.ts';
import type { DeliverContext, Memo, Outcome } from '#src/core/adapter.ts';
import { makeContext, makeStep } from '#test/support/steps.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

const KEY = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const NEW_KEY = 'ffffffffffffffffffffffffffffffff';
const VENDOR_KEY = 'a3f1c5d7e9b20486a3f1c5d7e9b20486a3f1c5d7e9b20486a3f1c5d7e9b20486';
let server: PagerDutyServer;

beforeEach(async () => {
  server = await new PagerDutyServer().start();
});
afterEach(() => server.stop());

type Overrides = Parameters<typeof makeStep>[0];

const settingsOf = (routingKey: string) => pagerduty.settings.parse({ routingKey, eventsUrl: server.url });

function deliver(step: Overrides = {}, context: Partial<DeliverContext<unknown>> = {}): Promise<Outcome> {
  return pagerduty.deliver(makeStep(step), makeContext({ settings: settingsOf(KEY), ...context }));
}

/** An open page, and the memo that it left. */
async function openPage(): Promise<Memo> {
  return (await deliver()).memo ?? {};
}

const bodies = () => server.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
const update: Overrides = { action: 'update', opened: true, told: true, covers: [2, 2], changes: ['It spread.'] };
const resolve: Overrides = {
  action: 'resolve',
  opened: true,
  told: true,
  covers: [3, 3],
  incident: { state: 'resolved', stage: 'Resolved', resolvedAt: '2026-11-23T10:40:00.000Z' },
};

describe('an opening', () => {
  it('is one trigger with everything that a responder and an event rule need', async () => {
    const outcome = await deliver();
    expect(outcome).toEqual({
      outcome: 'accepted',
      status: 202,
      receipt: { level: 'accepted', status: 202, event: 'trigger', dedupKey: VENDOR_KEY },
      memo: { triggered: true, accountKey: pagerduty.accountKey(settingsOf(KEY)) },
    });
    expect(server.requests.map(({ path }) => path)).toEqual(['/v2/enqueue']);
    expect(bodies()[0]).toMatchObject({
      routing_key: KEY,
      event_action: 'trigger',
      dedup_key: VENDOR_KEY,
      client: 'Health Relay',
      client_url: 'https://relay.example/incidents/inc_01k7q2v9m3x4',
      links: [
        { href: 'https://relay.example/incidents/inc_01k7q2v9m3x4', text: 'Timeline' },
        { href: 'https://app.azure.com/h/CNT1-0AR/5c3b10', text: 'Azure portal' },
        { href: 'https://wiki.example/azure-outage', text: 'Runbook' },
      ],
      payload: {
        summary: '[Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
        source: 'contoso/Azure',
        severity: 'error',
        timestamp: '2026-11-23T08:20:11.000Z',
        component: 'Container Registry',
        group: 'West Europe',
        class: 'outage/Active',
        custom_details: {
          Stage: 'Active',
          'Tracking ID': 'CNT1-0AR',
          'Message from Microsoft': expect.stringContaining('failures when pulling images') as string,
        },
      },
    });
  });

  it.each([
    ['outage', 'critical', 'critical'],
    ['outage', 'info', 'info'],
    ['security', 'info', 'error'],
    ['security', 'critical', 'critical'],
    ['unrecognised', 'critical', 'warning'],
    ['unrecognised', 'info', 'info'],
  ] as const)('of kind %s and severity %s pages as %s', async (kind, severity, expected) => {
    await deliver({ incident: { kind, severity } });
    expect(server.alerts()[0]?.severity).toBe(expected);
  });

  it('after a resolve is a new page under the same key', async () => {
    const memo = await openPage();
    const closed = await deliver(resolve, { memo });
    expect(closed.memo).toMatchObject({ triggered: false });
    await deliver({ told: true }, { memo: closed.memo ?? {} });
    expect(server.pagesFor(VENDOR_KEY)).toBe(2);
  });
});

describe('while the page is open', () => {
  it('an update is a log entry under the same title', async () => {
    const memo = await openPage();
    await deliver({ ...update, incident: { headline: '[Outage] another title', severity: 'critical' } }, { memo });
    const [alert] = server.alerts();
    expect(server.pages).toBe(1);
    expect(alert?.title).toContain('Image pulls fail');
    expect(alert?.log[1]?.details).toMatchObject({ 'What changed': 'It spread.' });
  });

  it.each(['resolve', 'retract'] as const)('a %s closes it and says why', async (action) => {
    const memo = await openPage();
    expect(await deliver({ ...resolve, action }, { memo })).toMatchObject({
      outcome: 'accepted',
      receipt: { event: 'resolve', dedupKey: VENDOR_KEY },
      memo: { triggered: false },
    });
    const [alert] = server.alerts();
    expect(alert?.status).toBe('resolved');
    expect(alert?.log.at(-1)?.details).toMatchObject({ Stage: action === 'resolve' ? 'RESOLVED' : 'RETRACTED' });
  });

  it('a note is a change event and leaves the page and the memo alone', async () => {
    const memo = await openPage();
    const outcome = await deliver({ action: 'note', opened: true, told: true }, { memo });
    expect(outcome).not.toHaveProperty('memo');
    expect(server.changeEvents).toHaveLength(1);
    expect(server.alerts()[0]?.log).toHaveLength(1);
  });

  it('the end of what has become maintenance still closes it', async () => {
    const memo = await openPage();
    await deliver({ ...resolve, incident: { kind: 'maintenance', stage: 'Complete', state: 'resolved' } }, { memo });
    expect(server.alerts()[0]?.status).toBe('resolved');
  });

  it('nothing of ours ever acknowledges it', async () => {
    const memo = await openPage();
    for (const action of ['update', 'note', 'resolve', 'retract'] as const)
      await deliver({ ...update, action }, { memo });
    expect(bodies().map((body) => body['event_action'])).not.toContain('acknowledge');
  });
});

describe('nobody is paged', () => {
  it.each([
    ['a root cause analysis after the end', { action: 'note', told: true }],
    ['an update after the end', { action: 'update', told: true }],
    ['what was first seen closed', { action: 'resolve' }],
    ['a false positive that was never told', { action: 'retract' }],
    ['planned maintenance', { incident: { kind: 'maintenance', state: 'planned', stage: 'Planned' } }],
    ['maintenance in progress', { ...update, incident: { kind: 'maintenance', stage: 'InProgress' } }],
    ['maintenance that is complete', { ...resolve, incident: { kind: 'maintenance', stage: 'Complete' } }],
    ['more about a change', { ...update, incident: { kind: 'change' } }],
  ] as const satisfies readonly (readonly [string, Overrides])[])('by %s: a change event', async (_name, step) => {
    const outcome = await deliver(step);
    expect(outcome).toMatchObject({ outcome: 'accepted', receipt: { event: 'change', dedupKey: null } });
    expect(server.requests.map(({ path }) => path)).toEqual(['/v2/change/enqueue']);
    expect({ pages: server.pages, dropped: server.dropped }).toEqual({ pages: 0, dropped: [] });
    expect(server.changeEvents[0]?.summary).toMatch(/^\[Outage\] Container Registry, West Europe: .+ · \S/);
  });

  it('by maintenance, but by the outage that it turns into', async () => {
    const { memo = {} } = await deliver({ incident: { kind: 'maintenance' } });
    expect(memo).toMatchObject({ triggered: false });
    expect(await deliver(update, { memo })).toMatchObject({ memo: { triggered: true } });
    expect(server.pages).toBe(1);
  });
});

describe('a page under another routing key', () => {
  const moved = (memo: Memo) => ({ memo, settings: settingsOf(NEW_KEY) });

  it('cannot be resolved: it is called orphaned and nothing is sent', async () => {
    const memo = await openPage();
    const outcome = await deliver(resolve, moved(memo));
    expect(outcome).toMatchObject({ outcome: 'permanent', reason: 'refused' });
    expect(outcome.detail).toContain('orphaned');
    expect(outcome.detail).toContain(VENDOR_KEY);
    expect(server.requests).toHaveLength(1);
  });

  it.each([{ ...update }, { told: true }])(
    'is opened anew under the present key, and closed there: %j',
    async (step) => {
      const memo = await openPage();
      const outcome = await deliver(step, moved(memo));
      expect(outcome.detail).toContain('another routing key');
      expect(outcome.memo).toEqual({ triggered: true, accountKey: pagerduty.accountKey(settingsOf(NEW_KEY)) });
      expect(await deliver(resolve, moved(outcome.memo ?? {}))).toMatchObject({ outcome: 'accepted' });
      expect(server.alerts().map(({ routingKey, status }) => [routingKey, status])).toEqual([
        [KEY, 'open'],
        [NEW_KEY, 'resolved'],
      ]);
    },
  );

  it('is remembered also when the answer to the trigger never came', async () => {
    server.failNext({ kind: 'reset', taken: true });
    const outcome = await deliver();
    expect(outcome).toMatchObject({ outcome: 'unknown', memo: { triggered: true } });
    expect(await deliver(resolve, moved(outcome.memo ?? {}))).toMatchObject({ reason: 'refused' });
  });
});

describe('a test', () => {
  it('opens an alert of severity info under its own key and resolves it at once', async () => {
    expect(await deliver({ test: true })).toMatchObject({ outcome: 'accepted', receipt: { event: 'resolve' } });
    expect(server.alerts()).toMatchObject([{ severity: 'info', status: 'resolved' }]);
    expect(server.alerts()[0]?.title).toMatch(/^TEST /);
    expect(server.pagesFor(VENDOR_KEY)).toBe(0);
  });

  it('leaves an open page alone, and its memo', async () => {
    const memo = await openPage();
    expect(await deliver({ test: true, opened: true }, { memo })).not.toHaveProperty('memo');
    expect(server.alerts().map(({ status }) => status)).toEqual(['open', 'resolved']);
  });

  it('opens no second alert when its resolve had to be repeated', async () => {
    const context = { stepKey: 'dlv_test_1' };
    server.failNext({ kind: 'slow', delayMs: 0 });
    server.failNext({ kind: 'answer', answer: { status: 503 } });
    expect(await deliver({ test: true }, context)).toMatchObject({ outcome: 'retryable' });
    expect(await deliver({ test: true }, context)).toMatchObject({ outcome: 'accepted' });
    expect(server.alerts()).toMatchObject([{ status: 'resolved' }]);
  });
});
