/** Resource Health: Azure's verdict on one of our own resources (azure-signals 2). */
import { resourceHealthIdentity } from '#src/core/identity.ts';
import { severityOfHealth } from '#src/core/severity.ts';
import type { Phase } from '#src/core/signal.ts';
import { canonicalId, impactsOf, isResourceId, nameOf, serviceOf } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import { compact, textOf } from '../parse/fields.ts';
import { stageOfStatus, type ActivityEvent } from './activity-event.ts';
import { isTestNotification } from './test-notification.ts';

/** Reads one health event; null where it names neither resource nor subscription, for then nothing says what it is about. */
export function readResourceHealth(event: ActivityEvent): Draft | null {
  const { properties } = event;
  const named = event.ids.find(isResourceId) ?? event.ids[0] ?? event.subscription;
  if (named === null || named === undefined) return null;
  const resource = canonicalId(named);
  const current = textOf(properties, 'currentHealthStatus', 'healthStatus');
  const previous = textOf(properties, 'previousHealthStatus');
  const status = stageOfStatus(event.status ?? textOf(properties, 'stage') ?? operationStatus(event.operation));
  const phase = resourcePhase(current, status);
  // Without a status of its own an update keeps what was known before.
  const graded = current ?? (compact(previous) === 'available' ? null : previous);
  const name = nameOf(resource);
  return {
    schema: event.schema,
    type: 'resource-health',
    test: isTestNotification({
      rule: event.rule,
      ids: event.ids,
      resourceGroup: textOf(event.record, 'resourceGroupName'),
    }),
    identity: resourceHealthIdentity(resource),
    kind: 'resource',
    phase,
    stage: status,
    state: phase === 'close' ? 'resolved' : 'active',
    severity: severityOfHealth(graded),
    postId: event.eventId,
    title: `${name}: ${textOf(properties, 'title') ?? current ?? status ?? 'health changed'}`,
    text: textOf(properties, 'details') ?? textOf(properties, 'title') ?? '',
    impacts: impactsOf(resource),
    ids: event.ids,
    subscription: event.subscription,
    occurredAt: event.times,
    rule: event.rule,
    details: [
      ['Resource', name],
      ['Service', serviceOf(resource)],
      ['Health', current],
      ['Health before', previous],
      ['Cause', textOf(properties, 'cause', 'healthEventCause')],
      ['Details', textOf(properties, 'details')],
    ],
  };
}

/** Azure writes both words as null at times, typically on Updated: then it is news without a verdict. */
export function resourcePhase(current: string | null, status: string | null): Phase {
  const [health, word] = [compact(current), compact(status)];
  if (health === 'available' || word === 'resolved') return 'close';
  if (health !== '' || word === 'active' || word === 'activated') return 'open';
  return word === 'updated' || word === 'inprogress' ? 'update' : 'open';
}

/** `Activated` of `microsoft.resourcehealth/healthevent/activated/action`. */
function operationStatus(operation: string): string | null {
  const word = operation.split('/')[2] ?? '';
  return word === '' ? null : `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
