/** What an ARM resource id tells: subscription, group, type, name, and the service people know it by. */
import type { Impact } from '#src/core/signal.ts';

/** The subscription of an id, lower-cased; null where it names none. */
export function subscriptionOf(id: string | null): string | null {
  return /^\/?subscriptions\/([^/\s]+)/i.exec(id ?? '')?.[1]?.toLowerCase() ?? null;
}

/** True for an id below a subscription: a group or a resource, not the subscription itself. */
export function isResourceId(id: string): boolean {
  return /^\/?subscriptions\/[^/\s]+\/[^/\s]/i.test(id);
}

/** Lower-cased, with a leading slash and none at the end, as essentials show it; the export writes capitals (azure-signals 4.2). */
export function canonicalId(id: string): string {
  const lower = withoutEndSlashes(id.trim().toLowerCase());
  return lower.startsWith('subscriptions/') ? `/${lower}` : lower;
}

/** Last segment of an id: the name of the resource. */
export function nameOf(id: string): string {
  return withoutEndSlashes(id.slice(0, 2000)).split('/').at(-1) ?? id;
}

/** A loop, not a pattern: `/+$` takes quadratic time on a megabyte of slashes. */
function withoutEndSlashes(id: string): string {
  let end = id.length;
  while (end > 0 && id[end - 1] === '/') end -= 1;
  return id.slice(0, end);
}

/** Lower-cased group of an id; null where it names none. */
export function resourceGroupOf(id: string): string | null {
  return /\/resourcegroups\/([^/]+)/i.exec(id.slice(0, 2000))?.[1]?.toLowerCase() ?? null;
}

/** Lower-cased `provider/type[/type]` of the innermost resource; null where the id has no provider. */
function resourceTypeOf(id: string): string | null {
  const lower = id.slice(0, 2000).toLowerCase();
  const at = lower.lastIndexOf('/providers/');
  if (at === -1) return null;
  const [provider, ...rest] = lower.slice(at + '/providers/'.length).split('/');
  const types = rest.filter((_, i) => i % 2 === 0);
  return provider && types[0] ? [provider, ...types].join('/') : null;
}

/** Names as Service Health writes them, so that an own alert and an outage can meet (azure-signals 1.6). */
const SERVICES: Readonly<Record<string, string>> = {
  'microsoft.containerregistry/registries': 'Container Registry',
  'microsoft.containerservice/managedclusters': 'Azure Kubernetes Service (AKS)',
  'microsoft.compute/virtualmachines': 'Virtual Machines',
  'microsoft.compute/virtualmachinescalesets': 'Virtual Machine Scale Sets',
  'microsoft.storage/storageaccounts': 'Storage',
  'microsoft.keyvault/vaults': 'Key Vault',
  'microsoft.web/sites': 'App Service',
  'microsoft.sql/servers': 'SQL Database',
  'microsoft.documentdb/databaseaccounts': 'Azure Cosmos DB',
  'microsoft.servicebus/namespaces': 'Service Bus',
  'microsoft.eventhub/namespaces': 'Event Hubs',
  'microsoft.eventgrid/topics': 'Event Grid',
  'microsoft.network/loadbalancers': 'Load Balancer',
  'microsoft.network/applicationgateways': 'Application Gateway',
  'microsoft.insights/components': 'Application Insights',
  'microsoft.operationalinsights/workspaces': 'Log Analytics',
  'microsoft.monitor/accounts': 'Azure Monitor',
};

/** The service of a resource type or of a resource id; null where we do not know its name. */
export function serviceOf(idOrType: string | null): string | null {
  const type =
    idOrType?.includes('/providers/') || idOrType?.includes('/PROVIDERS/')
      ? resourceTypeOf(idOrType)
      : idOrType?.toLowerCase();
  const key = (type ?? '').split('/').slice(0, 2).join('/');
  return Object.hasOwn(SERVICES, key) ? (SERVICES[key] ?? null) : null;
}

/** The service of a resource as what is hit; an id tells no region, and an unknown region matches any. Empty where we do not know the service's name. */
export function impactsOf(resource: string): Impact[] {
  const service = serviceOf(resource);
  return service === null ? [] : [{ service, region: '' }];
}
