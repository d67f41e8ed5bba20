/** A marked test of a destination: under a vendor key of its own, closed again at once. */
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

/** Opens the test and closes it; returns the first outcome that was not accepted, else the last. */
export async function sendTest(call: CallAdapter, destination: Destination, step: Step): Promise<Outcome> {
  const once = createHash('sha256')
    .update(`${destination.id} ${step.incident.firstSeenAt} ${Math.random()}`)
    .digest('hex');
  const rest = { vendorKey: once, settling: false, signal: AbortSignal.timeout(destination.adapter.deadlineMs) };
  const opened = await call(destination, step, { ...rest, stepKey: `test_${once.slice(0, 24)}_1`, memo: {} });
  if (opened.outcome !== 'accepted') return opened;
  const closing: Step = {
    ...step,
    action: 'resolve',
    opened: true,
    told: true,
    covers: [2, 2],
    incident: { ...step.incident, state: 'resolved', revision: 2 },
  };
  return call(destination, closing, { ...rest, stepKey: `test_${once.slice(0, 24)}_2`, memo: opened.memo ?? {} });
}
