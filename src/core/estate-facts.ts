/** What the estate says about an incident, for routes and for people. Unknown or stale says nothing, with the reason (design 3.7). */
import { blastRadius, type EstateIndex, type EstateResource, type Hit } from './estate.ts';
import { destinationsOf, ownerOf, type OwnerRules } from './estate-owners.ts';
import { isServiceHealth } from './incident.ts';
import type { RouteFacts, RouteSubscription } from './route-condition.ts';
import type { Impact, Kind } from './signal.ts';

/** The estate as a process knows it. */
export interface EstateView {
  /** Null until it was read once. */
  index: EstateIndex | null;
  /** When Azure or the file said so, ISO 8601 UTC. */
  takenAt: string | null;
  /** Why nothing may be decided by it; null where it is known and fresh. */
  unknown: string | null;
}

interface Place {
  kind: Kind;
  impacts: readonly Impact[];
  subscriptions: readonly string[];
  resources: readonly string[];
}

/** Null where the estate can be trusted for this incident, else why not, in words. */
export function whyUnknown(view: EstateView, incident: Place): string | null {
  const { index } = view;
  if (view.unknown !== null || index === null) return view.unknown ?? 'the estate has not been read yet';
  if (!isServiceHealth(incident.kind)) {
    const strange = incident.resources.filter(
      (id) => blastRadius(index, { impacts: [], resources: [id] }).length === 0,
    );
    if (incident.resources.length > 0 && strange.length === 0) return null;
    return 'this alert is about resources that the estate does not cover';
  }
  if (index.subscriptions.size === 0) return null;
  const strange = incident.subscriptions.filter((id) => !index.subscriptions.has(id));
  if (strange.length === 0) return null;
  return `the estate does not cover ${strange.length} of the ${incident.subscriptions.length} subscriptions`;
}

export interface EstateFactsOptions {
  owners: OwnerRules | null;
  /** Names of destinations that take incidents. */
  destinations: readonly string[];
  /** What the config knows of a subscription. */
  subscription(id: string): RouteSubscription;
}

/** The part of the route facts that the estate brings; null: unknown, and every condition on it holds. */
export function estateFacts(view: EstateView, incident: Place, options: EstateFactsOptions): RouteFacts['estate'] {
  const { owners, destinations } = options;
  const { index } = view;
  if (index === null || whyUnknown(view, incident) !== null) return null;
  const hits = blastRadius(index, incident).map(({ resource, impacts }) => ({
    id: resource.id,
    subscription: options.subscription(resource.subscription),
    impacts,
    tags: tagsOf(resource, index),
    owners: owners === null ? [] : destinationsOf(ownerOf(resource, owners, index), owners, destinations),
  }));
  return { tags: [...new Set(hits.flatMap((hit) => hit.tags))], labels: hits.length > 0 ? ['hit'] : ['none'], hits };
}

/** `name=value` of the resource, then of its subscription where the resource has no tag of that name. */
function tagsOf(resource: EstateResource, index: EstateIndex): string[] {
  const inherited = index.subscriptions.get(resource.subscription)?.tags ?? {};
  return Object.entries({ ...inherited, ...resource.tags }).map(([name, value]) => `${name}=${value}`);
}

/** At most this many resources are named in a message. */
const NAMED_MAX = 8;

/** `3 registries (1 by a replica), 1 cluster: acr-a, acr-b (replica), ...`; `none` when nothing is hit. */
export function hitsInWords(hits: readonly Hit[]): string {
  if (hits.length === 0) return 'none hit';
  const counted = (['registry', 'cluster'] as const).flatMap((kind) => {
    const some = hits.filter((hit) => hit.resource.kind === kind);
    if (some.length === 0) return [];
    const replicas = some.filter(isReplicaOnly).length;
    const words = `${some.length} ${kind === 'registry' ? (some.length === 1 ? 'registry' : 'registries') : some.length === 1 ? 'cluster' : 'clusters'}`;
    return [replicas > 0 ? `${words} (${replicas} by a replica only)` : words];
  });
  const names = hits.slice(0, NAMED_MAX).map((hit) => `${hit.resource.name}${isReplicaOnly(hit) ? ' (replica)' : ''}`);
  const more = hits.length > names.length ? ` and ${hits.length - names.length} more` : '';
  return `${counted.join(', ')}: ${names.join(', ')}${more}`;
}

function isReplicaOnly(hit: Hit): boolean {
  return hit.by.includes('replica') && !hit.by.includes('home');
}
