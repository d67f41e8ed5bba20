/**
 * What `sustained` and `flapping` of the routes make of one delivery of an own alert or resource
 * (docs/adr/sustained-and-flapping.md). Pure; the planner asks {@link dampedPlan} before anything else.
 */
import type { Report } from './alert-history.ts';
import { judgeFlapping, type FlappingRule } from './flapping.ts';
import { isOpen } from './incident.ts';
import type { Plan, PlanInput } from './plan.ts';
import type { Kind, Severity } from './signal.ts';
import { judgeSustained, type SustainedRule } from './sustained.ts';

/** What the routes that lead to one destination ask of an incident. */
export interface DampingRules {
  /** Any of them is enough. Empty: nothing is asked. */
  sustained: readonly SustainedRule[];
  flapping: FlappingRule | null;
}

export interface Damping {
  /** Not sustained: when it will be, should it stay as it is; null where it is over. */
  unsustained: { words: string; untilMs: number | null } | null;
  flapping: { state: 'flapping' | 'stopped'; words: string; untilMs: number } | null;
  /** What the destination has open says that it flaps. */
  announced: boolean;
  /** When it was judged, by the clock that has stamped the reports. */
  nowMs: number;
}

interface Asking {
  sustained?: SustainedRule | null;
  flapping?: FlappingRule | null;
}

/**
 * Rules for a destination that these routes named; null where nothing is damped. Every one of the routes must ask, for
 * one that does not wants to hear of it now. Only own alerts and resources, and Sev0 and Sev1 only where a rule says so.
 */
export function dampingRules(
  routes: readonly Asking[],
  incident: { kind: Kind; severity: Severity },
): DampingRules | null {
  if (incident.kind !== 'alert' && incident.kind !== 'resource') return null;
  const severe = incident.severity === 'critical' || incident.severity === 'error';
  const holds = <R extends { severe: boolean }>(rule: R | null | undefined): R[] =>
    rule && (rule.severe || !severe) ? [rule] : [];
  const sustained = routes.flatMap((route) => holds(route.sustained));
  const flapping = routes.flatMap((route) => holds(route.flapping));
  const rules: DampingRules = {
    sustained: sustained.length === routes.length ? sustained : [],
    flapping: flapping.length === routes.length ? (flapping[0] ?? null) : null,
  };
  return rules.sustained.length === 0 && rules.flapping === null ? null : rules;
}

/** How far back reports matter to these rules, ms. The run of changes of an alert that flaps has no end but its first quiet span. */
export function lookback({ sustained, flapping }: DampingRules): { turnsMs: number; repeatsMs: number } {
  const repeatsMs = Math.max(0, ...sustained.map((rule) => rule.inMs * 2));
  const runMs = flapping === null ? 0 : (flapping.withinMs + flapping.quietMs) * RUNS;
  return { turnsMs: Math.max(repeatsMs, runMs), repeatsMs };
}

/** So many times the rule's own spans are read: enough to see that it flaps, whenever it began. */
const RUNS = 4;

/** Judges one delivery. */
export function judgeDamping(
  rules: DampingRules,
  reports: readonly Report[],
  delivery: { episode: number; announced: boolean; nowMs: number },
): Damping {
  const { episode, announced, nowMs } = delivery;
  return {
    unsustained: unsustained(rules.sustained, reports, { episode, nowMs }),
    flapping: rules.flapping === null ? null : flapping(rules.flapping, reports, nowMs),
    announced,
    nowMs,
  };
}

function unsustained(
  rules: readonly SustainedRule[],
  reports: readonly Report[],
  at: { episode: number; nowMs: number },
): Damping['unsustained'] {
  let soonest: Damping['unsustained'] = null;
  for (const rule of rules) {
    const verdict = judgeSustained(reports, rule, at);
    if (verdict.sustained) return null;
    const { untilMs, firing, seen } = verdict;
    const words = `${firing} of ${seen} observation${seen === 1 ? '' : 's'} firing, wants ${sustainedInWords(rule)}`;
    if (soonest === null || (untilMs ?? Infinity) < (soonest.untilMs ?? Infinity)) soonest = { words, untilMs };
  }
  return soonest;
}

function flapping(rule: FlappingRule, reports: readonly Report[], nowMs: number): Damping['flapping'] {
  const verdict = judgeFlapping(reports, rule, nowMs);
  if (verdict.state === 'calm') return null;
  const words = `${verdict.changes} changes in ${inWords(rule.withinMs)}`;
  return { state: verdict.state, words, untilMs: verdict.untilMs };
}

/**
 * What damping makes of the next step; null where it has nothing to say. Ends are held back only for a page that says
 * that it flaps, and only while it does.
 */
export function dampedPlan(damping: Damping, input: PlanInput): Plan | null {
  const last = input.revisions.at(-1);
  if (!last) return null;
  const open = isOpen(last.snapshot.state);
  const { flapping: flaps, unsustained: waits } = damping;
  if (input.told === 'open') {
    if (!damping.announced || flaps === null) return null;
    if (flaps.state === 'flapping')
      return {
        do: 'hold',
        untilMs: soon(flaps.untilMs, damping.nowMs),
        cause: { why: 'flapping', words: flaps.words },
      };
    const covers: [number, number] = [input.deliveredRevision + 1, last.revision];
    const action = open ? 'update' : last.snapshot.retracted ? 'retract' : 'resolve';
    return { do: 'step', action, covers, catchUp: covers[1] > covers[0], settling: false, repeat: false };
  }
  if (input.told !== 'nothing' || input.revisions.every((one) => one.snapshot.change === 'note')) return null;
  if (flaps?.state === 'flapping')
    return open ? null : { do: 'skip', to: last.revision, reason: `came and went while it flapped: ${flaps.words}` };
  if (waits === null) return null;
  if (waits.untilMs === null || !open)
    return { do: 'skip', to: last.revision, reason: `came and went, not sustained: ${waits.words}` };
  const untilMs = Math.min(waits.untilMs, damping.nowMs + lookMs(waits.untilMs - damping.nowMs));
  return { do: 'hold', untilMs, cause: { why: 'sustained', words: waits.words } };
}

/** A repeated report rings for nobody, so what is held back looks again itself: at a quarter of what is left, 1 s to 30 s. */
function lookMs(leftMs: number): number {
  return Math.min(30_000, Math.max(1_000, leftMs / 4));
}

/** Rules and switches may change meanwhile. */
function soon(untilMs: number, nowMs: number): number {
  return Math.max(nowMs + 1, Math.min(untilMs, nowMs + 60_000));
}

/** `3 of 5 in 10m`. */
export function sustainedInWords({ times, of, inMs }: SustainedRule): string {
  return `${times} of ${of} in ${inWords(inMs)}`;
}

/** `4 changes in 30m, quiet after 15m`. */
export function flappingInWords({ changes, withinMs, quietMs }: FlappingRule): string {
  return `${changes} changes in ${inWords(withinMs)}, quiet after ${inWords(quietMs)}`;
}

function inWords(ms: number): string {
  const units: [number, string][] = [
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1_000, 's'],
  ];
  const [size, unit] = units.find(([one]) => ms % one === 0) ?? [1, 'ms'];
  return `${ms / size}${unit}`;
}
