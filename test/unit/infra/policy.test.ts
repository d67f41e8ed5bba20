import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deploy, satisfies, valuesOf, type Json, type Resource, type Scope } from '#test/support/arm.ts';
import { folder, POLICIES, references, type Reference } from '#test/support/policies.ts';

const EXPORT_RULE =
  '/subscriptions/hub/resourceGroups/rg-relay/providers/Microsoft.EventHub/namespaces/evhns/authorizationRules/export';
/** What the assignment gives, by the names of the definitions. */
const GIVEN: Record<string, Json> = {
  resourceGroupName: 'rg-alerts',
  resourceGroupLocation: 'westeurope',
  namePrefix: 'health-relay',
  services: ['Container Registry'],
  webhookUrl: 'https://relay.example/v1/receivers/azure-monitor',
  entraObjectId: 'object',
  entraIdentifierUri: 'api://app',
  entraTenantId: 'tenant',
  ruleVersion: 'v1',
  eventHubsExportRuleId: EXPORT_RULE,
  eventHubName: 'activity',
};
const scope = (changed: Record<string, Json> = {}): Scope => ({
  parameters: { ...GIVEN, ...changed },
  subscription: 'one',
  resourceGroup: null,
});

/** What a definition deploys into a subscription. */
function deployed(reference: Reference, changed: Record<string, Json> = {}): Resource[] {
  const { template, parameters } = POLICIES[reference][1].policyRule.then.details.deployment.properties;
  return deploy(template, { ...scope(), parameters: valuesOf(parameters, scope(changed)) });
}
function resource(reference: Reference, type: string): Resource & { properties: Record<string, Json> } {
  const found = deployed(reference).find((each) => each.type === type)!;
  return { ...found, properties: found.body['properties'] as Record<string, Json> };
}
function complies(reference: Reference, existing: readonly Resource[], changed: Record<string, Json> = {}): boolean {
  const { type, existenceCondition } = POLICIES[reference][1].policyRule.then.details;
  return existing.some((one) => one.type === type && satisfies(existenceCondition, one, scope(changed)));
}

describe.each(references)('the policy %s', (reference) => {
  const { details, effect } = POLICIES[reference][1].policyRule.then;

  test('judges subscriptions and deploys into them, by an effect that can also audit or be off', () => {
    expect(POLICIES[reference][1].policyRule.if).toEqual({
      field: 'type',
      equals: 'Microsoft.Resources/subscriptions',
    });
    expect(details.deploymentScope).toBe('subscription');
    expect(effect).toBe("[parameters('effect')]");
    expect(POLICIES[reference][1].parameters['effect']).toMatchObject({
      allowedValues: ['DeployIfNotExists', 'AuditIfNotExists', 'Disabled'],
    });
  });

  test('finds missing what is missing, and is content with what it has deployed', () => {
    expect(complies(reference, [])).toBe(false);
    expect(complies(reference, deployed(reference))).toBe(true);
  });

  test('is not content with what somebody has disabled', () => {
    const off = JSON.parse(JSON.stringify(deployed(reference)).replaceAll('"enabled":true', '"enabled":false'));
    expect(complies(reference, off as Resource[])).toBe(false);
  });

  test('makes nothing that its role may not make', () => {
    // Contributor may write everything but rights, and lists keys, as an export needs.
    expect(details.roleDefinitionIds).toEqual([expect.stringMatching(/\/b24988ac-6180-42a0-ab88-20f7382dd24c$/)]);
    expect(deployed(reference).filter(({ type }) => /^Microsoft\.(Authorization|Blueprint)/i.test(type))).toEqual([]);
  });
});

