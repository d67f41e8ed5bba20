/** A record of the activity log itself: from the export of a diagnostic setting (azure-signals 4.2), or in the REST form with its `{ value }` words. */
import { categoryOf, eventOf, type ActivityEvent } from '../azure-monitor/activity-event.ts';
import { objectOf, textOf, textsOf, type Fields } from '../parse/fields.ts';

/** The record as an event; `resourceId` is in capitals, and missing from some Service Health records. */
export function recordActivityEvent(record: Fields): ActivityEvent {
  const properties = objectOf(record, 'properties');
  const inner = objectOf(properties, 'eventProperties');
  return {
    ...eventOf(record, 'activity-log'),
    properties: inner.size > 0 ? inner : properties,
    ids: textsOf(record, 'resourceId'),
    subscription: textOf(record, 'subscriptionId'),
  };
}

/** Categories of the activity log; other exports (a cluster's audit log, say) share the envelope but not the meaning. */
const CATEGORIES = new Set([
  'administrative',
  'servicehealth',
  'resourcehealth',
  'alert',
  'autoscale',
  'security',
  'policy',
  'recommendation',
]);

/** True for a record of the activity log, told by its category or its operation, and not a mere object with such a key. */
export function isActivityRecord(record: Fields): boolean {
  const operation = (textOf(record, 'operationName') ?? '').toLowerCase();
  if (operation === '') return false;
  if (operation.startsWith('microsoft.servicehealth/') || operation.startsWith('microsoft.resourcehealth/'))
    return true;
  return (
    CATEGORIES.has(categoryOf(record, operation)) &&
    ['time', 'eventtimestamp', 'resourceid'].some((name) => record.has(name))
  );
}
