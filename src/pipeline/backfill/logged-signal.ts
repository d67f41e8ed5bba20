/** From a row of the activity log to a signal, read by the same parser as a push, and told by its source as every pull. */
import type { ActivityRow } from '#src/azure/activity-log.ts';
import { hashParts } from '#src/core/fingerprint.ts';
import type { LoggedPost } from '#src/core/gap-logged.ts';
import type { Signal } from '#src/core/signal.ts';
import { parseNested } from '#src/receivers/parse/fields.ts';
import { readSignals } from '#src/receivers/read.ts';
import { SOURCE } from './signals.ts';

/**
 * One communication; null for a row that names no tracking ID even to the salvage. Only the first subscription stands in
 * the signal: each further one has a signal of its own, as with the other pulls.
 */
export function loggedPost({ record, subscriptions }: ActivityRow, receivedAt: string): LoggedPost | null {
  const { properties } = record;
  const value = {
    ...record,
    properties: typeof properties === 'string' ? (parseNested(properties) ?? properties) : properties,
    ...(subscriptions[0] === undefined ? {} : { subscriptionId: subscriptions[0] }),
  };
  const signal = loggedSignal(value, receivedAt);
  return signal === null ? null : { signal, subscriptions };
}

/** The same from the body that is kept. The fingerprint stands on tracking ID and communication, whoever has it. */
export function loggedSignal(record: unknown, receivedAt: string): Signal | null {
  const [signal] = readSignals(record, { source: SOURCE, subscription: null, receivedAt, door: 'event-hub' });
  if (!signal || signal.type !== 'service-health' || signal.trackingId === null || signal.test) return null;
  const { id, hash } = signal.post;
  const fingerprint = hashParts([SOURCE, 'activity-log', signal.identity, signal.phase, id ?? hash]);
  return { ...signal, schema: 'backfill', fingerprint };
}
