/** Who owns a resource, and which destinations that means (routes with `to: [owners]`). Pure. */
import type { EstateIndex, EstateResource } from './estate.ts';

/** The section `owners` of the config. */
export interface OwnerRules {
  /** Name of the tag that names the owner; compared without case. Null: only the mapping counts. */
  tag: string | null;
  /** Scope -> owner: a subscription id or an ARM id, lower-cased; the longest one that holds the resource wins. */
  scopes: ReadonlyMap<string, string>;
  /** Owner, lower-cased -> destinations. An owner that is not here may be the name of a destination itself. */
  destinations: ReadonlyMap<string, readonly string[]>;
  /** For resources whose owner is unknown, or means no destination. */
  default: readonly string[];
}

/** The owner: tag of the resource, else the mapping, else tag of its subscription. */
export function ownerOf(resource: EstateResource, rules: OwnerRules, index: EstateIndex): string | null {
  const subscription = index.subscriptions.get(resource.subscription);
  return tagOf(resource.tags, rules.tag) ?? mapped(resource, rules) ?? tagOf(subscription?.tags ?? {}, rules.tag);
}

/**
 * Destinations of the owner of a resource. Where the owner is unknown or means none of `known`, the default ones;
 * without any, all that owners can mean: nobody is left out for want of a tag.
 */
export function destinationsOf(owner: string | null, rules: OwnerRules, known: readonly string[]): string[] {
  const named = owner === null ? [] : (rules.destinations.get(owner.toLowerCase()) ?? sameName(owner, known));
  const usable = named.filter((name) => known.includes(name));
  return usable.length > 0 ? usable : rules.default.length > 0 ? [...rules.default] : everyOwner(rules, known);
}

/**
 * Everyone that `owners` can mean: who is told while the estate is unknown. Without a map of owners a tag may hold the
 * name of any destination.
 */
export function everyOwner(rules: OwnerRules, known: readonly string[]): string[] {
  if (rules.destinations.size === 0) return [...known];
  const names = new Set([...[...rules.destinations.values()].flat(), ...rules.default]);
  return known.filter((name) => names.has(name));
}

function tagOf(tags: Readonly<Record<string, string>>, name: string | null): string | null {
  if (name === null) return null;
  const found = Object.entries(tags).find(([key]) => key.toLowerCase() === name.toLowerCase());
  const value = found?.[1].trim() ?? '';
  return value === '' ? null : value;
}

/** Subscription, resource group, resource: from the id towards its root. */
function mapped(resource: EstateResource, { scopes }: OwnerRules): string | null {
  if (scopes.size === 0) return null;
  const parts = resource.id.split('/');
  for (let length = parts.length; length > 2; length--) {
    const owner = scopes.get(parts.slice(0, length).join('/'));
    if (owner !== undefined) return owner;
  }
  return scopes.get(resource.subscription) ?? null;
}

function sameName(owner: string, known: readonly string[]): string[] {
  return known.filter((name) => name.toLowerCase() === owner.toLowerCase());
}
