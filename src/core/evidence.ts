/**
 * Did it hit us? What metrics, logs and our own alerts say about one resource in the time of an incident, joined to a
 * verdict. Pure: whatever could not be read comes in as a reason, and ends as `unknown` (design 3.7).
 */
import type { Replica, ResourceKind } from './estate.ts';
import type { Window } from './evidence-window.ts';

/** `not seen` is said only where enough was seen to say it. */
export type Verdict = 'hit' | 'not seen' | 'unknown';

/** Of a span: how many there were, and how many of them went wrong. */
export interface Tally {
  total: number;
  failed: number;
}

/** A place on the chart: the mean over its width for levels, the sum for counts. Null where nothing is known. */
export interface ChartPoint {
  at: string;
  total: number | null;
  failed: number | null;
}

/** What was looked at, as far as one source can tell. */
export interface Check {
  /** `pulls`, `pushes`, `sign-ins`, `nodes`, `pods`. */
  what: string;
  source: 'metrics' | 'logs' | 'Resource Health';
  /** Names of the metrics, or the query: what a person would ask to see the same. */
  query: string;
  verdict: Verdict;
  /** One sentence without a full stop, with the numbers. */
  reason: string;
  during: Tally | null;
  before: Tally | null;
  /** The stretch in which it was hit. */
  span: Window | null;
  points: readonly ChartPoint[];
}

/** An alert or resource event of ours that names this resource and was open in the time of the incident. */
export interface NearbyAlert {
  id: string;
  kind: 'alert' | 'resource';
  headline: string;
  severity: string;
  startedAt: string;
  /** Resource Health called the resource bad in the time of the incident, and no user was the cause. */
  platform: boolean;
}

export interface ServingShare {
  region: string;
  pulls: number;
}

/** Which regions of a geo-replicated registry have answered pulls. */
export interface Serving {
  before: readonly ServingShare[];
  during: readonly ServingShare[];
  moved: { from: string; to: string; at: string } | null;
}

export interface ResourceEvidence {
  /** Lower-cased ARM id. */
  resource: string;
  name: string;
  kind: ResourceKind;
  verdict: Verdict;
  reason: string;
  checks: readonly Check[];
  alerts: readonly NearbyAlert[];
  /** Null where logs do not tell, or there is one region only. */
  serving: Serving | null;
  /** Every region with the state of its endpoint, the home region first; empty without replicas. */
  replicas: readonly Replica[];
  /** What a person may do; the relay does none of it. */
  advice: readonly string[];
}

/** A verdict in one sentence: any hit counts; else what was looked at and not seen; else why nothing is known. */
export function joinChecks(checks: readonly Check[]): { verdict: Verdict; reason: string } {
  const of = (verdict: Verdict): Check[] => checks.filter((check) => check.verdict === verdict);
  const [hit, clear, unknown] = [of('hit'), of('not seen'), of('unknown')];
  const decisive = hit.length > 0 ? hit : clear.length > 0 ? clear : unknown;
  if (decisive.length === 0) return { verdict: 'unknown', reason: 'nothing could be asked about it' };
  return { verdict: decisive[0]!.verdict, reason: [...new Set(decisive.map((check) => check.reason))].join('; ') };
}

/** A check that could not be made. */
export function unknownCheck(check: Pick<Check, 'what' | 'source' | 'query' | 'reason'>): Check {
  return { ...check, verdict: 'unknown', during: null, before: null, span: null, points: [] };
}

/**
 * Resource Health of the platform counts as seen; what a user stopped, and what is well again without ever having been
 * bad, does not. An alert of our own rules says what our rules ask, and no more.
 */
export function healthCheck(alerts: readonly NearbyAlert[]): Check[] {
  const health = alerts.find((alert) => alert.platform);
  if (!health) return [];
  const reason = `Resource Health reported it at ${clockOf(health.startedAt)}: ${health.headline}`;
  return [
    {
      ...unknownCheck({ what: 'availability', source: 'Resource Health', query: health.id, reason }),
      verdict: 'hit',
    },
  ];
}

/** In a message: the hit ones with their numbers, then how many were not seen or are unknown. */
const NAMED_MAX = 3;
const REASON_CHARS_MAX = 180;

/** `contosoacr hit: 412 of 1,900 pulls failed; not seen at 2 more; unknown at 1`. Empty without any resource. */
export function evidenceInWords(all: readonly Pick<ResourceEvidence, 'name' | 'verdict' | 'reason'>[]): string {
  const hit = all.filter((one) => one.verdict === 'hit');
  const clear = all.filter((one) => one.verdict === 'not seen');
  const unknown = all.filter((one) => one.verdict === 'unknown');
  const parts = hit.slice(0, NAMED_MAX).map((one) => `${one.name} hit: ${short(one.reason)}`);
  if (hit.length > NAMED_MAX) parts.push(`${hit.length - NAMED_MAX} more hit`);
  if (clear.length > 0) parts.push(`not seen at ${namesOf(clear)}${alone(clear, hit)}`);
  if (unknown.length > 0) parts.push(`unknown at ${namesOf(unknown)} (${short(unknown[0]!.reason)})`);
  return parts.join('; ');
}

/** Pulls of a registry that another region answers now. */
export interface Move {
  name: string;
  from: string;
  to: string;
  at: string;
}

/** `pulls of acrone moved from westeurope to northeurope at 08:20 UTC; pulls of 2 more moved`. Empty without any. */
export function movesInWords(moves: readonly Move[]): string {
  const parts = moves
    .slice(0, NAMED_MAX)
    .map(({ name, from, to, at }) => `pulls of ${name} moved from ${from} to ${to} at ${clockOf(at)} UTC`);
  if (moves.length > NAMED_MAX) parts.push(`pulls of ${moves.length - NAMED_MAX} more moved`);
  return parts.join('; ');
}

/**
 * `acrone: To send pulls away from ...: az acr ...` and what has to be known before, of the first registry that there is
 * advice for; how many others have some. Null where nobody can do anything. Two facts, for some destinations cut one at
 * 300 characters.
 */
export function adviceInWords(
  all: readonly Pick<ResourceEvidence, 'name' | 'advice'>[],
): { todo: string; before: string } | null {
  const some = all.filter((one) => one.advice.length > 0);
  const [first] = some;
  if (!first) return null;
  const more = some.length > 1 ? ` The timeline has the same for ${some.length - 1} more.` : '';
  return { todo: `${first.name}: ${first.advice.slice(0, -1).join(' ')}${more}`, before: first.advice.at(-1)! };
}

/** Where nothing is hit, the number that stands behind "not seen" is worth a few words. */
function alone(clear: readonly Pick<ResourceEvidence, 'reason'>[], hit: readonly unknown[]): string {
  return hit.length === 0 && clear.length === 1 ? ` (${short(clear[0]!.reason)})` : '';
}

function namesOf(some: readonly { name: string }[]): string {
  const names = some.slice(0, NAMED_MAX).map((one) => one.name);
  return some.length > NAMED_MAX ? `${names.join(', ')} and ${some.length - NAMED_MAX} more` : names.join(', ');
}

function short(reason: string): string {
  const points = Array.from(reason);
  return points.length <= REASON_CHARS_MAX
    ? reason
    : `${points
        .slice(0, REASON_CHARS_MAX - 2)
        .join('')
        .trimEnd()} …`;
}

/** `1,900`; the same on every machine, whatever its locale. */
export function countInWords(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `08:05`, or with the day where that is not clear from `near`. UTC. */
export function clockOf(iso: string, near: string = iso): string {
  return iso.slice(0, 10) === near.slice(0, 10) ? iso.slice(11, 16) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}
