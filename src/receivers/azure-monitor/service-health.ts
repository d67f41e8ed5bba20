/** Service Health: a post by Microsoft about its own services (azure-signals 1). */
import { postHash } from '#src/core/fingerprint.ts';
import { namelessHealthIdentity, serviceHealthIdentity } from '#src/core/identity.ts';
import { gradeLevel } from '#src/core/severity.ts';
import type { Kind, Phase, Signal } from '#src/core/signal.ts';
import { decodeEntities, plainText } from '#src/core/text.ts';
import type { Draft } from '../parse/draft.ts';
import { compact, textOf, valueOf } from '../parse/fields.ts';
import { stageOfStatus, tagsOf, type ActivityEvent } from './activity-event.ts';
import { readImpacts } from './impacts.ts';
import { isTestNotification } from './test-notification.ts';

/** Reads one post. Needs no field to be there: what is missing is left out and, without a tracking ID, said in `reason`. */
export function readServiceHealth(event: ActivityEvent): Draft {
  const { properties } = event;
  const trackingId = textOf(properties, 'trackingId') ?? textOf(event.record, 'trackingId');
  const types = [compact(textOf(properties, 'incidentType', 'eventType')), operationType(event.operation)];
  const stage = stageOfStatus(textOf(properties, 'stage') ?? (types.includes('rca') ? 'RCA' : event.status));
  const kind = kindOf(types, compact(stage));
  const communicationId = textOf(properties, 'communicationId');
  const named = textOf(properties, 'defaultLanguageTitle', 'title') ?? event.description;
  // Plain text, but from the editor that writes the HTML: `&amp;` would stand in every headline.
  const title = named === null ? `Service Health ${kind} ${trackingId ?? ''}` : decodeEntities(named);
  const html = textOf(properties, 'defaultLanguageContent', 'communication', 'summary') ?? '';
  const started = valueOf(properties, 'impactStartTime');
  const mitigated = valueOf(properties, 'impactMitigationTime');
  const { phase, state } = lifecycleOf(stage, event.status);
  const impacts = readImpacts(properties);
  const grade = gradeLevel(event.level, kind);
  const isPlanned = kind === 'maintenance' || kind === 'advisory';
  return {
    schema: event.schema,
    type: 'service-health',
    test: isTestNotification({
      trackingId,
      communicationId,
      synthetic: textOf(properties, 'isSynthetic') ?? textOf(event.record, 'isSynthetic'),
      rule: event.rule,
      ids: event.ids,
    }),
    identity: trackingId
      ? serviceHealthIdentity(trackingId)
      : namelessHealthIdentity([kind, named ?? fingerprintOf(event), textOf(properties, 'impactStartTime')]),
    kind,
    trackingId,
    phase,
    stage,
    state,
    retracted: tagsOf(event).some((tag) => ['falsepositive', 'nonissue'].includes(compact(tag))),
    severity: grade.severity,
    severityCertain: grade.certain,
    communication: { id: communicationId, title, html },
    postId: communicationId,
    postHash: postHash(stage, html !== '' ? html : (named ?? fingerprintOf(event))),
    title,
    text: plainText(html),
    impacts: impacts.pairs,
    ids: event.ids,
    subscription: event.subscription,
    startedAt: started,
    mitigatedAt: kind === 'advisory' || (isPlanned && phase !== 'close') ? null : mitigated,
    endsAt: isPlanned ? (valueOf(properties, 'endTime') ?? mitigated) : null,
    // A post without a believable time counts as of the start of impact: an end that is dated must be able to follow it.
    occurredAt: phase === 'close' ? event.times : [...event.times, started],
    rule: event.rule,
    details: [
      ['Event type', textOf(properties, 'incidentType')],
      ['Maintenance', textOf(properties, 'maintenanceId')],
      ['Tags', tagsOf(event).join(', ')],
    ],
    reason: trackingId ? impacts.fault : 'salvaged: a Service Health post without a tracking ID',
  };
}

/** Where neither tracking ID nor title can be read: everything that can, so that two such bodies are two. */
function fingerprintOf(event: ActivityEvent): string {
  return JSON.stringify([...event.record, ...event.properties]);
}

/** `incidentType` and the third part of the operation; the names of the events API are taken as well (azure-signals 7.1). */
const KINDS: Readonly<Record<string, Kind>> = {
  incident: 'outage',
  serviceissue: 'outage',
  rca: 'outage',
  emergingissues: 'outage',
  maintenance: 'maintenance',
  plannedmaintenance: 'maintenance',
  actionrequired: 'advisory',
  informational: 'advisory',
  information: 'advisory',
  healthadvisory: 'advisory',
  billing: 'advisory',
  assistedrecovery: 'advisory',
  security: 'security',
  securityadvisory: 'security',
};

function kindOf(types: readonly string[], stage: string): Kind {
  for (const word of types) {
    const kind = Object.hasOwn(KINDS, word) ? KINDS[word] : undefined;
    if (kind !== undefined) return kind;
  }
  // Fail open: a type we do not know counts as an outage unless its stage is one that only plans and notices have.
  if (['planned', 'rescheduled', 'complete', 'completed', 'canceled', 'cancelled'].includes(stage))
    return 'maintenance';
  return 'outage';
}

/** `incident` of `microsoft.servicehealth/incident/action`. */
function operationType(operation: string): string {
  return operation.startsWith('microsoft.servicehealth/') ? compact(operation.split('/')[1] ?? null) : '';
}

interface Lifecycle {
  phase: Phase;
  state: Signal['state'];
}

const STAGES: Readonly<Record<string, Lifecycle>> = {
  active: { phase: 'open', state: 'active' },
  activated: { phase: 'open', state: 'active' },
  planned: { phase: 'open', state: 'planned' },
  rescheduled: { phase: 'update', state: 'planned' },
  inprogress: { phase: 'update', state: 'active' },
  updated: { phase: 'update', state: 'active' },
  resolved: { phase: 'close', state: 'resolved' },
  complete: { phase: 'close', state: 'resolved' },
  completed: { phase: 'close', state: 'resolved' },
  canceled: { phase: 'close', state: 'resolved' },
  cancelled: { phase: 'close', state: 'resolved' },
  closed: { phase: 'close', state: 'resolved' },
  rca: { phase: 'note', state: 'resolved' },
  pir: { phase: 'note', state: 'resolved' },
};

/**
 * From stage and status, never from `monitorCondition` (azure-signals 0.1, 1.4, 8). A known stage that is no opening
 * decides alone; `status: Resolved` closes what the stage calls active or does not name; an unknown stage opens (fail open).
 */
function lifecycleOf(stage: string | null, status: string | null): Lifecycle {
  const word = compact(stage);
  // A review that calls the event active is no end.
  if ((word === 'rca' || word === 'pir') && compact(status) === 'active') return { phase: 'note', state: 'active' };
  const known = (Object.hasOwn(STAGES, word) ? STAGES[word] : undefined) ?? null;
  const over = ['resolved', 'closed'].includes(compact(status));
  if (known !== null && (known.phase === 'close' || known.phase === 'note' || !over)) return known;
  return over ? { phase: 'close', state: 'resolved' } : { phase: 'open', state: 'active' };
}
