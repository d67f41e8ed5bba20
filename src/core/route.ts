/**
 * Which destinations an incident goes to. Pure: the same facts and routes give the same decision, so `relay route` can
 * answer for the running relay. Routes are judged on the whole incident at every revision (design section 6).
 */
import {
  failedConditions,
  factValues,
  subscriptionsOf,
  type FailedCondition,
  type Match,
  type MatchKey,
  type RouteFacts,
} from './route-condition.ts';
import type { FlappingRule } from './flapping.ts';
import type { SustainedRule } from './sustained.ts';

export interface Route {
  /** For explanations; null where the config gives none. */
  name: string | null;
  match: Match;
  /** Names of destinations. */
  to: readonly string[];
  /** No later route is judged once this one has matched. */
  stop: boolean;
  runbook: string | null;
  note: string | null;
  /** Extra fields for adapters that take some (ServiceNow). */
  fields: Readonly<Record<string, string>>;
  /** Own alerts and resources notify once they are sustained. */
  sustained?: SustainedRule | null;
  /** Own alerts and resources that flap are told so once. */
  flapping?: FlappingRule | null;
}

export interface RouteOptions {
  /** Destinations of an incident that no route takes; empty means every destination. */
  default: readonly string[];
  destinations: readonly { name: string; retired: boolean }[];
  /** Everyone that `owners` in a route's `to` can mean: who is told while the estate is unknown. */
  owners?: readonly string[];
}

/** In a route's `to`: the owners of those of our resources that are hit under the route's own conditions. */
export const OWNERS = 'owners';

/** Why a destination is told, and with what. */
export interface DestinationMatch {
  destination: string;
  /** Positions of the routes that named it; empty where no route did. */
  routes: readonly number[];
  /** Ids of the incident's subscriptions that those routes asked for; all of them where a route asks for none. */
  subscriptions: readonly string[];
  /** Of the first of those routes that has one. */
  runbook: string | null;
  note: string | null;
  /** Merged; the first route that sets a field wins. */
  fields: Readonly<Record<string, string>>;
}

export interface RouteDecision {
  /** In the order in which the routes name them; never a retired one. */
  destinations: readonly DestinationMatch[];
  /** No route named a destination that still takes incidents: the default list or everyone is told. */
  unrouted: boolean;
  /** A route that asks the estate took the incident only because the estate is unknown (fail open). */
  estateUnknown?: boolean;
}

/**
 * Every matching route applies, first to last, until one that stops. Without a match the incident goes to `default`,
 * else to every destination that is not retired: an incident is never dropped for want of a route.
 */
export function matchRoutes(facts: RouteFacts, routes: readonly Route[], options: RouteOptions): RouteDecision {
  const live = options.destinations
    .filter((destination) => !destination.retired)
    .map((destination) => destination.name);
  const open = new Set(live);
  const found = new Map<string, Found>();
  let estateUnknown = false;
  for (const [index, route] of routes.entries()) {
    if (failedConditions(route.match, facts).length > 0) continue;
    estateUnknown ||= !facts.estate && asksEstate(route);
    for (const name of route.to.flatMap((one) =>
      one === OWNERS && !open.has(OWNERS) ? ownersFor(route, facts, options) : [one],
    )) {
      if (open.has(name)) found.set(name, withRoute(found.get(name), { index, route, facts }));
    }
    if (route.stop) break;
  }
  if (found.size > 0) {
    return {
      destinations: [...found].map(([destination, rest]) => ({ destination, ...finished(rest) })),
      unrouted: false,
      estateUnknown,
    };
  }
  const wanted = options.default.filter((name) => open.has(name));
  const all = facts.subscriptions.map((subscription) => subscription.id);
  const plain = { routes: [], subscriptions: all, runbook: null, note: null, fields: {} };
  const names = new Set(wanted.length > 0 ? wanted : live);
  return { destinations: [...names].map((destination) => ({ destination, ...plain })), unrouted: true, estateUnknown };
}

function asksEstate(route: Route): boolean {
  return route.to.includes(OWNERS) || route.match.tag !== undefined || route.match.estate !== undefined;
}

