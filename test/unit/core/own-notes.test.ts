/** What the relay has to say of its own work goes through the fold, and changes nothing of what the source has said. */
import { expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { ownSignal } from '#src/pipeline/own-signal.ts';
import { readSignals } from '#src/receivers/read.ts';
import { fixture } from '#test/support/fixtures.ts';
import { runFold, settled } from '#test/support/run-fold.ts';

function read(path: string): Signal[] {
  const context = { source: 'test', subscription: null, receivedAt: '2026-09-20T00:00:00.000Z', door: 'webhook' };
  return readSignals(fixture(path), context as Parameters<typeof readSignals>[1]);
}

function ownNote(signal: Signal): Signal {
  const { identity, kind, trackingId, severity } = signal;
  const at = new Date('2026-09-21T00:00:00Z');
  return ownSignal({
    identity,
    kind,
    trackingId,
    severity,
    title: 'hook was not reached',
    phase: 'note',
    once: '1',
    at,
  });
}

test.each([
  ['a review of an outage that was never heard of', 'webhook-classic/sh-incident-rca.json'],
  ['a pushed image', 'eventgrid/acr-image-pushed-eventgrid.json'],
  ['an outage that is going on', 'webhook-classic/sh-incident-active.json'],
  ['an outage that is over', 'webhook-common/sh-incident-resolved-still-fired.json'],
])('a note of ours leaves the standing of %s as it was, and pages nobody', (_name, path) => {
  const signals = read(path);
  const before = runFold(signals);
  const after = runFold([...signals, ownNote(signals[0]!)]);
  expect(settled(after)).toEqual(settled(before));
  expect(after.pages).toBe(before.pages);
  expect(after.incident.revision).toBe(before.incident.revision + 1);
});

test('a job that starts after what was noted is an occasion of its own, also when our note of that came later', () => {
  const [pushed] = read('eventgrid/acr-image-pushed-eventgrid.json');
  const opening: Signal = {
    ...pushed!,
    fingerprint: 'later',
    phase: 'open',
    state: 'active',
    post: { id: 'later', hash: 'later' },
    occurredAt: '2026-09-20T12:00:00.000Z',
  };
  expect(runFold([pushed!, ownNote(pushed!), opening]).episodes).toBe(2);
});
