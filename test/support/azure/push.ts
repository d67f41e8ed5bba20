/** The push of a record: what an action group sends for one post and one subscription, with the id that a pull lacks. */
import { serviceHealth } from '#test/support/fixtures.ts';
import type { ActivityCells } from './activity-table.ts';
import type { AzureRecord } from './records.ts';

const TYPES: Readonly<Record<string, string>> = {
  ServiceIssue: 'Incident',
  PlannedMaintenance: 'Maintenance',
  SecurityAdvisory: 'Security',
};

/** `number` counts the record's posts from 1. */
export function pushOf(
  record: AzureRecord,
  number: number,
  push: { subscription: string; stage: string },
): Record<string, unknown> {
  const post = record.posts[number - 1]!;
  const { stage } = push;
  const body = serviceHealth({
    trackingId: record.trackingId,
    communication: number,
    stage,
    service: record.service,
    regions: record.regions,
    title: record.title,
    text: post.html,
    level: record.level ?? 'Warning',
    incidentType: TYPES[record.eventType] ?? record.eventType,
  });
  // oxlint-disable-next-line typescript/no-explicit-any -- foreign JSON, changed by path
  const log = (body as any).data.context.activityLog;
  // The event is logged some seconds after the post.
  log.eventTimestamp = new Date(Date.parse(post.at) + 7_000).toISOString();
  log.submissionTimestamp = log.eventTimestamp;
  log.subscriptionId = push.subscription;
  log.eventDataId = `${record.trackingId}-${number}-${push.subscription}`;
  log.properties.impactStartTime = record.startedAt;
  if (stage === 'Resolved') log.properties.impactMitigationTime = record.mitigatedAt ?? post.at;
  return body;
}

/** The row of the same post in `AzureActivity`: the ids of the push, in the shape and with the casing of the table. */
export function activityOf(
  record: AzureRecord,
  number: number,
  push: { subscription: string; stage: string; cells?: Partial<ActivityCells> },
): ActivityCells {
  // oxlint-disable-next-line typescript/no-explicit-any -- foreign JSON, changed by path
  const log = (pushOf(record, number, push) as any).data.context.activityLog;
  return {
    TimeGenerated: log.eventTimestamp,
    CategoryValue: 'ServiceHealth',
    OperationNameValue: log.operationName,
    ActivityStatusValue: log.status === 'Active' ? 'Activated' : log.status,
    Level: log.level,
    SubscriptionId: push.subscription,
    EventDataId: log.eventDataId,
    CorrelationId: log.correlationId,
    Properties: JSON.stringify({ eventCategory: 'ServiceHealth', eventProperties: log.properties }),
    _ResourceId: `/subscriptions/${push.subscription}`,
    ...push.cells,
  };
}

/** A record whose posts were published so many minutes ago, oldest first. */
export function recordOf(
  record: Pick<AzureRecord, 'trackingId' | 'subscriptions'> & Partial<AzureRecord> & { minutesAgo: readonly number[] },
): AzureRecord {
  const { minutesAgo, ...rest } = record;
  const at = (minutes: number): string =>
    new Date(Math.floor((Date.now() - minutes * 60_000) / 1000) * 1000).toISOString();
  return {
    eventType: 'ServiceIssue',
    status: 'Active',
    title: 'Container Registry - West Europe - pulls fail',
    service: 'Container Registry',
    regions: ['West Europe', 'North Europe'],
    startedAt: at(minutesAgo[0]! + 12),
    posts: minutesAgo.map((minutes, index) => ({
      at: at(minutes),
      html: `<p><strong>Summary of impact:</strong> post ${index + 1} of ${record.trackingId}&nbsp;.</p><p><br></p>`,
    })),
    ...rest,
  };
}
