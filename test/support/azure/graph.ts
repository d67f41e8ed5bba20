/**
 * The few queries of Resource Graph that the relay makes, recognised by their table and types; any other is refused as
 * Azure refuses nonsense. No KQL is run here: what a query would filter is done by hand.
 */
import { updatedAt, type AzureRecord, type AzureState } from './records.ts';

type Row = Record<string, unknown>;

/** Rows of a query, or null where it is none that is known. */
export function graphRows(server: AzureState, query: string): Row[] | null {
  // Without an order pages overlap.
  if (!/\| order by id asc\s*$/.test(query)) return null;
  const table = query.split('|')[0]!.trim().toLowerCase();
  if (
    table === 'servicehealthresources' &&
    query.includes("type =~ 'microsoft.resourcehealth/events/impactedresources'")
  )
    return listed(server, query);
  if (table === 'servicehealthresources' && query.includes("type =~ 'microsoft.resourcehealth/events'"))
    return events(server, query);
  if (table === 'resources' && query.includes("'microsoft.containerregistry/registries'")) return resources(server);
  if (table === 'resources' && query.includes("type =~ 'microsoft.insights/activitylogalerts'")) return rules(server);
  if (table === 'resources' && query.includes("type =~ 'microsoft.insights/actiongroups'")) return groups(server);
  if (table === 'resourcecontainers' && query.includes("'microsoft.resources/subscriptions'"))
    return server.subscriptions.map(({ id, name, tags, state = 'Enabled' }) => ({
      id: `/subscriptions/${id}`,
      name,
      subscriptionId: id,
      ...(query.includes('state = ') ? { state } : { tags: tags ?? null }),
    }));
  return null;
}

function events(server: AzureState, query: string): Row[] {
  const since = />= datetime\(([^)]+)\)/.exec(query)?.[1] ?? '';
  const changed = server.events.filter(
    (event) => updatedAt(event) >= since || (event.status === 'Active' && event.eventType === 'ServiceIssue'),
  );
  return changed.flatMap((event) => event.subscriptions.map((subscription) => row(event, subscription)));
}

/** PascalCase, the newest text only, times as ticks: all of it as documented (azure-signals 7.1). */
function row(event: AzureRecord, subscription: string): Row {
  return {
    id: `/subscriptions/${subscription}/providers/Microsoft.ResourceHealth/events/${event.trackingId}`,
    name: event.trackingId,
    subscriptionId: subscription,
    properties: {
      TrackingId: event.trackingId,
      EventType: event.eventType,
      EventLevel: event.level ?? 'Warning',
      Status: event.status,
      Title: event.title,
      Summary: event.posts.at(-1)?.html ?? '',
      ImpactStartTime: ticks(event.startedAt),
      ...(event.mitigatedAt ? { ImpactMitigationTime: ticks(event.mitigatedAt) } : {}),
      LastUpdateTime: ticks(updatedAt(event)),
      Impact: [
        {
          ImpactedService: event.service,
          ImpactedRegions: event.regions.map((ImpactedRegion) => ({ ImpactedRegion })),
        },
      ],
    },
  };
}

function ticks(at: string): string {
  return String(BigInt(Date.parse(at)) * 10_000n + 621_355_968_000_000_000n);
}

function listed(server: AzureState, query: string): Row[] {
  return server.listed
    .filter((one) => query.toLowerCase().includes(`'${one.trackingId.toLowerCase()}'`))
    .map((one) => ({
      id: `/subscriptions/${one.subscription}/providers/Microsoft.ResourceHealth/events/${one.trackingId}/impactedResources/${one.resource.split('/').at(-1)}`,
      subscriptionId: one.subscription,
      trackingId: one.trackingId,
      properties: {
        targetResourceId: one.resource,
        targetResourceType: one.type,
        ...(one.status ? { status: one.status } : {}),
      },
    }));
}

function resources(server: AzureState): Row[] {
  return server.resources
    .map((one) => ({
      id: one.id,
      name: one.id.split('/').at(-1),
      type: one.type,
      location: one.location,
      subscriptionId: one.id.split('/')[2],
      tags: one.tags ?? null,
      sku: one.sku ?? '',
      version: one.version ?? '',
      endpoint: one.endpoint ?? null,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What the query's filter on the text of the condition lets through. */
function rules(server: AzureState): Row[] {
  return server.rules
    .filter((one) =>
      JSON.stringify(one.properties['condition'] ?? null)
        .toLowerCase()
        .includes('servicehealth'),
    )
    .map((one) => ({ ...named(one.id), properties: one.properties }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function groups(server: AzureState): Row[] {
  return server.groups
    .map((one) => ({ ...named(one.id), location: one.location, properties: one.properties }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function named(id: string): { id: string; name: string; subscriptionId: string } {
  return { id, name: id.split('/').at(-1)!, subscriptionId: id.split('/')[2]! };
}
