/** Histories of one incident for property tests: what a sender may post, in its own order, and what must come out. */
import fc from 'fast-check';
import type { Kind, Phase, Signal } from '#src/core/signal.ts';

const START = Date.parse('2026-09-14T08:00:00.000Z');

export interface Beat {
  phase: Phase;
  stage: string;
  state: Signal['state'];
  minute: number;
  subscription: number;
  severity: Signal['severity'];
  region: number;
}

/** Turns a beat into a signal. Equal beats give equal signals but for the subscription. */
export function toSignal(beat: Beat, kind: Kind = 'outage'): Signal {
  const at = new Date(START + beat.minute * 60_000).toISOString();
  const id = `${beat.minute}-${beat.stage}`;
  const serviceHealth = kind === 'outage' || kind === 'maintenance';
  return {
    fingerprint: `${id}-${beat.subscription}-${beat.region}`,
    source: 'test',
    schema: 'classic',
    type: serviceHealth ? 'service-health' : 'metric',
    test: false,
    identity: serviceHealth ? 'sh/prop-001' : 'alert/rule-1',
    kind,
    trackingId: serviceHealth ? 'PROP-001' : null,
    phase: beat.phase,
    stage: beat.stage,
    state: beat.state,
    retracted: false,
    severity: beat.severity,
    severityCertain: true,
    communication: serviceHealth ? { id, title: `Title at ${beat.minute}`, html: `<p>${id}</p>` } : null,
    post: { id, hash: `hash-${id}` },
    title: `Title at ${beat.minute}`,
    text: id,
    impacts: [{ service: 'Container Registry', region: `Region ${beat.region}` }],
    subscriptions: [`sub-${beat.subscription}`],
    resources: [],
    startedAt: serviceHealth ? new Date(START + (beat.minute % 7) * 1000).toISOString() : null,
    mitigatedAt: beat.state === 'resolved' ? at : null,
    endsAt: null,
    occurredAt: at,
    rule: 'rule',
    details: {},
    reason: null,
    raw: '{}',
  };
}

const STAGES: readonly Pick<Beat, 'phase' | 'stage' | 'state'>[] = [
  { phase: 'open', stage: 'Active', state: 'active' },
  { phase: 'close', stage: 'Resolved', state: 'resolved' },
  { phase: 'note', stage: 'RCA', state: 'resolved' },
];

/** A history in the sender's order: every event time is used once, posts go to one to three subscriptions. */
export function histories(kind: Kind = 'outage'): fc.Arbitrary<Signal[]> {
  const beat = fc.record({
    stage: fc.nat(kind === 'outage' ? 2 : 1),
    gap: fc.integer({ min: 1, max: 90 }),
    subscriptions: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 }),
    severity: fc.constantFrom<Signal['severity']>('info', 'warning', 'error', 'critical'),
    region: fc.nat(2),
  });
  return fc.array(beat, { minLength: 1, maxLength: 8 }).map((beats) => {
    let minute = 0;
    return beats.flatMap(({ stage, gap, subscriptions, severity, region }) => {
      minute += gap;
      return subscriptions.map((subscription) =>
        toSignal({ ...STAGES[stage]!, minute, subscription, severity, region }, kind),
      );
    });
  });
}
