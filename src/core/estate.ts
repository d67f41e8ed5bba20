/**
 * Our own resources, and which of them an incident hits: the blast radius. Pure. Knows registries with their replicas
 * and AKS clusters; other services have no resources here, so their outages hit nothing of the estate.
 */
import type { Impact } from './signal.ts';

export type ResourceKind = 'registry' | 'cluster';

export interface Replica {
  /** As Azure names it: `westeurope`. */
  region: string;
  /** False: pulls are not routed to it; null where nothing tells. */
  endpoint: boolean | null;
}

export interface EstateResource {
  /** Lower-cased ARM id. */
  id: string;
  kind: ResourceKind;
  name: string;
  subscription: string;
  /** Home region. */
  region: string;
  /** Geo-replicas beside the home region; only registries have some. */
  replicas: readonly Replica[];
  /** Kubernetes version of a cluster, SKU of a registry. */
  version: string | null;
  tags: Readonly<Record<string, string>>;
}

export interface EstateSubscription {
  /** Lower-cased. */
  id: string;
  name: string | null;
  tags: Readonly<Record<string, string>>;
}

export interface Estate {
  resources: readonly EstateResource[];
  /** What the reader could see; empty where the estate does not say. */
  subscriptions: readonly EstateSubscription[];
}

/** Why a resource counts as hit: its home region, a replica's region, its own id in the signal or on Azure's list. */
export type HitBy = 'home' | 'replica' | 'named';

export interface Hit {
  resource: EstateResource;
  by: readonly HitBy[];
  /** Impacts that meet it; empty when it is only named. */
  impacts: readonly Impact[];
}

/** Names under which Azure's posts speak of a kind (azure-signals 1.6, 1.7). */
const SERVICES: Readonly<Record<string, ResourceKind>> = {
  containerregistry: 'registry',
  azurecontainerregistry: 'registry',
  'azurekubernetesservice(aks)': 'cluster',
  azurekubernetesservice: 'cluster',
  kubernetesservice: 'cluster',
  aks: 'cluster',
};

/** The estate with what is looked up in it. */
export interface EstateIndex {
  estate: Estate;
  byId: ReadonlyMap<string, EstateResource>;
  /** `registry\nwesteurope` -> those that live or have a replica there. */
  byPlace: ReadonlyMap<string, readonly EstateResource[]>;
  byKind: ReadonlyMap<ResourceKind, readonly EstateResource[]>;
  subscriptions: ReadonlyMap<string, EstateSubscription>;
}

/** Builds the look-ups; linear in the size of the estate. */
export function indexEstate(estate: Estate): EstateIndex {
  const byPlace = new Map<string, EstateResource[]>();
  for (const resource of estate.resources) {
    for (const region of regionsOf(resource)) {
      const key = `${resource.kind}\n${foldName(region)}`;
      const there = byPlace.get(key);
      if (there) there.push(resource);
      else byPlace.set(key, [resource]);
    }
  }
  return {
    estate,
    byId: new Map(estate.resources.map((resource) => [resource.id, resource])),
    byPlace,
    byKind: Map.groupBy(estate.resources, (resource) => resource.kind),
    subscriptions: new Map(estate.subscriptions.map((subscription) => [subscription.id, subscription])),
  };
}

/**
 * Our resources that an incident hits, by id. Service and region hold for one and the same impact; an impact without a
 * region, or in region Global, hits every resource of its service. `resources` are ids that the incident names.
 */
export function blastRadius(
  index: EstateIndex,
  incident: { impacts: readonly Impact[]; resources: readonly string[] },
): Hit[] {
  const hits = new Map<string, { resource: EstateResource; by: Set<HitBy>; impacts: Impact[] }>();
  const hitOf = (resource: EstateResource) => {
    let hit = hits.get(resource.id);
    if (!hit) hits.set(resource.id, (hit = { resource, by: new Set(), impacts: [] }));
    return hit;
  };
  for (const impact of incident.impacts) {
    const kind = kindOfService(impact.service);
    if (kind === null) continue;
    const region = foldName(impact.region);
    const anywhere = region === '' || region === 'global';
    const there = anywhere ? index.byKind.get(kind) : index.byPlace.get(`${kind}\n${region}`);
    for (const resource of there ?? []) {
      const hit = hitOf(resource);
      hit.impacts.push(impact);
      hit.by.add(anywhere || foldName(resource.region) === region ? 'home' : 'replica');
    }
  }
  for (const id of incident.resources) {
    const resource = index.byId.get(id) ?? index.byId.get(parentId(id));
    if (resource) hitOf(resource).by.add('named');
  }
  return [...hits.values()]
    .map((hit) => ({ ...hit, by: [...hit.by] }))
    .sort((a, b) => (a.resource.id < b.resource.id ? -1 : 1));
}

/** What the estate calls the resources of a service in Azure's posts; null for services that it does not cover. */
export function kindOfService(service: string): ResourceKind | null {
  const key = foldName(service);
  return Object.hasOwn(SERVICES, key) ? SERVICES[key]! : null;
}

/** `West Europe` and `westeurope` are one region. */
export function foldName(name: string): string {
  return name.replaceAll(/\s+/g, '').toLowerCase();
}

function regionsOf(resource: EstateResource): Set<string> {
  return new Set([resource.region, ...resource.replicas.map((replica) => replica.region)].map(foldName));
}

/** A replication or node pool stands for the registry or cluster that it belongs to. */
function parentId(id: string): string {
  return id.split('/').slice(0, -2).join('/');
}
