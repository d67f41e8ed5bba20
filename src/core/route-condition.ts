/**
 * The single conditions of a route, judged on the facts of a whole incident. Conditions about one thing must hold for
 * one and the same thing: service and region for one impact (azure-signals 1.6), subscription, team and environment for
 * one subscription, resource, resourceGroup and resourceType for one resource.
 */
import type { Impact, Kind, Severity } from './signal.ts';

/** Every key that `match` takes (design section 4), in the order in which failures are explained. */
export const MATCH_KEYS = [
  'kind',
  'severity',
  'stage',
  'source',
  'service',
  'region',
  'subscription',
  'team',
  'environment',
  'resource',
  'resourceGroup',
  'resourceType',
  'tag',
  'estate',
] as const;

export type MatchKey = (typeof MATCH_KEYS)[number];

/** Key -> patterns, any of which may hold; a key that is not there asks for nothing. */
export type Match = Readonly<Partial<Record<MatchKey, readonly string[]>>>;

/** What the relay knows of a subscription; null where the config does not name it. */
export interface RouteSubscription {
  id: string;
  name: string | null;
  team: string | null;
  environment: string | null;
}

/** The incident as routes see it: everything known under its identity, not one signal of it. */
export interface RouteFacts {
  kind: Kind;
  severity: Severity;
  /** Azure's word of the newest communication. */
  stage: string | null;
  /** Every source that sent a signal of this incident. */
  sources: readonly string[];
  impacts: readonly Impact[];
  subscriptions: readonly RouteSubscription[];
  /** ARM resource ids. */
  resources: readonly string[];
  /** What our own estate says: tags as `name=value`, labels in its own words. Null or absent without an estate. */
  estate?: { tags: readonly string[]; labels: readonly string[]; hits?: readonly EstateHit[] } | null;
}

/** One of our resources that the incident hits. */
export interface EstateHit {
  /** ARM id. */
  id: string;
  subscription: RouteSubscription;
  /** Those of the incident's impacts that meet it; empty where the incident names the resource itself. */
  impacts: readonly Impact[];
  /** As `name=value`. */
  tags: readonly string[];
  /** Destinations of its owner. */
  owners: readonly string[];
}

/** Keys that had to hold together and did not. `apart`: each holds somewhere, but never for the same thing. */
export interface FailedCondition {
  keys: readonly MatchKey[];
  apart: boolean;
}

/** Conditions that do not hold; empty when the route takes the incident. */
export function failedConditions(match: Match, facts: RouteFacts): FailedCondition[] {
  const failed: FailedCondition[] = [];
  const together = (keys: readonly MatchKey[], things: readonly Thing[]): void => {
    const asked = keys.filter((key) => match[key] !== undefined);
    if (asked.length === 0 || things.some((thing) => asked.every((key) => holds(match, key, thing)))) return;
    const apart = asked.every((key) => things.some((thing) => holds(match, key, thing)));
    failed.push({ keys: apart ? asked : asked.filter((key) => !things.some((t) => holds(match, key, t))), apart });
  };
  together(['kind'], [{ kind: [facts.kind] }]);
  together(['severity'], [{ severity: [facts.severity] }]);
  together(['stage'], [{ stage: known(facts.stage) }]);
  together(['source'], [{ source: facts.sources }]);
  together(['service', 'region'], facts.impacts.map(impactThing));
  if (asksSubscription(match)) together(SUBSCRIPTION_KEYS, facts.subscriptions.map(subscriptionThing));
  if (asksResource(match)) together(['resource', 'resourceGroup', 'resourceType'], facts.resources.map(resourceThing));
  if (facts.estate) {
    together(['tag'], [{ tag: facts.estate.tags }]);
    together(['estate'], [{ estate: facts.estate.labels }]);
  }
  return failed;
}

/** Ids of the subscriptions that satisfy the subscription conditions of a match; all of them where it has none. */
export function subscriptionsOf(match: Match, facts: RouteFacts): string[] {
  const asked = SUBSCRIPTION_KEYS.filter((key) => match[key] !== undefined);
  return facts.subscriptions
    .filter((subscription) => asked.every((key) => holds(match, key, subscriptionThing(subscription))))
    .map((subscription) => subscription.id);
}

/** What the incident has under a key, for explanations; without repeats. */
export function factValues(key: MatchKey, facts: RouteFacts): string[] {
  const things: Thing[] = [
    { kind: [facts.kind], severity: [facts.severity], source: facts.sources, stage: known(facts.stage) },
    { tag: facts.estate?.tags ?? [], estate: facts.estate?.labels ?? [] },
    ...facts.impacts.map(impactThing),
    ...facts.subscriptions.map(subscriptionThing),
    ...facts.resources.map(resourceThing),
  ];
  return [...new Set(things.flatMap((thing) => thing[key] ?? []))];
}

/**
 * Whether a pattern covers a whole text, without regard to case. Only `*` (any run) and `?` (one character) are special:
 * Azure's service names hold parentheses. Two pointers, so that no pattern can take exponential time.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const p = pattern.toLowerCase();
  const t = text.toLowerCase();
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let i = 0; i < t.length;) {
    if (p[at] === '*') {
      star = at++;
      resume = i;
    } else if (at < p.length && (p[at] === '?' || p[at] === t[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (p[at] === '*') at++;
  return at === p.length;
}

/** Values under the keys of one impact, subscription or resource. */
type Thing = Readonly<Partial<Record<MatchKey, readonly string[]>>>;

const SUBSCRIPTION_KEYS = ['subscription', 'team', 'environment'] as const;

function asksSubscription(match: Match): boolean {
  return SUBSCRIPTION_KEYS.some((key) => match[key] !== undefined);
}

function asksResource(match: Match): boolean {
  return match.resource !== undefined || match.resourceGroup !== undefined || match.resourceType !== undefined;
}

function holds(match: Match, key: MatchKey, thing: Thing): boolean {
  const values = thing[key] ?? [];
  if (key === 'region') return values.some((value) => regionHolds(match.region ?? [], value));
  return values.some((value) => match[key]?.some((pattern) => matchesGlob(pattern, value)));
}

/** Azure writes both "West Europe" and "westeurope". An unknown region could be any: it holds (fail open). */
function regionHolds(patterns: readonly string[], region: string): boolean {
  if (region === '') return true;
  const plain = region.replaceAll(' ', '');
  return patterns.some((pattern) => matchesGlob(pattern.replaceAll(' ', ''), plain));
}

function impactThing(impact: Impact): Thing {
  return { service: [impact.service], region: [impact.region] };
}

function subscriptionThing(subscription: RouteSubscription): Thing {
  return {
    subscription: known(subscription.id, subscription.name),
    team: known(subscription.team),
    environment: known(subscription.environment),
  };
}

function known(...values: readonly (string | null)[]): string[] {
  return values.filter((value) => value !== null);
}

/** A resource goes by its whole id or its last name; group and type are read from the id, the type from its last provider. */
function resourceThing(resource: string): Thing {
  const parts = resource.split('/').filter((part) => part !== '');
  const lower = parts.map((part) => part.toLowerCase());
  const group = parts[lower.indexOf('resourcegroups') + 1];
  const provider = lower.lastIndexOf('providers');
  const type = parts.slice(provider + 1).filter((_, index) => index === 0 || index % 2 === 1);
  return {
    resource: [resource, ...parts.slice(-1)],
    resourceGroup: lower.includes('resourcegroups') && group !== undefined ? [group] : [],
    resourceType: provider >= 0 && type.length > 1 ? [type.join('/')] : [],
  };
}
