/** Sample inputs under test/fixtures, and the variations that tests need. */
import { readFileSync } from 'node:fs';

/** Parsed JSON of a fixture, e.g. `webhook-classic/sh-incident-active.json`. A fresh copy each time. */
// Fixtures are foreign JSON that tests change by path.
// oxlint-disable-next-line typescript/no-explicit-any
export function fixture(path: string): any {
  return JSON.parse(readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8'));
}

export interface Post {
  trackingId: string;
  /** Number of the communication; decides its id and its time. */
  communication: number;
  stage: string;
  status?: string;
  subscription?: number;
  service?: string;
  regions?: string[];
  title?: string;
  text?: string;
  level?: string;
  incidentType?: string;
}

/** A subscription id that is easy to read in failures. */
export function subscriptionId(n: number): string {
  return `11111111-aaaa-4aaa-8aaa-${String(n).padStart(12, '0')}`;
}

/** A classic Service Health webhook, made to order. */
export function serviceHealth(post: Post): Record<string, unknown> {
  const body = fixture('webhook-classic/sh-incident-active.json');
  const log = body.data.context.activityLog;
  const {
    trackingId,
    communication,
    stage,
    subscription = 1,
    service = 'Container Registry',
    regions = ['West Europe'],
  } = post;
  const text = post.text ?? `<p>Communication ${communication} of ${trackingId}: ${stage}.</p>`;
  const title = post.title ?? `${service} - ${regions[0]} - trouble`;
  log.eventTimestamp = new Date(Date.parse('2026-09-14T08:30:00Z') + communication * 600_000).toISOString();
  log.submissionTimestamp = log.eventTimestamp;
  log.eventDataId = `${trackingId}-${communication}-${subscription}`;
  log.subscriptionId = subscriptionId(subscription);
  log.level = post.level ?? 'Warning';
  log.status = post.status ?? (stage === 'Resolved' || stage === 'RCA' || stage === 'Complete' ? 'Resolved' : 'Active');
  log.operationName = `Microsoft.ServiceHealth/${(post.incidentType ?? 'Incident').toLowerCase()}/action`;
  log.description = `${stage}: ${title}`;
  Object.assign(log.properties, {
    trackingId,
    stage,
    title,
    service,
    region: regions[0],
    incidentType: post.incidentType ?? 'Incident',
    communicationId: `11000${trackingId}${communication}`,
    communication: text,
    defaultLanguageTitle: title,
    defaultLanguageContent: text,
    impactedServices: JSON.stringify([
      { ImpactedRegions: regions.map((RegionName) => ({ RegionName })), ServiceName: service },
    ]),
  });
  if (stage === 'Resolved') log.properties.impactMitigationTime = log.eventTimestamp;
  return body;
}
