/** An opening that is made from one signal, without a record: a test of a destination, or a page while Postgres is away. */
import type { IncidentView, Step } from '#src/core/adapter.ts';

/** The incident of one revision; what is not known is empty. */
export function openingStep(
  incident: Partial<IncidentView> & Pick<IncidentView, 'identity' | 'kind' | 'title' | 'headline' | 'severity'>,
  rest: Partial<Step> = {},
): Step {
  return {
    action: 'open',
    covers: [1, 1],
    opened: false,
    told: false,
    repeat: false,
    catchUp: false,
    late: false,
    test: false,
    incident: {
      id: '',
      episode: 1,
      trackingId: null,
      state: 'active',
      stage: null,
      impacts: [],
      resources: [],
      startedAt: null,
      mitigatedAt: null,
      resolvedAt: null,
      endsAt: null,
      revision: 1,
      firstSeenAt: new Date().toISOString(),
      details: {},
      ...incident,
    },
    communication: null,
    changes: [],
    audience: { subscriptions: [], total: 0 },
    route: { runbook: null, note: null, fields: {} },
    links: { timeline: null, portal: null },
    ...rest,
  };
}
