/** Entries for the timeline, before they have ids. */
import type { Growth, Incident, Standing, TimelineDraft } from './incident.ts';
import type { Signal } from './signal.ts';

/** The entry for the signal itself: a post by Microsoft, an event of a resource or rule, or a note. */
export function entryFor(signal: Signal, revision: number, { late }: { late: boolean }): TimelineDraft {
  const stage = signal.stage ?? signal.state;
  const common = {
    stage,
    title: signal.title,
    text: signal.text,
    severity: signal.severity,
    source: signal.source,
    rule: signal.rule,
    subscription: signal.subscriptions[0] ?? null,
    ...(late ? { late: true } : {}),
    ...(signal.reason ? { reason: signal.reason } : {}),
  };
  // News of our own has no stage of Azure's.
  const words = signal.schema === 'relay' ? signal.title : `${stage}: ${signal.title}`;
  const summary = `${words}${late ? ' (arrived late)' : ''}`;
  const base = { at: signal.occurredAt, revision, summary, snapshot: null };
  if (signal.communication) {
    const { id, html } = signal.communication;
    return {
      ...base,
      kind: 'communication',
      data: { communicationId: id ?? `text-${signal.post.hash.slice(0, 16)}`, ...common, html },
    };
  }
  if (signal.type === 'evidence') return { ...base, kind: 'evidence', data: { ...signal.data } };
  return { ...base, kind: signal.phase === 'note' ? 'note' : 'state', data: { ...common, details: signal.details } };
}

/** The entry for a change of state. */
export function stateEntry(before: Incident, after: Standing, signal: Signal, revision: number): TimelineDraft {
  const summary = `State: ${before.state} → ${after.state}`;
  return {
    at: signal.occurredAt,
    kind: 'state',
    revision,
    summary,
    data: { from: before.state, to: after.state },
    snapshot: null,
  };
}

/** One entry for what joined the scope. Also used by the pipeline, which joins the growth of a whole batch. */
export function scopeEntry(
  grown: Growth,
  signal: Pick<Signal, 'source'>,
  options: { at: string; revision: number },
): TimelineDraft {
  const parts = [
    count(grown.impacts.length, 'impact'),
    count(grown.subscriptions.length, 'subscription'),
    count(grown.resources.length, 'resource'),
  ].filter((part) => part !== '');
  return {
    at: options.at,
    kind: 'scope',
    revision: options.revision,
    summary: `Scope grew by ${parts.join(', ')}`,
    data: { ...grown, source: signal.source },
    snapshot: null,
  };
}

function count(n: number, word: string): string {
  return n === 0 ? '' : `${n} ${word}${n === 1 ? '' : 's'}`;
}
