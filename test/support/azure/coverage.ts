/** Made-up rules and action groups with faults that the test knows: one fault per subscription, always the same. */
import { subscriptionId } from '#test/support/fixtures.ts';
import type { AzureGroup, AzureRule, AzureSubscription } from './records.ts';

/** Where the action groups call; the token is in the address as in real life. */
export interface Ours {
  url: string;
  token: string;
  hub?: { namespace: string; name: string };
}

export function ruleOf(
  subscription: string,
  groups: readonly string[],
  more: { name?: string; enabled?: boolean; allOf?: unknown[]; scopes?: string[] } = {},
): AzureRule {
  const { name = 'sh-rule', enabled = true, allOf = [], scopes = [`/subscriptions/${subscription}`] } = more;
  return {
    id: `/subscriptions/${subscription}/resourceGroups/rg-health/providers/Microsoft.Insights/activityLogAlerts/${name}`,
    properties: {
      enabled,
      description: '',
      scopes,
      condition: { allOf: [{ field: 'category', equals: 'ServiceHealth' }, ...allOf] },
      actions: { actionGroups: groups.map((actionGroupId) => ({ actionGroupId, webhookProperties: {} })) },
    },
  };
}

export function groupOf(
  subscription: string,
  receivers: Record<string, unknown[]>,
  more: { name?: string; enabled?: boolean; location?: string } = {},
): AzureGroup {
  const { name = 'ag-relay', enabled = true, location = 'Global' } = more;
  return {
    id: `/subscriptions/${subscription}/resourceGroups/rg-health/providers/Microsoft.Insights/actionGroups/${name}`,
    location,
    properties: { groupShortName: 'relay', enabled, emailReceivers: [], smsReceivers: [], ...receivers },
  };
}

export function webhook(serviceUri: string, useAadAuth = true): Record<string, unknown[]> {
  return { webhookReceivers: [{ name: 'relay', serviceUri, useCommonAlertSchema: true, useAadAuth }] };
}

/** A filter on event types as the portal writes it. */
export function typesFilter(...types: string[]): unknown {
  return { anyOf: types.map((equals) => ({ field: 'properties.incidentType', equals })) };
}

const MAIL = { emailReceivers: [{ name: 'ops', emailAddress: 'ops@contoso.example', useCommonAlertSchema: true }] };

export interface KnownCoverage {
  subscriptions: AzureSubscription[];
  rules: AzureRule[];
  groups: AzureGroup[];
  settings: Map<string, { name: string; properties: Record<string, unknown> }[]>;
  /** Kinds of findings by subscription, worst first; those without any are left out. */
  expected: Map<string, string[]>;
}

/** `count` subscriptions; every tenth fault is of the next shape, all others are sound. The hub is `insights` in `contoso-ns`. */
export function makeCoverage(count: number, { url, token }: Ours): KnownCoverage {
  const known: KnownCoverage = {
    subscriptions: Array.from({ length: count }, (_, n) => ({ id: subscriptionId(n + 1), name: `sub-${n + 1}` })),
    rules: [],
    groups: [],
    settings: new Map(),
    expected: new Map(),
  };
  const receiver = `${url}/v1/receivers/azure-monitor?token=${token}`;
  const shapes = SHAPES(receiver, url);
  known.subscriptions.forEach(({ id }, index) => {
    const faulty = index % 10 === 3;
    const shape = faulty ? shapes[Math.floor(index / 10) % shapes.length]! : shapes[0]!;
    const made = shape.make(id);
    known.rules.push(...(made.rules ?? []));
    known.groups.push(...(made.groups ?? []));
    if (made.settings) known.settings.set(id, made.settings);
    if (shape.finds.length > 0) known.expected.set(id, shape.finds);
  });
  return known;
}

interface Made {
  rules?: AzureRule[];
  groups?: AzureGroup[];
  settings?: { name: string; properties: Record<string, unknown> }[];
}

/** The first one is sound. */
const SHAPES = (receiver: string, url: string): { finds: string[]; make(id: string): Made }[] => {
  const pair =
    (
      rule: Parameters<typeof ruleOf>[2],
      group: Parameters<typeof groupOf>[2] = {},
      receivers: Record<string, unknown[]> = webhook(receiver),
    ) =>
    (id: string): Made => {
      const made = groupOf(id, receivers, group);
      // Azure writes ids in whatever case somebody once typed.
      return {
        rules: [ruleOf(id, [made.id.toUpperCase().replace('/SUBSCRIPTIONS/', '/subscriptions/')], rule)],
        groups: [made],
      };
    };
  const exported = (categories: Record<string, boolean>, hub: string) => (): Made => ({
    settings: [
      {
        name: 'to-hub',
        properties: {
          eventHubAuthorizationRuleId:
            '/subscriptions/x/resourceGroups/rg/providers/Microsoft.EventHub/namespaces/contoso-ns/authorizationRules/Root',
          eventHubName: hub,
          logs: Object.entries(categories).map(([category, enabled]) => ({ category, enabled })),
        },
      },
    ],
  });
  return [
    { finds: [], make: pair({}) },
    { finds: ['no-rule'], make: () => ({}) },
    { finds: ['rule-off'], make: pair({ enabled: false }) },
    { finds: ['group-off'], make: pair({}, { enabled: false }) },
    { finds: ['group-not-global'], make: pair({}, { location: 'swedencentral' }) },
    { finds: ['group-empty'], make: pair({}, {}, {}) },
    { finds: ['elsewhere'], make: pair({}, {}, MAIL) },
    { finds: ['no-group'], make: (id) => ({ rules: [ruleOf(id, [])] }) },
    { finds: ['unseen'], make: (id) => ({ rules: [ruleOf(id, [`/subscriptions/${id}/gone`])] }) },
    { finds: ['wrong-address'], make: pair({}, {}, webhook(receiver.replace('azure-monitor', 'azure-monitr'))) },
    {
      finds: ['entry-refused'],
      make: pair({}, {}, webhook(`${url}/v1/receivers/azure-monitor?token=last-years`, false)),
    },
    { finds: ['types-missing'], make: pair({ allOf: [typesFilter('Incident', 'Security')] }) },
    { finds: ['narrowed'], make: pair({ allOf: [{ field: 'status', equals: 'Active' }] }) },
    { finds: ['plain-webhook'], make: pair({}, {}, webhook(receiver, false)) },
    // About a resource group only, and about administrative events: neither takes news of the subscription.
    {
      finds: ['no-rule'],
      make: (id) => pair({ scopes: [`/subscriptions/${id}/resourceGroups/rg-health`] })(id),
    },
    // An export is as good as a rule, where the category is on and the hub is ours.
    { finds: [], make: exported({ Administrative: true, ServiceHealth: true }, 'insights') },
    { finds: ['no-rule'], make: exported({ Administrative: true, ServiceHealth: false }, 'insights') },
    { finds: ['no-rule'], make: exported({ ServiceHealth: true }, 'somebody-elses') },
  ];
};
