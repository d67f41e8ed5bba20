/** Health of virtual machines and scale sets, which is where AKS nodes show (azure-signals 4.3). */
import { resourceHealthIdentity } from '#src/core/identity.ts';
import { severityOfHealth } from '#src/core/severity.ts';
import { resourcePhase } from '../azure-monitor/resource-health.ts';
import { canonicalId, impactsOf, nameOf, serviceOf } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import { compact, objectOf, textOf, valueOf, type Fields } from '../parse/fields.ts';
import type { GridEvent } from './grid-event.ts';

const PREFIX = 'microsoft.resourcenotifications.healthresources.';

/** Reads a changed availability or an annotation; null for another type or where no resource is named. */
export function readHealthResource(event: GridEvent): Draft | null {
  if (!event.typeKey.startsWith(PREFIX)) return null;
  const info = objectOf(event.data, 'resourceInfo');
  const properties = objectOf(info, 'properties');
  const target = textOf(properties, 'targetResourceId') ?? event.subject;
  if (target === null) return null;
  const name = event.typeKey.slice(PREFIX.length);
  if (name === 'availabilitystatuschanged') return readAvailability(event, properties, canonicalId(target));
  return name === 'resourceannotated' ? readAnnotation(event, properties, canonicalId(target)) : null;
}

function readAvailability(event: GridEvent, properties: Fields, target: string): Draft {
  const state = textOf(properties, 'availabilityState');
  const phase = resourcePhase(state, state === null ? 'Updated' : null);
  return {
    ...common(event, properties, target),
    phase,
    stage: state,
    state: phase === 'close' ? 'resolved' : 'active',
    severity: severityOfHealth(state),
    title: `${nodeName(target)}: ${state === null ? 'availability changed' : `is ${state}`}`,
    details: [
      ['Resource', nodeName(target)],
      ['Service', serviceOf(target)],
      ['Health', state],
      ['Health before', textOf(properties, 'previousAvailabilityState')],
    ],
  };
}

/** An annotation explains; it neither begins nor ends anything. State active, for a note that says resolved would close the resource's incident. */
function readAnnotation(event: GridEvent, properties: Fields, target: string): Draft {
  const category = textOf(properties, 'category');
  return {
    ...common(event, properties, target),
    phase: 'note',
    stage: null,
    state: 'active',
    severity: compact(category) === 'planned' ? 'info' : 'warning',
    title: `${nodeName(target)}: ${textOf(properties, 'reason', 'annotationName') ?? 'annotated'}`,
    text: textOf(properties, 'summary') ?? '',
    details: [
      ['Resource', nodeName(target)],
      ['Service', serviceOf(target)],
      ['Annotation', textOf(properties, 'annotationName')],
      ['Summary', textOf(properties, 'summary')],
      ['Context', textOf(properties, 'context')],
      ['Category', category],
    ],
  };
}

function common(
  event: GridEvent,
  properties: Fields,
  target: string,
): Pick<Draft, 'schema' | 'type' | 'identity' | 'kind' | 'postId' | 'impacts' | 'ids' | 'occurredAt'> {
  return {
    schema: event.schema,
    type: 'health-resource',
    identity: resourceHealthIdentity(target),
    kind: 'resource',
    postId: event.id,
    impacts: impactsOf(target),
    ids: [target],
    occurredAt: [
      valueOf(properties, 'occurredTime'),
      valueOf(objectOf(event.data, 'operationalInfo'), 'resourceEventTime'),
      event.time,
    ],
  };
}

/** The instance `3` of a scale set says nothing by itself. */
function nodeName(target: string): string {
  const parts = target.split('/');
  return parts.at(-2) === 'virtualmachines' && parts.at(-4) === 'virtualmachinescalesets'
    ? `${parts.at(-3)}/${parts.at(-1)}`
    : nameOf(target);
}
