/**
 * Silences: windows in which routes keep quiet. Pure. A silence takes the match of a route and reads it the other way
 * round: a route takes an incident when one of its places fits, a silence covers it only when all of them do and are
 * known. Who is not sure is told (design 3.7).
 */
import type { SilenceCause } from './plan.ts';
import { failedConditions, type Match, type RouteFacts } from './route-condition.ts';

/** A window of at most this long: a slip of the year must not silence for ten. */
export const SILENCE_DAYS_MAX = 90;

export interface Silence {
  /** `sil_...`; `config/...` for those of the config. */
  id: string;
  match: Match;
  /** Null: every destination. */
  destinations: readonly string[] | null;
  author: string;
  /** Empty where nobody gave one. */
  reason: string;
  fromMs: number;
  /** The first moment after it. */
  untilMs: number;
}

/** Whether a silence is in force at a moment. */
export function isInForce(silence: Pick<Silence, 'fromMs' | 'untilMs'>, nowMs: number): boolean {
  return silence.fromMs <= nowMs && nowMs < silence.untilMs;
}

/** Whether a silence speaks of this destination at all. */
export function concerns(silence: Pick<Silence, 'destinations'>, destination: string): boolean {
  return silence.destinations === null || silence.destinations.includes(destination);
}

/**
 * Whether the whole of an incident lies within a silence's match: every impact, subscription, resource, source and hit
 * of the estate by itself. An impact without a region may be anywhere and lies in no region; without an estate no `tag`
 * or `estate` holds.
 */
export function covers(match: Match, facts: RouteFacts): boolean {
  // A canary that is silenced would look like a relay that is broken.
  if (facts.kind === 'canary') return false;
  const asks = (...keys: (keyof Match)[]): boolean => keys.some((key) => match[key] !== undefined);
  if (asks('tag', 'estate') && !facts.estate) return false;
  if (asks('region') && facts.impacts.some((impact) => impact.region === '')) return false;
  const holds = (part: Partial<RouteFacts>): boolean => failedConditions(match, { ...facts, ...part }).length === 0;
  if (!holds({})) return false;
  if (asks('service', 'region') && !facts.impacts.every((impact) => holds({ impacts: [impact] }))) return false;
  if (
    asks('subscription', 'team', 'environment') &&
    !facts.subscriptions.every((one) => holds({ subscriptions: [one] }))
  )
    return false;
  if (asks('resource', 'resourceGroup', 'resourceType') && !facts.resources.every((one) => holds({ resources: [one] })))
    return false;
  if (asks('source') && !facts.sources.every((one) => holds({ sources: [one] }))) return false;
  if (!asks('tag')) return true;
  const { estate } = facts;
  return (estate?.hits ?? []).every((hit) => holds({ estate: { ...estate!, tags: hit.tags } }));
}

/**
 * The silence that holds a destination's delivery back: of those in force that cover the incident the one that ends last,
 * so that the decision names the end that counts. Null where none does.
 */
export function silenceFor(
  silences: readonly Silence[],
  { destination, facts }: { destination: string; facts: RouteFacts },
): SilenceCause | null {
  let longest: Silence | null = null;
  for (const silence of silences) {
    if (!concerns(silence, destination) || !covers(silence.match, facts)) continue;
    if (longest === null || silence.untilMs > longest.untilMs) longest = silence;
  }
  if (longest === null) return null;
  const { id, author, reason, untilMs } = longest;
  return { id, author, reason, untilMs };
}

/** `2026-12-01 22:00 UTC`: a moment for people; for programs it stands to the millisecond beside. */
export function minuteInWords(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `kind outage; region West Europe, North Europe`; `everything` for an empty match. */
export function matchInWords(match: Match): string {
  const parts = Object.entries(match).map(([key, patterns]) => `${key} ${(patterns ?? []).join(', ')}`);
  return parts.length === 0 ? 'everything' : parts.join('; ');
}
