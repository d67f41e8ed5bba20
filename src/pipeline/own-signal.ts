/** News that the relay itself has about an incident goes through the same fold as everybody's (design 3.7, section 6). */
import { createHash } from 'node:crypto';
import { OWN_POST } from '#src/core/incident.ts';
import type { Kind, Severity, Signal } from '#src/core/signal.ts';

export interface OwnNews {
  identity: string;
  kind: Kind;
  trackingId: string | null;
  severity: Severity;
  title: string;
  /** `note` tells; `close` ends by age or by hand. */
  phase: 'note' | 'close';
  /** The same news twice is one signal: what makes it the same. */
  once: string;
  at: Date;
}

/** A signal of schema `relay`. */
export function ownSignal(news: OwnNews): Signal {
  const key = createHash('sha256').update(`relay\n${news.identity}\n${news.phase}\n${news.once}`).digest('hex');
  return {
    fingerprint: key,
    source: 'relay',
    schema: 'relay',
    type: 'relay',
    test: false,
    identity: news.identity,
    kind: news.kind,
    trackingId: news.trackingId,
    phase: news.phase,
    stage: null,
    state: news.phase === 'close' ? 'closed' : 'active',
    retracted: false,
    severity: news.severity,
    severityCertain: true,
    communication: null,
    post: { id: `${OWN_POST}${key.slice(0, 24)}`, hash: key },
    title: news.title,
    text: '',
    impacts: [],
    subscriptions: [],
    resources: [],
    startedAt: null,
    mitigatedAt: null,
    endsAt: null,
    occurredAt: news.at.toISOString(),
    rule: null,
    details: {},
    reason: null,
    raw: JSON.stringify({ news: news.title, once: news.once }),
  };
}
