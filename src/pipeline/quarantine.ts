/** A signal that the store refuses is kept all the same: as an unrecognised one, with the store's reason (design 3.2). */
import type { Signal } from '#src/core/signal.ts';

/** The values that the store may have choked on are dropped; the body stays, as plain ASCII. */
export function quarantined(signal: Signal, error: Error): Signal {
  const ascii = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?');
  return {
    ...signal,
    kind: 'unrecognised',
    identity: `unrecognised/${ascii(signal.source).slice(0, 60)}/refused`,
    trackingId: null,
    phase: 'open',
    stage: null,
    state: 'active',
    severity: 'warning',
    communication: null,
    title: 'A signal that could not be stored as it was',
    text: '',
    impacts: [],
    subscriptions: [],
    resources: [],
    startedAt: null,
    mitigatedAt: null,
    endsAt: null,
    rule: null,
    details: {},
    reason: `not stored as sent: ${ascii(error.message).slice(0, 300)}`,
    raw: JSON.stringify({ ascii: ascii(signal.raw) }),
  };
}
