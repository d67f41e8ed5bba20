/** Service Health events and the resources that they hit, from the two places that keep them (azure-signals 7.1). */
import type { AzureEvent } from '#src/core/gap-event.ts';
import { readEvent } from './event-shape.ts';
import { fieldsOf, textOf } from './fields.ts';
import { queryGraph, type GraphOptions } from './resource-graph.ts';
import { AzureError, listAll, type AzureSession } from './session.ts';

const VERSION = 'api-version=2025-05-01';
const DAY_MS = 86_400_000;

/** Events of a subscription, or of the tenant (null), that were last updated since the day before `since`. */
export async function listEvents(
  session: AzureSession,
  subscription: string | null,
  since: string,
): Promise<AzureEvent[]> {
  // Days only, and a day more: an outage that goes on may have been quiet for hours.
  const start = new Date(Date.parse(since) - DAY_MS);
  const day = `${start.getUTCMonth() + 1}/${start.getUTCDate()}/${start.getUTCFullYear()}`;
  const path = `${scopeOf(subscription)}/providers/Microsoft.ResourceHealth/events?${VERSION}&queryStartTime=${encodeURIComponent(day)}`;
  return (await listAll(session, path))
    .map((value) => readEvent(value, subscription))
    .filter((event) => event !== null);
}

/** One event with its whole history; null where this subscription does not (or no longer) have it. */
export async function getEvent(
  session: AzureSession,
  subscription: string | null,
  trackingId: string,
): Promise<AzureEvent | null> {
  const path = `${scopeOf(subscription)}/providers/Microsoft.ResourceHealth/events/${encodeURIComponent(trackingId)}?${VERSION}`;
  let answer: unknown;
  try {
    answer = await session.get(path);
  } catch (error) {
    if ((error as { status?: unknown }).status === 404) return null;
    throw error;
  }
  const event = readEvent(answer, subscription);
  if (event === null) throw new AzureError('the answer is no event', 200);
  return event;
}

/** Events that were updated since, as every subscription sees them. Rows hold the newest text, and often no history. */
export async function queryEvents(
  session: AzureSession,
  options: GraphOptions & { since: string },
): Promise<AzureEvent[]> {
  const query = `ServiceHealthResources
| where type =~ 'microsoft.resourcehealth/events'
| extend updated = coalesce(todatetime(properties.LastUpdateTime), todatetime(tolong(properties.LastUpdateTime)))
| where isnull(updated) or updated >= datetime(${options.since}) or (properties.EventType =~ 'ServiceIssue' and properties.Status =~ 'Active')
| project id, name, subscriptionId, properties
| order by id asc`;
  const rows = await queryGraph(session, query, options);
  return rows.map((row) => readEvent(row, textOf(fieldsOf(row), 'subscriptionId'))).filter((event) => event !== null);
}

/** A resource that Azure itself calls hit. */
export interface ImpactedResource {
  trackingId: string;
  subscription: string;
  /** Lower-cased. */
  resource: string;
  /** `Confirmed`, `Potential`, ... as sent. */
  status: string;
}

/** Types of the estate: of everything else Azure may list thousands. */
const TYPES = ['microsoft.containerregistry/registries', 'microsoft.containerservice/managedclusters'];

/** Azure's own list for these tracking IDs, over all subscriptions: registries and clusters only. */
export async function queryImpacted(
  session: AzureSession,
  options: GraphOptions & { trackingIds: readonly string[] },
): Promise<ImpactedResource[]> {
  if (options.trackingIds.length === 0) return [];
  const ids = options.trackingIds.map((id) => `'${id.replaceAll(/[\\']/g, '')}'`).join(', ');
  const query = `ServiceHealthResources
| where type =~ 'microsoft.resourcehealth/events/impactedresources'
| extend trackingId = tostring(split(tostring(split(id, '/events/')[1]), '/')[0])
| where trackingId in~ (${ids}) and tostring(properties.targetResourceType) in~ (${TYPES.map((type) => `'${type}'`).join(', ')})
| project id, subscriptionId, trackingId, properties
| order by id asc`;
  return (await queryGraph(session, query, options)).flatMap((row) => readImpacted(row, null));
}

/**
 * Azure's own list for one tracking ID in one subscription, where Resource Graph cannot be asked. That of a security
 * advisory is sensitive: it has an address of its own, and asks for more than a reader's role.
 */
export async function listImpacted(
  session: AzureSession,
  event: { subscription: string; trackingId: string; security: boolean },
): Promise<ImpactedResource[]> {
  const { subscription, trackingId, security } = event;
  const base = `${scopeOf(subscription)}/providers/Microsoft.ResourceHealth/events/${encodeURIComponent(trackingId)}`;
  const listed = security
    ? listAll(session, `${base}/listSecurityAdvisoryImpactedResources?${VERSION}`, 'POST')
    : listAll(session, `${base}/impactedResources?${VERSION}`);
  return (await listed).flatMap((value) => readImpacted(value, subscription));
}

function readImpacted(value: unknown, asked: string | null): ImpactedResource[] {
  const outer = fieldsOf(value);
  const fields = fieldsOf(outer['properties']);
  const trackingId = textOf(outer, 'trackingId') ?? /\/events\/([^/]+)/i.exec(textOf(outer, 'id') ?? '')?.[1] ?? null;
  const resource = textOf(fields, 'targetResourceId');
  const type = textOf(fields, 'targetResourceType')?.toLowerCase() ?? '';
  if (trackingId === null || resource === null || (type !== '' && !TYPES.includes(type))) return [];
  const id = resource.toLowerCase();
  const subscription = asked ?? textOf(outer, 'subscriptionId') ?? /^\/subscriptions\/([^/]+)/.exec(id)?.[1] ?? '';
  return [
    {
      trackingId,
      subscription: subscription.toLowerCase(),
      resource: id,
      status: textOf(fields, 'status') ?? 'Listed',
    },
  ];
}

function scopeOf(subscription: string | null): string {
  return subscription === null ? '' : `/subscriptions/${encodeURIComponent(subscription)}`;
}
