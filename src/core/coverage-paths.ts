/**
 * The ways by which Service Health news of one subscription would come to us, and what stands in each of them. Pure.
 * A rule covers the subscription that it lives in and no other; it exists in location Global only and calls action
 * groups in Global only (azure-signals 0, fact 2, and 1.6).
 */

/** What Service Health calls `properties.incidentType` (azure-signals 1.4, 1.6). */
export const EVENT_TYPES = ['Incident', 'Maintenance', 'Informational', 'ActionRequired', 'Security'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface RuleCondition {
  /** As in the rule, lower-cased. */
  field: string;
  /** Any of them is enough. */
  values: readonly string[];
}

/** An activity-log alert rule. Ids are lower-cased ARM ids, here and below. */
export interface RuleFacts {
  id: string;
  name: string;
  subscription: string;
  enabled: boolean;
  scopes: readonly string[];
  /** All of them must hold. */
  conditions: readonly RuleCondition[];
  groups: readonly string[];
}

/** A receiver of an action group that leads to us, or may. */
export interface ReceiverFacts {
  name: string;
  via: 'webhook' | 'event-hub';
  /** Address without user and query, or `namespace/hub`. Never holds a secret. */
  to: string;
  /** `wrong-address`: our host, but no receiver of ours; `hidden`: Azure did not show where it leads. */
  leads: 'here' | 'wrong-address' | 'hidden';
  /** Secure webhook, or an Event Hub. */
  secure: boolean;
  /** Whether we would let it in. */
  entry: 'open' | 'refused';
}

export interface GroupFacts {
  id: string;
  name: string;
  /** As Azure writes it. */
  location: string;
  enabled: boolean;
  /** All of them, mail and SMS too. */
  receivers: number;
  ours: readonly ReceiverFacts[];
}

/** A diagnostic setting that exports the Service Health category of the activity log to an Event Hub of ours. */
export interface ExportFacts {
  subscription: string;
  name: string;
  /** `namespace/hub` */
  to: string;
}

/** What stands in a way, from the rule to our door. */
export type Obstacle = 'rule-off' | 'group-off' | 'group-not-global' | 'wrong-address' | 'entry-refused';

export interface CoveragePath {
  /** The same way in the next audit has the same key. */
  key: string;
  via: 'webhook' | 'event-hub' | 'export';
  /** Name of the rule, or of the diagnostic setting. */
  rule: string;
  /** Null for an export. */
  group: string | null;
  groupLocation: string | null;
  to: string;
  secure: boolean;
  types: readonly EventType[];
  /** Null: all. */
  services: readonly string[] | null;
  regions: readonly string[] | null;
  /** Conditions that narrow the rule otherwise, in words. */
  narrowed: readonly string[];
  obstacles: readonly Obstacle[];
}

/** A rule of the subscription that leads nowhere of ours. */
export interface Stray {
  rule: string;
  group: string | null;
  why: 'no-group' | 'group-unseen' | 'group-empty' | 'elsewhere' | 'hidden';
}

export interface Ways {
  paths: CoveragePath[];
  strays: Stray[];
}

const CATEGORY = 'category';
const TYPE = 'properties.incidenttype';
const SERVICE = 'properties.impactedservices[*].servicename';
const REGION = 'properties.impactedservices[*].impactedregions[*].regionname';

/** Every way out of one subscription. */
export function waysOf(
  subscription: string,
  facts: { rules: readonly RuleFacts[]; groups: ReadonlyMap<string, GroupFacts>; exports: readonly ExportFacts[] },
): Ways {
  const ways: Ways = { paths: [], strays: [] };
  for (const rule of facts.rules) {
    if (!covers(rule, subscription)) continue;
    if (rule.groups.length === 0) ways.strays.push({ rule: rule.name, group: null, why: 'no-group' });
    for (const id of new Set(rule.groups)) addGroup(ways, rule, { id, group: facts.groups.get(id) });
  }
  for (const one of facts.exports) if (one.subscription === subscription) ways.paths.push(exportPath(one));
  return ways;
}

/** Whether the rule is about Service Health and about this subscription as a whole. */
export function covers(rule: RuleFacts, subscription: string): boolean {
  if (rule.subscription !== subscription) return false;
  const health = rule.conditions.some(
    ({ field, values }) => field === CATEGORY && values.some((value) => value.toLowerCase() === 'servicehealth'),
  );
  // A narrower scope, such as a resource group, takes no event of the subscription.
  return health && rule.scopes.some((scope) => scope.replace(/\/+$/, '') === `/subscriptions/${subscription}`);
}

function addGroup(ways: Ways, rule: RuleFacts, { id, group }: { id: string; group: GroupFacts | undefined }): void {
  const stray = (why: Stray['why']): number =>
    ways.strays.push({ rule: rule.name, group: group?.name ?? id.split('/').at(-1)!, why });
  if (!group) return void stray('group-unseen');
  if (group.receivers === 0) return void stray('group-empty');
  const leading = group.ours.filter((receiver) => receiver.leads !== 'hidden');
  if (leading.length === 0) return void stray(group.ours.length > 0 ? 'hidden' : 'elsewhere');
  for (const receiver of leading) ways.paths.push(pathBy(rule, group, receiver));
}

function pathBy(rule: RuleFacts, group: GroupFacts, receiver: ReceiverFacts): CoveragePath {
  const obstacles: [Obstacle, boolean][] = [
    ['rule-off', !rule.enabled],
    ['group-off', !group.enabled],
    ['group-not-global', group.location.toLowerCase() !== 'global'],
    ['wrong-address', receiver.leads === 'wrong-address'],
    ['entry-refused', receiver.leads === 'here' && receiver.entry === 'refused'],
  ];
  return {
    key: `${rule.id} ${group.id} ${receiver.via} ${receiver.name.toLowerCase()}`,
    via: receiver.via,
    rule: rule.name,
    group: group.name,
    groupLocation: group.location,
    to: receiver.to,
    secure: receiver.secure,
    ...filtersOf(rule),
    obstacles: obstacles.filter(([, stands]) => stands).map(([obstacle]) => obstacle),
  };
}

function exportPath(one: ExportFacts): CoveragePath {
  return {
    key: `export ${one.subscription} ${one.name.toLowerCase()}`,
    via: 'export',
    rule: one.name,
    group: null,
    groupLocation: null,
    to: one.to,
    secure: true,
    types: EVENT_TYPES,
    services: null,
    regions: null,
    narrowed: [],
    obstacles: [],
  };
}

function filtersOf({ conditions }: RuleFacts): Pick<CoveragePath, 'types' | 'services' | 'regions' | 'narrowed'> {
  const of = (field: string): readonly string[][] =>
    conditions.filter((one) => one.field === field).map((one) => [...one.values]);
  const types = of(TYPE).map((values) => values.map((value) => value.toLowerCase()));
  return {
    types: EVENT_TYPES.filter((type) => types.every((values) => values.includes(type.toLowerCase()))),
    services: both(of(SERVICE)),
    regions: both(of(REGION)),
    narrowed: conditions
      .filter(({ field, values }) => ![TYPE, SERVICE, REGION].includes(field) && !isCategory(field, values))
      .map(({ field, values }) => `${field} = ${values.join(' or ')}`),
  };
}

function isCategory(field: string, values: readonly string[]): boolean {
  return field === CATEGORY && values.some((value) => value.toLowerCase() === 'servicehealth');
}

/** What is in all of the lists; null for no list. */
function both(lists: readonly (readonly string[])[]): string[] | null {
  const [first, ...rest] = lists;
  return first ? first.filter((value) => rest.every((other) => other.includes(value))) : null;
}
