/** A marked test of a destination, under a vendor key of its own. */
import { createHash } from 'node:crypto';
import type { Outcome, Step } from '#src/core/adapter.ts';
import type { Destination } from '#src/config/types.ts';
import type { Signal } from '#src/core/signal.ts';
import type { CallAdapter } from './lane.ts';

/** A step that every adapter shows as a test. */
export function testStep({ title, signal }: { title: string; signal: Signal | null }): Step {
  const at = new Date().toISOString();
  return {
    action: 'open',
    covers: [1, 1],
    opened: false,
    told: false,
    repeat: false,
    catchUp: false,
    late: false,
    test: true,
    incident: {
      id: 'inc_test',
      identity: 'test',
      episode: 1,
      trackingId: signal?.trackingId ?? null,
      kind: signal?.kind ?? 'outage',
      state: 'active',
      severity: 'info',
      title,
      stage: 'Test',
      impacts: signal?.impacts ?? [],
      resources: signal?.resources ?? [],
      startedAt: at,
      mitigatedAt: null,
      resolvedAt: null,
      endsAt: null,
      revision: 1,
      firstSeenAt: at,
      headline: `[Test] ${title}`,
      details: signal?.details ?? {},
    },
    communication: null,
    changes: [],
    audience: { subscriptions: [], total: signal?.subscriptions.length ?? 0 },
    route: { runbook: null, note: null, fields: {} },
    links: { timeline: null, portal: null },
  };
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