/** Owners of the resources that satisfy the whole match by themselves; everyone they can be while the estate is unknown. */
function ownersFor(route: Route, facts: RouteFacts, options: RouteOptions): readonly string[] {
  if (!facts.estate) return options.owners ?? [];
  const hits = (facts.estate.hits ?? []).filter((hit) => {
    const alone: RouteFacts = {
      ...facts,
      impacts: hit.impacts.length > 0 ? hit.impacts : facts.impacts,
      subscriptions: [hit.subscription],
      resources: [hit.id],
      estate: { tags: hit.tags, labels: facts.estate?.labels ?? [] },
    };
    return failedConditions(route.match, alone).length === 0;
  });
  return [...new Set(hits.flatMap((hit) => hit.owners))];
}

export interface RouteExplanation {
  /** Position in the config. */
  route: number;
  name: string | null;
  result: 'matched' | 'failed' | 'not reached';
  to: readonly string[];
  /** One sentence per condition that did not hold; a note where one held only because nothing is known. */
  because: readonly string[];
}

/** Says for every route why it took the incident or not; for `relay route --explain`. */
export function explainRoutes(facts: RouteFacts, routes: readonly Route[]): RouteExplanation[] {
  let stopped = -1;
  return routes.map((route, index) => {
    const head = { route: index, name: route.name, to: route.to };
    if (stopped >= 0) {
      return { ...head, result: 'not reached' as const, because: [`routes[${stopped}] matched and stops`] };
    }
    const failed = failedConditions(route.match, facts);
    if (failed.length > 0) {
      return { ...head, result: 'failed' as const, because: failed.map((one) => sentence(one, route.match, facts)) };
    }
    if (route.stop) stopped = index;
    return { ...head, result: 'matched' as const, because: openHanded(route.match, facts) };
  });
}

interface Found {
  routes: number[];
  subscriptions: Set<string>;
  runbook: string | null;
  note: string | null;
  fields: Record<string, string>;
}

function withRoute(
  before: Found | undefined,
  { index, route, facts }: { index: number; route: Route; facts: RouteFacts },
): Found {
  return {
    routes: [...(before?.routes ?? []), index],
    subscriptions: new Set([...(before?.subscriptions ?? []), ...subscriptionsOf(route.match, facts)]),
    runbook: before?.runbook ?? route.runbook,
    note: before?.note ?? route.note,
    fields: { ...route.fields, ...before?.fields },
  };
}

function finished(found: Found): Omit<DestinationMatch, 'destination'> {
  return { ...found, subscriptions: [...found.subscriptions] };
}

/** At most this many values of the incident are named in a sentence: an outage can list hundreds of subscriptions. */
const VALUES_SHOWN = 5;

function sentence(failed: FailedCondition, match: Match, facts: RouteFacts): string {
  if (failed.apart)
    return `${failed.keys.join(' and ')}: each holds, but not for one and the same ${thingOf(failed.keys[0])}`;
  const parts = failed.keys.map(
    (key) => `${key}: wants ${list(match[key] ?? [])}, incident has ${list(factValues(key, facts))}`,
  );
  return parts.join('; ');
}

function thingOf(key: MatchKey | undefined): string {
  if (key === 'service' || key === 'region') return 'impact';
  return key === 'resource' || key === 'resourceGroup' || key === 'resourceType' ? 'resource' : 'subscription';
}

function list(values: readonly string[]): string {
  if (values.length === 0) return 'none';
  const shown = values.slice(0, VALUES_SHOWN).map((value) => (value === '' ? 'unknown' : `"${value}"`));
  return shown.join(', ') + (values.length > VALUES_SHOWN ? ` and ${values.length - VALUES_SHOWN} more` : '');
}

function openHanded(match: Match, facts: RouteFacts): string[] {
  const notes: string[] = [];
  if (match.region && facts.impacts.some((impact) => impact.region === '')) notes.push('region: unknown, so it holds');
  for (const key of ['tag', 'estate'] as const) {
    if (match[key] && !facts.estate) notes.push(`${key}: no estate is known, so it holds`);
  }
  return notes;
}
