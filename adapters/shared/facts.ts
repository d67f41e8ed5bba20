/** The facts of an incident as label and value, in the order in which a person on call asks for them. */
import type { AudienceSubscription, DestinationView, IncidentView, Step } from '#src/core/adapter.ts';
import { OUR_LABELS } from '#src/core/details.ts';
import { cutCodePoints } from './cut.ts';
import { timeIn } from './time.ts';

const SERVICES_MAX = 10;
const REGIONS_MAX = 12;
/** A step names at most 50 subscriptions; a phone shows about ten. */
const SUBSCRIPTIONS_MAX = 10;
const RESOURCES_MAX = 6;
const VALUE_CHARS_MAX = 700;
/** Leaves room for "and 3 more". */
const LIST_CHARS_MAX = 600;
/** Impacts and times stand first in the list. */
const WHERE_FACTS = 5;
/** Who of us is hit and what can be done about it. */
const OURS = new Set([...OUR_LABELS, 'Subscriptions', 'Resources']);

/** `where`: what is hit and when. `ours`: who of us, and what to do. `more`: what else Azure says of it. */
export type FactGroup = 'where' | 'ours' | 'more';

export interface Fact {
  label: string;
  value: string;
  /** Microsoft's text may be many screens long: `where` and `ours` are to be shown before it, `more` after it. */
  group: FactGroup;
}

/** Facts with a value only; every value is at most 700 code points. */
export function factsOf(step: Step, destination: DestinationView): Fact[] {
  const { incident } = step;
  const time = (at: string | null): string => (at === null ? '' : timeIn(at, destination.timezone));
  const details = destination.sensitive === 'redacted' ? [] : Object.entries(incident.details);
  const isOurs = ([label]: [string, string]): boolean => OURS.has(label);
  const pairs: [string, string][] = [
    ['Service and region', impactsInWords(incident)],
    [isAhead(incident) ? 'Planned start' : 'Started', time(incident.startedAt)],
    ['Mitigated', time(incident.mitigatedAt)],
    ['Resolved', time(incident.resolvedAt)],
    [incident.kind === 'maintenance' ? 'Planned end' : 'Deadline', time(incident.endsAt)],
    ['Severity', incident.severity.charAt(0).toUpperCase() + incident.severity.slice(1)],
    ['Tracking ID', incident.trackingId ?? ''],
    // Short and ours: where a vendor's limit cuts a list of facts, what to do is still in it.
    ...details.filter(isOurs),
    ['Subscriptions', subscriptionsInWords(step.audience)],
    ['Resources', resourcesInWords(incident.resources)],
    ...details.filter((detail) => !isOurs(detail)),
  ];
  return pairs
    .map(([label, value], index) => ({
      label: cutCodePoints(label, 60),
      value: cutCodePoints(value.trim(), VALUE_CHARS_MAX),
      group: index < WHERE_FACTS ? ('where' as const) : OURS.has(label) ? ('ours' as const) : ('more' as const),
    }))
    .filter(({ value }) => value !== '');
}

/** Not begun yet, or called off before it began: at night "Started" would send people looking for what does not happen. */
function isAhead({ kind, state, stage }: IncidentView): boolean {
  const calledOff = kind === 'maintenance' && ['canceled', 'cancelled'].includes(stage?.toLowerCase() ?? '');
  return state === 'planned' || calledOff;
}

/** `Container Registry: West Europe, North Europe; App Service: East US`: service and region stay paired. */
function impactsInWords({ impacts }: IncidentView): string {
  const regions = new Map<string, string[]>();
  for (const { service, region } of impacts) {
    regions.set(service, [...(regions.get(service) ?? []), ...(region === '' ? [] : [region])]);
  }
  const groups = [...regions].map(([service, names]) => {
    const where = listed(names, REGIONS_MAX, ', ');
    return where === '' ? service : `${service}: ${where}`;
  });
  return listed(groups, SERVICES_MAX, '; ');
}

/** Names those that the routes matched, then the total. */
function subscriptionsInWords({ subscriptions, total }: Step['audience']): string {
  const shown = subscriptions.slice(0, SUBSCRIPTIONS_MAX).map(nameOf);
  if (shown.length === 0) return total > 0 ? `${total} in all` : '';
  const rest = total > shown.length ? ` and ${total - shown.length} more (${total} in all)` : '';
  return `${cutCodePoints(shown.join(', '), LIST_CHARS_MAX)}${rest}`;
}

function nameOf({ id, name, team }: AudienceSubscription): string {
  if (name === null) return id;
  return team === null ? name : `${name} (${team})`;
}

/** The name and its kind: a whole resource id fills a phone. */
function resourcesInWords(resources: readonly string[]): string {
  const names = resources.slice(0, RESOURCES_MAX).map((id) => {
    const parts = id.split('/').filter((part) => part !== '');
    const name = parts.at(-1) ?? id;
    const type = parts.length >= 2 ? parts.at(-2) : undefined;
    return cutCodePoints(type === undefined ? name : `${name} (${type})`, 100);
  });
  const more = resources.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

function listed(names: readonly string[], max: number, separator: string): string {
  const shown = cutCodePoints(names.slice(0, max).join(separator), LIST_CHARS_MAX);
  return names.length > max ? `${shown} and ${names.length - max} more` : shown;
}
