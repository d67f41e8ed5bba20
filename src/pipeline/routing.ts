/** The incident as the routes see it, and the routes' decision on it. */
import type { RelayConfig } from '#src/config/types.ts';
import { CANARY_DESTINATION } from '#src/core/canary.ts';
import type { Scope } from '#src/core/incident.ts';
import type { RouteFacts, RouteSubscription } from '#src/core/route-condition.ts';
import { estateFacts, type EstateView } from '#src/core/estate-facts.ts';
import { everyOwner } from '#src/core/estate-owners.ts';
import { matchRoutes, type RouteDecision } from '#src/core/route.ts';
import type { Kind, Severity } from '#src/core/signal.ts';

/** Facts of a whole incident, with the names that the config gives to its subscriptions. Without an estate its conditions hold. */
export function routeFacts(
  config: RelayConfig,
  incident: { kind: Kind; severity: Severity; stage: string | null },
  scope: Scope,
  estate?: EstateView,
): RouteFacts {
  const named = (id: string): RouteSubscription => {
    const known = config.subscriptions.get(id);
    return { id, name: known?.name ?? null, team: known?.team ?? null, environment: known?.environment ?? null };
  };
  const options = { owners: config.owners, destinations: live(config), subscription: named };
  return {
    kind: incident.kind,
    severity: incident.severity,
    stage: incident.stage,
    sources: scope.sources,
    impacts: scope.impacts,
    resources: scope.resources,
    subscriptions: scope.subscriptions.map(named),
    estate: estate ? estateFacts(estate, { kind: incident.kind, ...scope }, options) : null,
  };
}

function live(config: RelayConfig): string[] {
  return config.destinations.filter((destination) => !destination.retired).map((destination) => destination.name);
}

/** Judges the config's routes on a whole incident. */
export function judgeRoutes(
  config: RelayConfig,
  incident: { kind: Kind; severity: Severity; stage: string | null },
  scope: Scope,
  estate?: EstateView,
): RouteDecision {
  if (incident.kind === 'canary') return toCanaryDestination(config, scope);
  return matchRoutes(routeFacts(config, incident, scope, estate), config.routes, {
    default: config.default,
    destinations: config.destinations,
    owners: config.owners === null ? [] : everyOwner(config.owners, live(config)),
  });
}

/** Whatever the routes say, `default` included: a canary never reaches people. Without the section it goes nowhere. */
function toCanaryDestination({ canary, destinations }: RelayConfig, { subscriptions }: Scope): RouteDecision {
  const name = canary === null ? null : (canary.destination ?? CANARY_DESTINATION);
  const known = destinations.filter((destination) => destination.name === name);
  const rest = { routes: [], subscriptions, runbook: null, note: null, fields: {} };
  return { destinations: known.map((one) => ({ destination: one.name, ...rest })), unrouted: false };
}
