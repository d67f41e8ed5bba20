import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Template {
  parameters: Record<string, unknown>;
  resources: { type: string; name: string; location?: string; properties: { [key: string]: Json } }[];
}

const read = (path: string): string => readFileSync(new URL(`../../../infra/policy/${path}`, import.meta.url), 'utf8');
const policy = JSON.parse(read('service-health-policy.json')) as {
  parameters: Record<string, { type: string; defaultValue?: string }>;
  policyRule: { if: Json; then: { effect: string; details: Details } };
};
interface Details {
  type: string;
  existenceCondition: { allOf: { field: string; equals: string }[] };
  deployment: { properties: { parameters: Record<string, unknown>; template: Template } };
}
const { details } = policy.policyRule.then;
const { template, parameters } = details.deployment.properties;
const nested = template.resources.find(({ type }) => type === 'Microsoft.Resources/deployments')!;
const inner = nested.properties as unknown as { parameters: Record<string, unknown>; template: Template };
const resource = (type: string) => inner.template.resources.find((each) => each.type === type)!;

/** Names in `parameters('...')` of everything below a value. */
function parametersUsed(value: unknown): string[] {
  return [...new Set([...JSON.stringify(value).matchAll(/parameters\('(\w+)'\)/g)].map(([, name]) => name!))].sort();
}

describe('the policy of infra/policy', () => {
  test('hands its parameters down all three levels, none missing and none left over', () => {
    const names = Object.keys(parameters).sort();
    expect(Object.keys(policy.parameters).sort()).toEqual(['effect', ...names].sort());
    expect(parametersUsed(Object.values(parameters))).toEqual(names);
    expect(Object.keys(template.parameters).sort()).toEqual(names);
    expect(Object.keys(inner.template.parameters).sort()).toEqual(Object.keys(inner.parameters).sort());
    expect(parametersUsed(inner.template.resources)).toEqual(Object.keys(inner.template.parameters).sort());
  });

  test('is given every parameter by the assignment', () => {
    const assignment = /resource assignment [\s\S]*?\n\}\n/.exec(read('main.bicep'))![0];
    const given = [...assignment.matchAll(/^ {6}(\w+): \{\n {8}value:/gm)].map(([, name]) => name!).sort();
    expect(given).toEqual(Object.keys(policy.parameters).sort());
  });

  test('looks for exactly the rule that it deploys', () => {
    expect(details.type).toBe('Microsoft.Insights/activityLogAlerts');
    const name = details.existenceCondition.allOf.find(({ field }) => field === 'name')!.equals;
    expect(resource('Microsoft.Insights/activityLogAlerts').name).toBe(name);
  });

  test('deploys a global action group in the common schema, proven by Entra and not by a token', () => {
    const group = resource('Microsoft.Insights/actionGroups');
    expect(group.location).toBe('Global');
    expect(group.properties['webhookReceivers']).toEqual([
      expect.objectContaining({ useCommonAlertSchema: true, useAadAuth: true }),
    ]);
    expect(JSON.stringify(policy)).not.toMatch(/token=/);
  });

  test('never matches on the type of an event: security advisories and retirements come too', () => {
    const rule = resource('Microsoft.Insights/activityLogAlerts').properties as {
      condition: { allOf: { field: string }[] };
    };
    expect(rule.condition.allOf.map(({ field }) => field)).toEqual([
      'category',
      'properties.impactedServices[*].ServiceName',
    ]);
  });
});
