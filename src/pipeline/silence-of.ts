/** Which silence covers a due delivery. Whatever fails here means that none does: people are told (design 3.7). */
import type { RelayConfig } from '#src/config/types.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import type { Scope } from '#src/core/incident.ts';
import type { SilenceCause } from '#src/core/plan.ts';
import { MATCH_KEYS, type Match, type RouteFacts } from '#src/core/route-condition.ts';
import { concerns, isInForce, silenceFor, type Silence } from '#src/core/silence.ts';
import type { DueDelivery } from '#src/db/due.ts';
import type { SilenceInForce } from '#src/db/silences.ts';
import { judgeRoutes, routeFacts } from './routing.ts';
import type { ScopeCache } from './scope-cache.ts';

export interface SilenceOptions {
  config: RelayConfig;
  nowMs: number;
  scopes: ScopeCache;
  estate?(): EstateView;
  /** Loads the scopes of all due deliveries. */
  warm(): Promise<void>;
  onError(error: Error, context: Record<string, unknown>): void;
}

/** Finds the silence of each row; does nothing where none is in force. */
export async function openSilences(
  target: { name: string },
  due: readonly DueDelivery[],
  options: SilenceOptions,
): Promise<(row: DueDelivery) => SilenceCause | null> {
  const { config, nowMs } = options;
  const none = (): null => null;
  try {
    const silences = silencesInForce(config, due[0]?.silences ?? null, nowMs).filter((one) =>
      concerns(one, target.name),
    );
    if (silences.length === 0) return none;
    await options.warm();
    return (row) => {
      try {
        const known = options.scopes.getAtLeast(row.incidentId, row.incident.scopeCount);
        if (!known) return null;
        const facts = factsAt(target.name, row.incident, {
          ...options,
          scope: known.scope,
          estate: options.estate?.(),
        });
        return silenceFor(silences, { destination: target.name, facts });
      } catch (error) {
        options.onError(error as Error, { what: 'silence', delivery: row.id });
        return null;
      }
    };
  } catch (error) {
    options.onError(error as Error, { what: 'silence', destination: target.name });
    return none;
  }
}

/** Those of the config and of the database that are in force. One that cannot be read is none. */
export function silencesInForce(
  config: RelayConfig,
  stored: readonly SilenceInForce[] | null,
  nowMs: number,
): Silence[] {
  return [...config.silences.filter((one) => isInForce(one, nowMs)), ...(stored ?? []).flatMap(fromStored)];
}

/** In force by the database's clock: ours is not asked again. */
function fromStored({ id, match, destinations, author, reason, from, until }: SilenceInForce): Silence[] {
  const [fromMs, untilMs] = [Date.parse(from), Date.parse(until)];
  if (!isMatch(match) || !Number.isFinite(untilMs)) return [];
  return [{ id, match, destinations, author, reason, fromMs, untilMs }];
}

/** A row that somebody has written by hand, or a later release with keys that we do not know: not ours to guess at. */
function isMatch(match: unknown): match is Match {
  if (typeof match !== 'object' || match === null || Array.isArray(match)) return false;
  return Object.entries(match).every(
    ([key, patterns]) =>
      (MATCH_KEYS as readonly string[]).includes(key) &&
      Array.isArray(patterns) &&
      patterns.length > 0 &&
      patterns.every((pattern) => typeof pattern === 'string'),
  );
}

/**
 * The incident as a destination is told of it: of the subscriptions, those that its routes ask for. A team that hears of
 * its own subscriptions only may silence those.
 */
export function factsAt(
  destination: string,
  incident: Parameters<typeof routeFacts>[1],
  { config, scope, estate }: { config: RelayConfig; scope: Scope; estate?: EstateView | undefined },
): RouteFacts {
  const facts = routeFacts(config, incident, scope, estate);
  const found = judgeRoutes(config, incident, scope, estate).destinations.find(
    (one) => one.destination === destination,
  );
  const ids = new Set(found?.subscriptions);
  const subscriptions = facts.subscriptions.filter((one) => ids.has(one.id));
  return subscriptions.length === 0 ? facts : { ...facts, subscriptions };
}
