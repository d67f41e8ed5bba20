/** The incident as the routes see it, and the routes' decision on it. */
import type { RelayConfig } from '#src/config/types.ts';
import type { Scope } from '#src/core/incident.ts';
import type { RouteFacts } from '#src/core/route-condition.ts';
import { matchRoutes, type RouteDecision } from '#src/core/route.ts';
import type { Kind, Severity } from '#src/core/signal.ts';

/** Facts of a whole incident, with the names that the config gives to its subscriptions. */
export function routeFacts(
  config: RelayConfig,
  incident: { kind: Kind; severity: Severity; stage: string | null },
  scope: Scope,
): RouteFacts {
  return {
    kind: incident.kind,
    severity: incident.severity,
    stage: incident.stage,
    sources: scope.sources,
    impacts: scope.impacts,
    resources: scope.resources,
    subscriptions: scope.subscriptions.map((id) => {
      const known = config.subscriptions.get(id);
      return { id, name: known?.name ?? null, team: known?.team ?? null, environment: known?.environment ?? null };
    }),
  };
}

/** Judges the config's routes on a whole incident. */
export function judgeRoutes(
  config: RelayConfig,
  incident: { kind: Kind; severity: Severity; stage: string | null },
  scope: Scope,
): RouteDecision {
  return matchRoutes(routeFacts(config, incident, scope), config.routes, {
    default: config.default,
    destinations: config.destinations,
  });
}
