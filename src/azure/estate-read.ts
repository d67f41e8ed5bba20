/** The estate from Resource Graph: registries, their replications, clusters, subscriptions. */
import type { Estate, EstateResource, EstateSubscription, Replica } from '#src/core/estate.ts';
import { fieldsOf, textOf, type Fields } from './fields.ts';
import { queryGraph, type GraphOptions } from './resource-graph.ts';
import { listAll, type AzureSession } from './session.ts';

const RESOURCES = `resources
| where type in~ ('microsoft.containerregistry/registries', 'microsoft.containerregistry/registries/replications', 'microsoft.containerservice/managedclusters')
| project id, name, type, location, subscriptionId, tags, sku = tostring(sku.name), version = tostring(properties.kubernetesVersion), endpoint = properties.regionEndpointEnabled
| order by id asc`;

const SUBSCRIPTIONS = `resourcecontainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, name, subscriptionId, tags
| order by id asc`;

/** Reads everything anew. Rejects when any part fails: half an estate would say "not hit" of the other half. */
export async function readEstate(session: AzureSession, options: GraphOptions): Promise<Estate> {
  const rows = await queryGraph(session, RESOURCES, options);
  const subscriptions = await queryGraph(session, SUBSCRIPTIONS, options);
  return { resources: resourcesOf(rows), subscriptions: subscriptions.flatMap(subscriptionOf) };
}

/** Ids of the subscriptions that the identity can see and that are not off. */
export async function listSubscriptions(session: AzureSession): Promise<string[]> {
  const found = (await listAll(session, '/subscriptions?api-version=2022-12-01')).flatMap((value) => {
    const fields = fieldsOf(value);
    const off = ['Deleted', 'Disabled'].includes(textOf(fields, 'state') ?? '');
    return off ? [] : [textOf(fields, 'subscriptionId')?.toLowerCase() ?? ''];
  });
  return [...new Set(found)].filter((id) => id !== '').sort();
}

function resourcesOf(rows: readonly Record<string, unknown>[]): EstateResource[] {
  const replicas = new Map<string, Replica[]>();
  const found: Omit<EstateResource, 'replicas'>[] = [];
  for (const row of rows) {
    const fields = fieldsOf(row);
    const [id, region] = [textOf(fields, 'id')?.toLowerCase(), textOf(fields, 'location')];
    if (id === undefined || region === null) continue;
    switch (textOf(fields, 'type')?.toLowerCase() ?? '') {
      case 'microsoft.containerregistry/registries/replications': {
        const registry = id.slice(0, id.lastIndexOf('/replications/'));
        const { endpoint } = fields;
        const replica = { region, endpoint: typeof endpoint === 'boolean' ? endpoint : null };
        replicas.set(registry, [...(replicas.get(registry) ?? []), replica]);
        break;
      }
      case 'microsoft.containerregistry/registries':
        found.push({ ...common(fields, { id, region }), kind: 'registry', version: textOf(fields, 'sku') });
        break;
      case 'microsoft.containerservice/managedclusters':
        found.push({ ...common(fields, { id, region }), kind: 'cluster', version: textOf(fields, 'version') });
        break;
      default:
    }
  }
  return found.map((resource) => ({
    ...resource,
    // The home region has a replication of its own.
    replicas: (replicas.get(resource.id) ?? []).filter((replica) => replica.region !== resource.region),
  }));
}

function common(
  fields: Fields,
  { id, region }: { id: string; region: string },
): Omit<EstateResource, 'kind' | 'version' | 'replicas'> {
  const subscription = textOf(fields, 'subscriptionId')?.toLowerCase() ?? id.split('/')[2] ?? '';
  return {
    id,
    region,
    subscription,
    name: textOf(fields, 'name') ?? id.split('/').at(-1)!,
    tags: tagsOf(fields['tags']),
  };
}

function subscriptionOf(row: Record<string, unknown>): EstateSubscription[] {
  const fields = fieldsOf(row);
  const id = textOf(fields, 'subscriptionId')?.toLowerCase();
  return id === undefined ? [] : [{ id, name: textOf(fields, 'name'), tags: tagsOf(fields['tags']) }];
}

/** Tags keep their case: `ownerOf` compares without it. */
export function tagsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
