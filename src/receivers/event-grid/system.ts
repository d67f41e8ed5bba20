/** Event Grid's news about a subscription of its own. The endpoint answers the handshake itself; through an Event Hub these arrive like any event. */
import { changeIdentity } from '#src/core/identity.ts';
import { canonicalId } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import type { GridEvent } from './grid-event.ts';

const PREFIX = 'microsoft.eventgrid.';

/** Reads a validation or deletion event; null for another type. A deleted event subscription means that we hear less from now on. */
export function readGridSystem(event: GridEvent): Draft | null {
  const name = event.typeKey.startsWith(PREFIX) ? event.typeKey.slice(PREFIX.length) : '';
  const isDeletion = name === 'subscriptiondeletedevent';
  if (!isDeletion && name !== 'subscriptionvalidationevent') return null;
  const topic = canonicalId(event.source ?? event.subject ?? '');
  return {
    schema: event.schema,
    type: 'event-grid-system',
    identity: changeIdentity(topic, name, event.id ?? ''),
    kind: 'change',
    phase: 'note',
    state: 'resolved',
    severity: isDeletion ? 'warning' : 'info',
    postId: event.id,
    title: isDeletion ? 'Event Grid subscription deleted' : 'Event Grid subscription validated',
    ids: [topic],
    occurredAt: [event.time],
  };
}
