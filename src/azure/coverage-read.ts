/**
 * What leads Service Health news out of the subscriptions: activity-log alert rules and action groups from Resource Graph,
 * diagnostic settings of the activity log from Resource Manager, because Resource Graph does not hold those.
 */
import type { RuleCondition, RuleFacts } from '#src/core/coverage-paths.ts';
import { safeLine } from '#src/core/safe.ts';
import { fieldsOf, listOf, textOf as rawTextOf, type Fields } from './fields.ts';
import { queryGraph, type GraphOptions } from './resource-graph.ts';
import { listAll, type AzureSession } from './session.ts';

/** The filter only spares rows: what a rule is about is judged from its conditions. */
const RULES = `resources
| where type =~ 'microsoft.insights/activitylogalerts'
| where tostring(properties.condition) contains 'ServiceHealth'
| project id, name, subscriptionId, properties
| order by id asc`;

const GROUPS = `resources
| where type =~ 'microsoft.insights/actiongroups'
| project id, name, location, properties
| order by id asc`;

const SUBSCRIPTIONS = `resourcecontainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, name, subscriptionId, state = tostring(properties.state)
| order by id asc`;

/** Longest text that is kept; an address of a webhook may be longer and is not kept whole. */
const TEXT_CHARS_MAX = 2_000;

/** Nothing happens there, and nobody could set a rule. */
const OFF = ['deleted', 'disabled'];

/** As read; `uri` may hold a token and must not be kept. */
export interface RawWebhook {
  name: string;
  /** Null where Azure does not show it. */
  uri: string | null;
  secure: boolean;
}

export interface RawHub {
  name: string;
  namespace: string;
  hub: string;
}

export interface RawGroup {
  id: string;
  name: string;
  location: string;
  enabled: boolean;
  /** Receivers of every kind. */
  receivers: number;
  webhooks: RawWebhook[];
  hubs: RawHub[];
}

export interface RawCoverage {
  subscriptions: { id: string; name: string | null }[];
  /** Ids of those that are off: neither covered nor missing. */
  off: string[];
  rules: RuleFacts[];
  groups: RawGroup[];
}

/** Reads all three. Rejects when any fails: without the groups every rule would lead nowhere. */
export async function readCoverage(session: AzureSession, options: GraphOptions): Promise<RawCoverage> {
  const containers = await queryGraph(session, SUBSCRIPTIONS, options);
  const rules = await queryGraph(session, RULES, options);
  // Action groups may live in a subscription of their own, outside of what is watched.
  const groups = await queryGraph(session, GROUPS, { subscriptions: null });
  const all = containers.flatMap((row) => {
    const fields = fieldsOf(row);
    const id = textOf(fields, 'subscriptionId')?.toLowerCase();
    const off = OFF.includes(textOf(fields, 'state')?.toLowerCase() ?? '');
    return id === undefined ? [] : [{ id, name: textOf(fields, 'name'), off }];
  });
  return {
    subscriptions: all.filter((one) => !one.off).map(({ id, name }) => ({ id, name })),
    off: all.filter((one) => one.off).map((one) => one.id),
    rules: rules.flatMap(ruleOf),
    groups: groups.flatMap(groupOf),
  };
}

export interface RawExport {
  name: string;
  namespace: string;
  hub: string;
}

/** A subscription's activity log goes to this hub unless the setting names one. */
const DEFAULT_HUB = 'insights-activity-logs';

/** Diagnostic settings of one subscription that export Service Health to an Event Hub. Rejects with AzureError. */
export async function listExports(session: AzureSession, subscription: string): Promise<RawExport[]> {
  const path = `/subscriptions/${subscription}/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview`;
  return (await listAll(session, path)).flatMap((value) => {
    const fields = fieldsOf(value);
    const properties = fieldsOf(fields['properties']);
    const rule = textOf(properties, 'eventHubAuthorizationRuleId') ?? '';
    const namespace = /\/namespaces\/([^/]+)/i.exec(rule)?.[1];
    const exported = listOf(properties, 'logs').some((log) => {
      const one = fieldsOf(log);
      const health =
        textOf(one, 'category')?.toLowerCase() === 'servicehealth' ||
        textOf(one, 'categoryGroup')?.toLowerCase() === 'alllogs';
      return health && isTrue(one['enabled']);
    });
    if (namespace === undefined || !exported) return [];
    return [
      { name: textOf(fields, 'name') ?? 'unnamed', namespace, hub: textOf(properties, 'eventHubName') ?? DEFAULT_HUB },
    ];
  });
}

