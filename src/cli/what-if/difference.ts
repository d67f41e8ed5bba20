/** What one config tells and the other does not. Pure. */
import type { RelayConfig } from '#src/config/types.ts';
import { explainRoutes, OWNERS } from '#src/core/route.ts';
import { routeFacts } from '#src/pipeline/routing.ts';
import type { FoldedIncident } from '../fold-payloads.ts';
import { nameOfRoute, type Telling } from './tellings.ts';

/** One config with what came of it. */
export interface Side {
  config: RelayConfig;
  incidents: readonly FoldedIncident[];
  tellings: readonly Telling[];
}

export interface Difference {
  /** Told under the new config only; `because` says why today's does not. */
  added: (Telling & { because: string[] })[];
  /** Told under today's config only; `because` says why the new one does not. */
  gone: (Telling & { because: string[] })[];
  same: Telling[];
}

/** Two tellings are the same when destination (by id), incident, action and moment are. */
export function differenceOf(today: Side, next: Side): Difference {
  const left = countKeys(today.tellings);
  const same: Telling[] = [];
  const added: Telling[] = [];
  for (const telling of next.tellings) {
    const key = keyOf(telling);
    const count = left.get(key) ?? 0;
    if (count > 0) left.set(key, count - 1);
    (count > 0 ? same : added).push(telling);
  }
  // What is left over: the last ones of a key, for the first ones found their like.
  const gone = today.tellings.toReversed().filter((telling) => {
    const count = left.get(keyOf(telling)) ?? 0;
    if (count > 0) left.set(keyOf(telling), count - 1);
    return count > 0;
  });
  return {
    added: explained(added, today),
    gone: explained(gone.toReversed(), next),
    same,
  };
}

function keyOf({ at, destinationId, action, identity, episode }: Telling): string {
  return JSON.stringify([at, destinationId, action, identity, episode]);
}

function countKeys(tellings: readonly Telling[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const telling of tellings) counts.set(keyOf(telling), (counts.get(keyOf(telling)) ?? 0) + 1);
  return counts;
}

function explained(tellings: readonly Telling[], absentFrom: Side): Difference['added'] {
  const incidents = new Map(absentFrom.incidents.map((one) => [pairOf(one.incident), one]));
  const known = new Map<string, string[]>();
  return tellings.map((telling) => {
    const key = JSON.stringify([telling.destinationId, telling.identity, telling.episode, telling.action === 'test']);
    const because = known.get(key) ?? whyNot(telling, absentFrom.config, incidents.get(pairOf(telling)));
    known.set(key, because);
    return { ...telling, because };
  });
}

function pairOf({ identity, episode }: { identity: string; episode: number }): string {
  return `${episode} ${identity}`;
}

/** Why a config does not say this; judged on the incident as it stands at the end of the span. */
function whyNot({ destinationId, action }: Telling, config: RelayConfig, one: FoldedIncident | undefined): string[] {
  const destination = config.destinations.find((known) => known.id === destinationId);
  if (!destination) return ['there is no such destination'];
  if (action === 'test') return [config.tests === null ? 'tests: names nobody' : `tests: names ${config.tests}`];
  if (!one) return ['there is no such incident'];
  const { name } = destination;
  if (one.told.has(name)) {
    return [`told of it there as well, at other moments (updates: ${destination.updates.policy})`];
  }
  if (destination.retired) return ['it is retired'];
  const explanations = explainRoutes(routeFacts(config, one.incident, one.scope), config.routes);
  const naming = explanations.filter(({ to }) => to.includes(name) || to.includes(OWNERS));
  const reasons = naming.map(({ route, result, because }) => {
    const why = because.length === 0 ? '' : `: ${because.join('; ')}`;
    return `${nameOfRoute(route, config)} ${result}${why}`;
  });
  if (one.contextOnly) return ['context, such as an image push, and no route asks for kind: change by name'];
  return reasons.length === 0 ? ['no route names it'] : reasons;
}
