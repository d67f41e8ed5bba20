/** What is stored of a signal is enough to read it again as it was read, or it is left out with the reason. */
import { describe, expect, test } from 'vitest';
import { reread } from '#src/cli/what-if/reread.ts';
import type { AzureEvent } from '#src/core/gap-event.ts';
import type { Signal, SignalOutcome } from '#src/core/signal.ts';
import type { PastSignal } from '#src/db/past-signals.ts';
import { loggedPost } from '#src/pipeline/backfill/logged-signal.ts';
import { scopeSignal, subscriptionSignal, updateSignal } from '#src/pipeline/backfill/signals.ts';
import { ownSignal } from '#src/pipeline/own-signal.ts';
import { readSignals } from '#src/receivers/read.ts';
import { fixture } from '#test/support/fixtures.ts';

const RECEIVED = '2026-09-14T10:00:00.000Z';

function stored(signal: Signal, outcome: SignalOutcome, more: Partial<PastSignal> = {}): PastSignal {
  const { fingerprint, source, schema, occurredAt, title, raw, identity, kind, trackingId, severity } = signal;
  const head = { fingerprint, source, schema, occurredAt, title, raw, identity, kind, trackingId, severity };
  return { ...head, receivedAt: RECEIVED, outcome, ...more };
}

const PATHS = [
  'webhook-classic/sh-incident-active.json',
  'webhook-common/metric-acr-fired.json',
  'webhook-common/prometheus-aks-fired.json',
  'webhook-common/sh-security-advisory.json',
  'webhook-common/administrative-aks-write-failed.json',
  'eventhub-activitylog/mixed-categories.json',
  'eventgrid/aks-nodepool-rolling-failed-cloudevents.json',
  'other/salvage-wrapped-alert.json',
  'other/salvage-json-in-string.json',
  'other/unrecognised-alertmanager.json',
];

test.each(PATHS)('%s: the stored body gives the signals that the whole one gave', (path) => {
  const context = { source: 'test', subscription: 'sub-1', receivedAt: RECEIVED, door: 'webhook' } as const;
  const signals = readSignals(fixture(path), context);
  expect(signals.length).toBeGreaterThan(0);
  for (const signal of signals) {
    const [again] = reread(stored(signal, 'opened'), 'sub-1') as Signal[];
    // The raw text is what was stripped the first time.
    expect({ ...again, raw: '' }).toEqual({ ...signal, raw: '' });
  }
});

describe('what the activity log told', () => {
  const [record] = fixture('eventhub-activitylog/batch-maintenance-second-subscription.json').records;
  const { signal } = loggedPost({ record, subscriptions: ['sub-1', 'sub-2'] }, RECEIVED)!;

  test('is read as it was, with its own id and stage', () => {
    expect(signal).toMatchObject({
      schema: 'backfill',
      source: 'backfill',
      stage: 'Planned',
      post: { id: '11000090000301' },
    });
    expect(reread(stored(signal, 'opened'), null)).toEqual([signal]);
    expect(reread(stored(signal, 'duplicate'), null)).toEqual([]);
  });

  test('growth of its scope cannot be read again', () => {
    const grown = subscriptionSignal(signal, {
      subscription: 'sub-2',
      subscriptions: ['sub-2'],
      impacts: signal.impacts,
    });
    expect(reread(stored(grown, 'updated'), null)).toBe('unreadable');
  });
});

describe('what back-fill fetched', () => {
  const postAt = (at: string): AzureEvent['updates'][number] => ({ at, html: `<p>post of ${at}</p>`, tags: [] });
  const early = postAt('2026-09-14T08:00:00.000Z');
  const late = postAt('2026-09-14T09:00:00.000Z');
  const event: AzureEvent = {
    trackingId: 'PULL-001',
    subscription: '11111111-aaaa-4aaa-8aaa-000000000001',
    eventType: 'ServiceIssue',
    status: 'Resolved',
    level: 'Warning',
    title: 'trouble',
    startedAt: early.at,
    mitigatedAt: late.at,
    updatedAt: late.at,
    impacts: [{ service: 'Container Registry', regions: ['West Europe'] }],
    updates: [early, late],
  };
  const first = updateSignal(event, early, RECEIVED);
  const last = updateSignal(event, late, RECEIVED);

  test('is read with the stage that each post had, though the other posts are not kept', () => {
    expect([first.stage, last.stage]).toEqual(['Active', 'Resolved']);
    expect(reread(stored(first, 'opened'), null)).toEqual([first]);
    expect(reread(stored(last, 'resolved'), null)).toEqual([last]);
  });

  test('adds nothing where it added nothing: an end that push had told must not look like an update after it', () => {
    expect(reread(stored(last, 'duplicate'), null)).toEqual([]);
    expect(reread(stored(first, 'noted'), null)).toEqual([]);
  });

  test('is no update where it only named one more subscription', () => {
    const grown = scopeSignal(last, { ...event, subscription: '11111111-aaaa-4aaa-8aaa-000000000002' });
    expect(reread(stored(grown, 'updated'), null)).toBe('unreadable');
  });
});

describe('what the relay said itself', () => {
  const news = { identity: 'sh/age-001', kind: 'advisory', trackingId: 'AGE-001', severity: 'info' } as const;
  const own = (phase: 'note' | 'close') =>
    ownSignal({ ...news, title: 'Closed by age', phase, once: 'x', at: new Date(RECEIVED) });

  test('ends by age what it ended by age, even without a body', () => {
    const [again] = reread(stored(own('close'), 'resolved', { raw: null }), null) as Signal[];
    expect(again).toMatchObject({ identity: 'sh/age-001', phase: 'close', state: 'closed', occurredAt: RECEIVED });
  });

  test('is left out where it was a note', () => {
    expect(reread(stored(own('note'), 'noted'), null)).toBe('own');
  });
});

test('a body that is gone, or no JSON, is left out with the reason', () => {
  const [signal] = readSignals(fixture(PATHS[0]!), {
    source: 's',
    subscription: null,
    receivedAt: RECEIVED,
    door: 'webhook',
  });
  expect(reread(stored(signal!, 'opened', { raw: null }), null)).toBe('bodiless');
  expect(reread(stored(signal!, 'opened', { raw: '{nope' }), null)).toBe('unreadable');
  expect(reread(stored(signal!, 'opened', { schema: 'backfill', raw: '7' }), null)).toBe('unreadable');
});
