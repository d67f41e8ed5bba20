/** Administrative, policy, autoscale, security and recommendation events of the activity log: somebody or something changed our estate. */
import { changeIdentity } from '#src/core/identity.ts';
import { hashParts } from '#src/core/fingerprint.ts';
import { gradeLevel } from '#src/core/severity.ts';
import type { Phase } from '#src/core/signal.ts';
import { canonicalId, isResourceId, nameOf, serviceOf } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import { compact, objectOf, textOf } from '../parse/fields.ts';
import type { ActivityEvent } from './activity-event.ts';
import { isTestNotification } from './test-notification.ts';

/** `type` becomes a metric label, so it never takes a word from outside. */
const TYPES = new Set(['administrative', 'policy', 'autoscale', 'security', 'recommendation', 'alert']);

/** Reads one change. Start and end of one operation get the same identity by their correlation id. */
export function readChange(event: ActivityEvent): Draft {
  const { properties } = event;
  const scope = textOf(objectOf(event.record, 'authorization'), 'scope');
  const ids = [...event.ids, textOf(properties, 'entity'), scope].filter((id) => id !== null);
  const resource = canonicalId(ids.find(isResourceId) ?? ids[0] ?? event.subscription ?? '');
  const phase = changePhase(event.status);
  const failed = compact(event.status).startsWith('fail');
  const operation = event.operation || event.category || 'change';
  const correlation = event.correlationId ?? event.operationId ?? event.eventId;
  const grade = failed ? { severity: 'error' as const, certain: true } : gradeLevel(event.level, 'change');
  return {
    schema: event.schema,
    type: TYPES.has(event.category) ? event.category : 'activity-log',
    test: isTestNotification({ rule: event.rule, ids, resourceGroup: textOf(event.record, 'resourceGroupName') }),
    identity: changeIdentity(
      resource,
      operation,
      correlation ?? hashParts([event.status, textOf(event.record, 'eventTimestamp', 'time')]),
    ),
    kind: 'change',
    phase,
    stage: event.status,
    state: phase === 'open' ? 'active' : 'resolved',
    severity: grade.severity,
    severityCertain: grade.certain,
    postId: event.eventId,
    title: `${operation}${resource ? ` on ${nameOf(resource)}` : ''}${event.status ? `: ${event.status}` : ''}`,
    text: textOf(properties, 'message', 'statusMessage') ?? event.description ?? '',
    ids,
    subscription: event.subscription,
    occurredAt: event.times,
    rule: event.rule,
    details: [
      ['Operation', operation],
      ['Resource', resource ? nameOf(resource) : null],
      ['Service', serviceOf(resource)],
      ['Status', event.status],
      ['Reason', textOf(event.record, 'subStatus', 'resultSignature') ?? textOf(properties, 'statusCode')],
      ['Description', event.description],
    ],
  };
}

/** A failure is an end as well. Events without a course (a recommendation, say) are over when they are written. */
function changePhase(status: string | null): Phase {
  const word = compact(status);
  if (/^(start|accept|inprogress|activ|pending|running)/.test(word)) return 'open';
  return /^(succe|fail|cancel|complet|resolved)/.test(word) ? 'close' : 'note';
}