describe.each(['service-health', 'resource-health'] as const)('the rule of %s', (reference) => {
  test('is made anew when the assignment says anything new', () => {
    expect(complies(reference, deployed(reference), { ruleVersion: 'v2' })).toBe(false);
    expect(complies(reference, deployed(reference, { ruleVersion: 'v2' }), { ruleVersion: 'v2' })).toBe(true);
  });

  test('calls a global action group in the common schema, proven by Entra and not by a token', () => {
    const group = resource(reference, 'Microsoft.Insights/actionGroups');
    expect(group).toMatchObject({ name: 'health-relay-action-group', resourceGroup: 'rg-alerts' });
    expect(group.body['location']).toBe('Global');
    expect(group.properties['webhookReceivers']).toEqual([
      {
        name: 'health-relay',
        serviceUri: 'https://relay.example/v1/receivers/azure-monitor',
        useCommonAlertSchema: true,
        useAadAuth: true,
        objectId: 'object',
        identifierUri: 'api://app',
        tenantId: 'tenant',
      },
    ]);
    const { properties } = resource(reference, 'Microsoft.Insights/activityLogAlerts');
    const id =
      '/subscriptions/one/resourceGroups/rg-alerts/providers/Microsoft.Insights/actionGroups/health-relay-action-group';
    expect(properties).toMatchObject({
      scopes: ['/subscriptions/one'],
      actions: { actionGroups: [{ actionGroupId: id }] },
    });
  });
});

test('both rules make the same action group: whichever comes first, the other changes nothing', () => {
  const group = (reference: Reference): Resource => resource(reference, 'Microsoft.Insights/actionGroups');
  expect(group('service-health')).toEqual(group('resource-health'));
});

test('the Service Health rule never matches on the type of an event: security advisories and retirements come too', () => {
  expect(resource('service-health', 'Microsoft.Insights/activityLogAlerts').properties['condition']).toEqual({
    allOf: [
      { field: 'category', equals: 'ServiceHealth' },
      { field: 'properties.impactedServices[*].ServiceName', containsAny: ['Container Registry'] },
    ],
  });
});

test('the Resource Health rule tells the end too, as the one of a single subscription does', () => {
  const { properties } = resource('resource-health', 'Microsoft.Insights/activityLogAlerts');
  const single = readFileSync(join(folder, '../alerting/aks-resource-health.bicep'), 'utf8');
  const statuses = /var statuses = \[([^\]]*)\]/.exec(single)![1]!;
  expect(properties['condition']).toEqual({
    allOf: [
      { field: 'category', equals: 'ResourceHealth' },
      { field: 'resourceType', equals: 'Microsoft.ContainerService/managedClusters' },
      { anyOf: [...statuses.matchAll(/'(\w+)'/g)].map(([, status]) => ({ field: 'status', equals: status })) },
    ],
  });
  expect(statuses).toContain('Resolved');
});

describe('the export', () => {
  const setting = (): Resource => deployed('activity-log-export')[0]!;
  const changed = (change: (properties: Record<string, Json>) => Record<string, Json>): Resource[] => [
    { ...setting(), name: 'own', body: { properties: change(setting().body['properties'] as Record<string, Json>) } },
  ];

  test('sends the categories that the one of a single subscription sends, under the same name', () => {
    const single = readFileSync(join(folder, '../alerting/activity-log-export.bicep'), 'utf8');
    expect(setting()).toMatchObject({ name: /name: '([^']+)'/.exec(single)![1], resourceGroup: null });
    expect(setting().body['properties']).toEqual({
      eventHubAuthorizationRuleId: EXPORT_RULE,
      eventHubName: 'activity',
      logs: [...single.matchAll(/category: '(\w+)'/g)].map(([, category]) => ({ category, enabled: true })),
    });
  });

  test('is content with a setting of any name that sends both: Azure refuses a second one to the same hub', () => {
    expect(
      complies(
        'activity-log-export',
        changed((properties) => properties),
      ),
    ).toBe(true);
    const upper = changed((properties) => ({ ...properties, eventHubAuthorizationRuleId: EXPORT_RULE.toUpperCase() }));
    expect(complies('activity-log-export', upper)).toBe(true);
  });

  test.each([
    ['another hub', { eventHubName: 'other' }],
    ['another namespace', { eventHubAuthorizationRuleId: EXPORT_RULE.replace('evhns', 'other') }],
    ['Service Health alone', { logs: [{ category: 'ServiceHealth', enabled: true }] }],
    ['Resource Health alone', { logs: [{ category: 'ResourceHealth', enabled: true }] }],
  ])('is not content with a setting for %s', (_what, difference) => {
    expect(
      complies(
        'activity-log-export',
        changed((properties) => ({ ...properties, ...difference })),
      ),
    ).toBe(false);
  });
});
