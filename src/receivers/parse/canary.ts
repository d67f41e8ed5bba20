/**
 * A canary is a message as Azure sends it, down to the last field, with a mark for an id. It goes through the same parser as
 * the rest and becomes what it is only afterwards.
 */
import { CANARY_SOURCE, canaryIdentity, canaryMark, canaryRun } from '#src/core/canary.ts';
import type { Draft } from './draft.ts';

/** The draft as a canary where its identity bears the mark; as it was otherwise. */
export function withCanaryMark(draft: Draft): Draft {
  const run = canaryRun(draft.identity);
  if (run === null) return draft;
  return {
    schema: draft.schema,
    type: 'canary',
    source: CANARY_SOURCE,
    identity: canaryIdentity(run),
    kind: 'canary',
    trackingId: canaryMark(run),
    phase: 'open',
    state: 'active',
    severity: 'info',
    title: `Canary by ${draft.type}`,
    postId: run,
    postHash: run,
    occurredAt: draft.occurredAt,
  };
}
