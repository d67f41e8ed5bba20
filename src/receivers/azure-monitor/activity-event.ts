/**
 * One event of the activity log, the same whichever envelope brought it: classic webhook (azure-signals 1.1), common
 * schema (1.2) or export (4.2). `monitorCondition` and the classic `data.status` are left behind on purpose: they are
 * always `Fired` and `Activated` and say nothing about the event (azure-signals 0.1).
 */
import type { SignalSchema } from '#src/core/signal.ts';
import { subscriptionOf } from '../parse/azure-ids.ts';
import {
  compact,
  fieldsOf,
  listOf,
  objectOf,
  scalarText,
  textOf,
  textsOf,
  valueOf,
  type Fields,
} from '../parse/fields.ts';
import { targetsOf } from './alert-event.ts';

export interface ActivityEvent {
  schema: SignalSchema;
  /** `servicehealth`, `resourcehealth`, `administrative`, ...; empty where nothing tells. */
  category: string;
  operation: string;
  status: string | null;
  level: string | null;
  /** `eventDataId`; the export carries none. */
  eventId: string | null;
  correlationId: string | null;
  operationId: string | null;
  description: string | null;
  /** The event's own properties. */
  properties: Fields;
  /** Ids that name the resource or the subscription, best first. */
  ids: string[];
  subscription: string | null;
  /** Candidates for the event time, best first. */
  times: unknown[];
  rule: string | null;
  /** Everything else of the record, for what only some kinds need. */
  record: Fields;
}

/** Classic: `data.context.activityLog`; the event's properties may also stand beside or above it. */
export function classicActivityEvent(root: Fields): ActivityEvent {
  const data = objectOf(root, 'data');
  const context = objectOf(data.has('context') ? data : root, 'context');
  const log = objectOf(context, 'activityLog');
  const candidates = [objectOf(log, 'properties'), objectOf(data, 'properties'), objectOf(root, 'properties')];
  return {
    ...eventOf(log, 'classic'),
    properties:
      candidates.find((fields) => fields.has('trackingid')) ??
      candidates.find((fields) => fields.size > 0) ??
      candidates[0]!,
    ids: textsOf(log, 'resourceId'),
    subscription: textOf(log, 'subscriptionId'),
    rule: textOf(log, 'alertRule', 'ruleName'),
  };
}

/** Common schema: the subscription stands in `alertTargetIDs` only, and for a few alerts in `alertId` (azure-signals 1.2). */
export function commonActivityEvent(essentials: Fields, context: Fields): ActivityEvent {
  const event = eventOf(context, 'common');
  const targets = targetsOf(essentials);
  const service = compact(textOf(essentials, 'monitoringService'));
  return {
    ...event,
    category: /^(?:service|resource)health$/.test(event.category)
      ? event.category
      : categoryOfService(service) || event.category,
    properties: objectOf(context, 'properties'),
    ids: [...targets, ...textsOf(context, 'resourceId')],
    subscription:
      textOf(context, 'subscriptionId') ??
      (targets.length === 0 ? subscriptionOf(textOf(essentials, 'alertId')) : null),
    times: [...event.times, valueOf(essentials, 'firedDateTime')],
    rule: textOf(essentials, 'alertRule'),
    description: event.description ?? textOf(essentials, 'description'),
  };
}

/** The part that all envelopes share; the caller adds properties and ids. */
export function eventOf(fields: Fields, schema: SignalSchema): ActivityEvent {
  const operation = (textOf(fields, 'operationName') ?? '').toLowerCase();
  return {
    schema,
    category: categoryOf(fields, operation),
    operation,
    status: textOf(fields, 'status', 'resultType'),
    level: textOf(fields, 'level'),
    eventId: textOf(fields, 'eventDataId'),
    correlationId: textOf(fields, 'correlationId'),
    operationId: textOf(fields, 'operationId'),
    description: textOf(fields, 'Activity Log Event Description', 'description'),
    properties: new Map(),
    ids: [],
    subscription: null,
    times: [valueOf(fields, 'eventTimestamp'), valueOf(fields, 'time'), valueOf(fields, 'submissionTimestamp')],
    rule: null,
    record: fields,
  };
}

/** `eventSource` or `category`; the operation's prefix decides where they are missing or a number (azure-signals 1.2). */
export function categoryOf(fields: Fields, operation: string): string {
  if (operation.startsWith('microsoft.servicehealth/')) return 'servicehealth';
  // The provider's other operations are changes: a subscription that is registered with it logs `register/action`.
  if (operation.startsWith('microsoft.resourcehealth/healthevent/')) return 'resourcehealth';
  const word = compact(
    textOf(fields, 'eventSource', 'category') ?? scalarText(objectOf(fields, 'properties').get('eventcategory')),
  );
  // 2 is the number that the common schema writes for Service Health (azure-signals 0.3).
  return word === '2' ? 'servicehealth' : word;
}

/** `Activity Log - Administrative` and the like; empty for a service that is none of the activity log. */
export function categoryOfService(service: string): string {
  if (service === 'servicehealth' || service === 'resourcehealth') return service;
  return service.startsWith('activitylog') ? service.slice('activitylog'.length) : '';
}

/** A status as Azure's stage: the export writes `Activated` where the webhook has `Active` (azure-signals 4.2). */
export function stageOfStatus(status: string | null): string | null {
  return compact(status) === 'activated' ? 'Active' : status;
}

/** Tags of a post, wherever a channel may put them; alert payloads of today carry none (azure-signals 0.14). */
export function tagsOf(event: ActivityEvent): string[] {
  const lists = [listOf(event.properties, 'eventTags', 'tags'), listOf(event.record, 'eventTags', 'tags')];
  const texts = [...textsOf(event.properties, 'eventTags', 'tags'), ...textsOf(event.record, 'eventTags', 'tags')];
  const named = lists.flat().map((tag) => textOf(fieldsOf(tag), 'name', 'tag'));
  return [...new Set([...texts, ...named.filter((tag) => tag !== null)])];
}
