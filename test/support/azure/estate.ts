/** A made-up estate: 500 subscriptions, 120 registries of which 30 are geo-replicated, 80 clusters; always the same. */
import { subscriptionId } from '#test/support/fixtures.ts';
import type { AzureResource } from './records.ts';

export const REGIONS = ['westeurope', 'northeurope', 'eastus', 'westus3', 'southeastasia'] as const;
export const TEAMS = ['payments', 'search', 'media', 'billing', 'fraud', 'mobile', 'data', 'iot'] as const;

/** What the test knows of a resource without asking the relay. */
export interface KnownResource {
  id: string;
  kind: 'registry' | 'cluster';
  /** Home first. */
  regions: string[];
  /** Null where no tag and no mapping says. */
  owner: string | null;
}

export interface KnownEstate {
  subscriptions: { id: string; name: string; tags?: Record<string, string> }[];
  resources: AzureResource[];
  known: KnownResource[];
}

const REGISTRY = 'Microsoft.ContainerRegistry/registries';
const CLUSTER = 'Microsoft.ContainerService/managedClusters';

/** Owners stand in three places: tag of the resource, tag of its subscription, nowhere. */
export function makeEstate(): KnownEstate {
  const subscriptions = Array.from({ length: 500 }, (_, index) => {
    const owner = TEAMS[index % TEAMS.length]!;
    // Every fifth subscription names its owner itself.
    return {
      id: subscriptionId(index + 1),
      name: `sub-${index + 1}`,
      ...(index % 5 === 0 ? { tags: { Owner: owner } } : {}),
    };
  });
  const resources: AzureResource[] = [];
  const known: KnownResource[] = [];
  const add = (kind: KnownResource['kind'], number: number, replicas: string[]): void => {
    const subscription = subscriptions[(number * 7) % 500]!;
    const home = REGIONS[number % (kind === 'registry' ? 4 : 5)]!;
    const own = number % 3 === 0 ? null : TEAMS[(number * 5) % TEAMS.length]!;
    const type = kind === 'registry' ? REGISTRY : CLUSTER;
    const id = `/subscriptions/${subscription.id}/resourceGroups/rg-${number}/providers/${type}/${kind}${number}`;
    const tags = own === null ? undefined : { owner: own, stage: number % 2 === 0 ? 'prod' : 'dev' };
    resources.push({
      id,
      type: type.toLowerCase(),
      location: home,
      ...(tags ? { tags } : {}),
      ...(kind === 'registry' ? { sku: replicas.length > 0 ? 'Premium' : 'Standard' } : { version: '1.33.2' }),
    });
    for (const region of replicas.length > 0 ? [home, ...replicas] : [])
      resources.push({
        id: `${id}/replications/${region}`,
        type: `${REGISTRY}/replications`.toLowerCase(),
        location: region,
        endpoint: true,
      });
    known.push({
      id: id.toLowerCase(),
      kind,
      regions: [home, ...replicas],
      owner: own ?? subscription.tags?.Owner ?? null,
    });
  };
  for (let number = 0; number < 120; number++) {
    const home = REGIONS[number % 4]!;
    const others = REGIONS.filter((region) => region !== home);
    add('registry', number, number % 4 === 1 ? [others[number % 3]!, others[3]!] : []);
  }
  for (let number = 0; number < 80; number++) add('cluster', number, []);
  return { subscriptions, resources, known };
}
