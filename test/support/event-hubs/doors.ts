/** The same post of Service Health as each door brings it: classic webhook, action group's hub (common schema), export of the activity log. */
import { fixture, serviceHealth, type Post } from '../fixtures.ts';

export interface Doors {
  webhook: Record<string, unknown>;
  actionGroup: Record<string, unknown>;
  export: Record<string, unknown>;
}

/** Differs where the doors differ in life: words, levels, envelopes, and no communication id in the export (azure-signals 8). */
export function throughDoors(post: Post): Doors {
  const webhook = serviceHealth(post);
  const { activityLog } = (webhook as { data: { context: { activityLog: Record<string, string> } } }).data.context;
  const properties = activityLog['properties'] as unknown as Record<string, string>;
  const common = fixture('webhook-common/sh-incident-active.json');
  common.data.essentials.alertTargetIDs = [`/subscriptions/${activityLog['subscriptionId']}`];
  Object.assign(common.data.alertContext, {
    eventTimestamp: activityLog['eventTimestamp'],
    operationName: activityLog['operationName'],
    status: activityLog['status'],
    properties,
  });
  const { communicationId: _none, ...exported } = properties;
  const record = {
    time: activityLog['eventTimestamp'],
    resourceId: `/SUBSCRIPTIONS/${String(activityLog['subscriptionId']).toUpperCase()}`,
    operationName: activityLog['operationName'],
    level: 'Warning',
    resultType: activityLog['status'] === 'Active' ? 'Activated' : activityLog['status'],
    category: 'ServiceHealth',
    properties: { eventCategory: 'ServiceHealth', eventProperties: exported },
  };
  const noise = { time: record.time, category: 'Administrative', operationName: 'MICROSOFT.STORAGE/LISTKEYS/ACTION' };
  return { webhook, actionGroup: common, export: { records: [record, { ...noise, resourceId: record.resourceId }] } };
}
