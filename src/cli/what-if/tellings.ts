/** Who would have been told what in a span, by one config: the planner's word on what was folded in memory. */
import type { Action } from '#src/core/adapter.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { playOf } from '../damping-of.ts';
import type { FoldedIncident } from '../fold-payloads.ts';
import { silencedBy } from '../silenced.ts';

export interface Telling {
  /** ISO 8601 UTC. */
  at: string;
  destination: string;
  /** What stays when a destination is renamed. */
  destinationId: string;
  type: string;
  /** `test` for the portal's test notifications. */
  action: Action | 'test';
  identity: string;
  episode: number;
  trackingId: string | null;
  headline: string;
  /** The routes that named the destination, in words. */
  why: string;
}

/** A test notification that came in. */
export interface PastTest {
  at: string;
  identity: string;
  title: string;
}

/** What all destinations hear in [fromMs, toMs), in order. */
export function tellingsOf(
  config: RelayConfig,
  folded: { incidents: readonly FoldedIncident[]; tests: readonly PastTest[] },
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Telling[] {
  const stories = [...Map.groupBy(folded.incidents, (one) => one.incident.identity).values()];
  const heard = config.destinations.flatMap((destination) =>
    stories.flatMap((story) => hear(destination, story, { config, untilMs: toMs - 1 })),
  );
  const told = config.destinations.find((destination) => destination.name === config.tests);
  const tests = told ? folded.tests.map((test) => testTelling(told, test)) : [];
  return [...heard, ...tests]
    .filter(({ at }) => Date.parse(at) >= fromMs && Date.parse(at) < toMs)
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function hear(
  destination: Destination,
  story: readonly FoldedIncident[],
  { config, untilMs }: { config: RelayConfig; untilMs: number },
): Telling[] {
  const { name, id, type } = destination;
  const episodes = story.filter((one) => one.told.has(name));
  if (episodes.length === 0) return [];
  const byEpisode = new Map(episodes.map((one) => [one.incident.episode, one]));
  const silence = (episode: number, nowMs: number) =>
    silencedBy(name, byEpisode.get(episode)!, { config, now: new Date(nowMs) });
  const asked = config.silences.length === 0 ? {} : { silence };
  return playOf(destination, episodes, { config, untilMs, ...asked }).map(({ atMs, action, episode }) => {
    const one = byEpisode.get(episode)!;
    const { identity, trackingId, headline } = one.incident;
    return {
      at: new Date(atMs).toISOString(),
      destination: name,
      destinationId: id,
      type,
      action,
      identity,
      episode,
      trackingId,
      headline,
      why: whyOf(one.by.get(name) ?? [], config),
    };
  });
}

function testTelling({ name, id, type }: Destination, { at, identity, title }: PastTest): Telling {
  return {
    at,
    destination: name,
    destinationId: id,
    type,
    action: 'test',
    identity,
    episode: 1,
    trackingId: null,
    headline: title,
    why: 'tests: names it',
  };
}

function whyOf(routes: readonly number[], config: RelayConfig): string {
  if (routes.length > 0) return routes.map((index) => nameOfRoute(index, config)).join(', ');
  return config.default.length > 0 ? 'no route takes it: default' : 'no route takes it: everyone';
}

/** `routes[0] production`. */
export function nameOfRoute(index: number, config: RelayConfig): string {
  const name = config.routes[index]?.name ?? null;
  return `routes[${index}]${name === null ? '' : ` ${name}`}`;
}