function ruleOf(row: Record<string, unknown>): RuleFacts[] {
  const fields = fieldsOf(row);
  const properties = fieldsOf(fields['properties']);
  const id = textOf(fields, 'id')?.toLowerCase();
  if (id === undefined) return [];
  const condition = fieldsOf(properties['condition']);
  return [
    {
      id,
      name: textOf(fields, 'name') ?? id.split('/').at(-1)!,
      subscription: textOf(fields, 'subscriptionId')?.toLowerCase() ?? id.split('/')[2] ?? '',
      // Left out means on, as in the API.
      enabled: properties['enabled'] === undefined || isTrue(properties['enabled']),
      // A rule of the tenant takes events of the tenant only (azure-signals 0, fact 2).
      scopes: textOf(properties, 'tenantScope') === null ? texts(properties['scopes']) : [],
      conditions: listOf(condition, 'allOf').flatMap(conditionsOf),
      groups: listOf(fieldsOf(properties['actions']), 'actionGroups').flatMap((value) => {
        const group = textOf(fieldsOf(value), 'actionGroupId')?.toLowerCase();
        return group === undefined ? [] : [group];
      }),
    },
  ];
}

/** A leaf, or a list of leaves of which any is enough. */
function conditionsOf(value: unknown): RuleCondition[] {
  const leaves = listOf(fieldsOf(value), 'anyOf').map(fieldsOf);
  if (leaves.length === 0) return leafOf(fieldsOf(value));
  const parts = leaves.flatMap(leafOf);
  const names = [...new Set(parts.map((part) => part.field))];
  if (names.length === 1) return [{ field: names[0]!, values: parts.flatMap((part) => part.values) }];
  return [{ field: names.join(' or '), values: parts.flatMap((part) => part.values) }];
}

function leafOf(leaf: Fields): RuleCondition[] {
  const field = textOf(leaf, 'field')?.toLowerCase();
  if (field === undefined) return [];
  const equals = textOf(leaf, 'equals');
  return [{ field, values: equals === null ? texts(leaf['containsany'], false) : [equals] }];
}

function groupOf(row: Record<string, unknown>): RawGroup[] {
  const fields = fieldsOf(row);
  const properties = fieldsOf(fields['properties']);
  const id = textOf(fields, 'id')?.toLowerCase();
  if (id === undefined) return [];
  const webhooks = listOf(properties, 'webhookReceivers').map((value) => {
    const one = fieldsOf(value);
    return { name: textOf(one, 'name') ?? '', uri: textOf(one, 'serviceUri'), secure: isTrue(one['useaadauth']) };
  });
  const hubs = listOf(properties, 'eventHubReceivers').map((value) => {
    const one = fieldsOf(value);
    return {
      name: textOf(one, 'name') ?? '',
      namespace: textOf(one, 'eventHubNameSpace') ?? '',
      hub: textOf(one, 'eventHubName') ?? '',
    };
  });
  const receivers = Object.keys(properties)
    .filter((key) => key.endsWith('receivers'))
    .reduce((sum, key) => sum + listOf(properties, key).length, 0);
  return [
    {
      id,
      name: textOf(fields, 'name') ?? id.split('/').at(-1)!,
      location: textOf(fields, 'location') ?? 'unknown',
      enabled: properties['enabled'] === undefined || isTrue(properties['enabled']),
      receivers,
      webhooks,
      hubs,
    },
  ];
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

function texts(value: unknown, lower = true): string[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  const found = list.filter((one) => typeof one === 'string').map((one) => safeLine(one, TEXT_CHARS_MAX));
  return lower ? found.map((one) => one.toLowerCase()) : found;
}

/** What Postgres cannot store must not end every audit: whoever may write one rule could do so. */
function textOf(fields: Fields, key: string): string | null {
  const found = rawTextOf(fields, key);
  return found === null ? null : safeLine(found, TEXT_CHARS_MAX);
}
