/** What Azure's own APIs know in the demo: three registries and a cluster of ours, and the whole history of the outage. */
import type { AzureRecord, AzureResource } from '#test/support/azure/records.ts';
import type { Cast } from './cast.ts';
import { SUBSCRIPTIONS } from './config.ts';
import type { Post } from './payloads.ts';

const REGISTRY = 'microsoft.containerregistry/registries';
const CLUSTER = 'microsoft.containerservice/managedclusters';

/** Names as messages show them: at home where it burns, there by a replica only, and nowhere near. */
export const REGISTRIES = { home: 'acrstorefront', replica: 'acrpayments', elsewhere: 'acranalytics' } as const;

/** Puts the estate into the stand-in for Resource Graph; the relay reads it at its start. */
export function furnish({ azure }: Cast): void {
  azure.subscriptions = SUBSCRIPTIONS.map(({ id, name, team }) => ({ id, name, tags: { owner: team } }));
  azure.resources = [
    registry(REGISTRIES.home, 'storefront-prod', 'westeurope'),
    registry(REGISTRIES.replica, 'payments-prod', 'eastus'),
    replication(registry(REGISTRIES.replica, 'payments-prod', 'eastus'), 'northeurope'),
    registry(REGISTRIES.elsewhere, 'analytics-prod', 'westus3'),
    {
      id: idOf('storefront-prod', CLUSTER, 'aks-storefront-prod'),
      type: CLUSTER,
      location: 'westeurope',
      version: '1.33.2',
    },
  ];
}

/** The outage as a pull tells it: every post so far, without the ids that a push names. */
export function historyOf(posts: readonly Post[]): AzureRecord {
  const last = posts.at(-1)!;
  return {
    trackingId: last.trackingId,
    eventType: 'ServiceIssue',
    status: 'Active',
    level: last.level,
    title: last.title,
    service: last.service,
    regions: [...last.regions],
    startedAt: last.startedAt.toISOString(),
    posts: posts.map((post) => ({ at: post.at.toISOString(), html: post.text })),
    subscriptions: SUBSCRIPTIONS.map(({ id }) => id),
  };
}

function registry(name: string, subscription: string, location: string): AzureResource {
  return { id: idOf(subscription, REGISTRY, name), type: REGISTRY, location, sku: 'Premium' };
}

function replication({ id }: AzureResource, location: string): AzureResource {
  return { id: `${id}/replications/${location}`, type: `${REGISTRY}/replications`, location, endpoint: true };
}

/** The id of one of the {@link REGISTRIES}. */
export function registryId(name: string): string {
  return idOf(HOMES[name] ?? '', REGISTRY, name);
}

const HOMES: Readonly<Record<string, string>> = {
  [REGISTRIES.home]: 'storefront-prod',
  [REGISTRIES.replica]: 'payments-prod',
  [REGISTRIES.elsewhere]: 'analytics-prod',
};

function idOf(subscription: string, type: string, name: string): string {
  const owner = SUBSCRIPTIONS.find((one) => one.name === subscription)!;
  return `/subscriptions/${owner.id}/resourceGroups/rg-${subscription}/providers/${type}/${name}`;
}
