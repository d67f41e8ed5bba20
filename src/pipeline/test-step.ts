/** A marked test of a destination, under a vendor key of its own. */
import { createHash } from 'node:crypto';
import type { Outcome, Step } from '#src/core/adapter.ts';
import type { Destination } from '#src/config/types.ts';
import type { Signal } from '#src/core/signal.ts';
import type { CallAdapter } from './lane-calls.ts';
import { openingStep } from './opening-step.ts';

/** A step that every adapter shows as a test. */
export function testStep({ title, signal }: { title: string; signal: Signal | null }): Step {
  const { trackingId = null, kind = 'outage', impacts = [], resources = [], details = {} } = signal ?? {};
  const words = { title, stage: 'Test', headline: `[Test] ${title}`, startedAt: new Date().toISOString() };
  return openingStep(
    { id: 'inc_test', identity: 'test', severity: 'info', trackingId, kind, impacts, resources, details, ...words },
    { test: true, audience: { subscriptions: [], total: signal?.subscriptions.length ?? 0 } },
  );
}

/** Sends the test under a key of its own; an adapter whose vendor keeps things open closes it again in the same step. */
export async function sendTest(call: CallAdapter, destination: Destination, step: Step): Promise<Outcome> {
  const once = createHash('sha256')
    .update(`${destination.id} ${step.incident.firstSeenAt} ${Math.random()}`)
    .digest('hex');
  return call(destination, step, {
    vendorKey: once,
    stepKey: `test_${once.slice(0, 24)}`,
    memo: {},
    settling: false,
    signal: AbortSignal.timeout(destination.adapter.deadlineMs),
  });
}
