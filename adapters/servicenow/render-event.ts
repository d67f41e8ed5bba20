/** The columns of an event (destinations 2.2). What is too long would lose its tail silently, so it is cut here, visibly. */
import type { DeliverContext, Step } from '#src/core/adapter.ts';
import type { Severity } from '#src/core/signal.ts';
import { cutCodePoints } from '../shared/cut.ts';
import { renderFields } from './fields.ts';
import { descriptionOf } from './render.ts';
import type { ServiceNowSettings } from './settings.ts';

/** Width of the columns that name something. */
export const EVENT_NAME_CHARS_MAX = 100;
export const MESSAGE_KEY_CHARS_MAX = 1_024;

const SOURCE = 'azure-service-relay';
/** 5 is "OK" and yet creates an alert; only 0 clears (destinations 2.2). */
const SEVERITIES: Readonly<Record<Severity, '1' | '2' | '3' | '4'>> = {
  critical: '1',
  error: '2',
  warning: '3',
  info: '4',
};
const CLEAR = '0';

/** An event record: texts only. */
export interface EventRecord {
  source: string;
  event_class: string;
  node?: string;
  type: string;
  resource?: string;
  message_key: string;
  severity: '0' | '1' | '2' | '3' | '4';
  resolution_state: 'New' | 'Closing';
  /** `yyyy-MM-dd HH:mm:ss`, UTC. */
  time_of_event: string;
  description: string;
  /** JSON whose values are texts; everything that is no column of an event goes here. */
  additional_info: string;
}

/** One event. `ignored` names route fields that cannot be set. Pure but for the clock of the context. */
export function renderEvent(
  step: Step,
  context: DeliverContext<ServiceNowSettings>,
  { closing, messageKey }: { closing: boolean; messageKey: string },
): { record: EventRecord; ignored: string[] } {
  const { incident, links } = step;
  const { values, ignored } = renderFields(step, context.settings.fields);
  const services = [...new Set(incident.impacts.map(({ service }) => service))].join(', ');
  const regions = [...new Set(incident.impacts.map(({ region }) => region).filter((region) => region !== ''))].join(
    ', ',
  );
  const info = {
    headline: incident.headline,
    stage: incident.stage ?? '',
    trackingId: incident.trackingId ?? '',
    regions,
    subscriptions: String(step.audience.total),
    timeline: links.timeline ?? '',
    portal: links.portal ?? '',
    runbook: step.route.runbook ?? '',
    ...values,
  };
  const node = nodeOf(incident.resources);
  const record: EventRecord = {
    source: SOURCE,
    event_class: name(`${context.relayId}/Azure`),
    ...(node === '' ? {} : { node }),
    type: name(incident.kind),
    ...(services === '' ? {} : { resource: name(services) }),
    message_key: messageKey,
    severity: closing ? CLEAR : step.test ? SEVERITIES.info : SEVERITIES[incident.severity],
    resolution_state: closing ? 'Closing' : 'New',
    time_of_event: timeOf(step, context.now()),
    description: descriptionOf(step, context),
    additional_info: JSON.stringify(Object.fromEntries(Object.entries(info).filter(([, value]) => value !== ''))),
  };
  return { record, ignored };
}

/** The resource, where it is one: by it the instance looks for its own record of the thing. */
function nodeOf(resources: readonly string[]): string {
  const only = resources.length === 1 ? resources[0] : undefined;
  return name(only?.split('/').findLast((part) => part !== '') ?? '');
}

function timeOf(step: Step, now: Date): string {
  const at = new Date(step.communication?.at ?? now);
  return (Number.isNaN(at.getTime()) ? now : at).toISOString().slice(0, 19).replace('T', ' ');
}

function name(text: string): string {
  return cutCodePoints(text, EVENT_NAME_CHARS_MAX);
}
