import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '#test/support/arm.ts';
import { folder, POLICIES, references, type Reference } from '#test/support/policies.ts';
import { checkBicep } from '../../../infra/check/check.ts';
import {
  bodyOf,
  children,
  literal,
  parseBicep,
  propertiesOf,
  type Bicep,
  type Node,
} from '../../../infra/check/syntax.ts';

describe('the initiative', () => {
  let bicep: Bicep;
  beforeAll(async () => {
    bicep = await parseBicep(join(folder, 'main.bicep'));
  });
  /** Object literals as objects; whatever else is no plain text stays as it is written. */
  const value = (node: Node): Json => {
    if (node.type === 'array') return children(node).map(value);
    if (node.type !== 'object') return literal(node) ?? node.text;
    return Object.fromEntries([...propertiesOf(node)].map(([name, { value: inner }]) => [name, value(inner!)]));
  };
  const properties = (name: string): Record<string, Json> =>
    (value(bodyOf(bicep.declared.get(name)!.node)!) as { properties: Record<string, Json> }).properties;
  const names = (from: Json): string[] => Object.keys(from as Record<string, Json>).sort();
  interface Entry {
    policyDefinitionId: string;
    policyDefinitionReferenceId: Reference;
    parameters: Record<string, { value: string }>;
  }
  const entries = (): Entry[] => properties('initiative')['policyDefinitions'] as unknown as Entry[];

  test('has every definition, each by its own reference and with every parameter', () => {
    expect(entries().map((entry) => entry.policyDefinitionReferenceId)).toEqual(references);
    for (const { policyDefinitionId, policyDefinitionReferenceId, parameters } of entries()) {
      const [name, policy] = POLICIES[policyDefinitionReferenceId];
      expect(policyDefinitionId).toBe(`${name}.id`);
      expect(properties(name)).toMatchObject({
        parameters: `${name}Policy.parameters`,
        policyRule: `${name}Policy.policyRule`,
      });
      expect(bicep.declared.get(`${name}Policy`)!.node.text).toContain(`'${policyDefinitionReferenceId}-policy.json'`);
      expect(names(parameters)).toEqual(names(policy.parameters));
    }
  });

  test('hands each of its own parameters on, as what the definition takes', () => {
    const own = properties('initiative')['parameters'] as Record<string, string>;
    const handed = entries().flatMap(({ policyDefinitionReferenceId, parameters }) =>
      Object.entries(parameters).map(([to, { value: text }]) => {
        const from = /^\[parameters\(\\'(\w+)\\'\)\]$/.exec(text)![1]!;
        const [source, , taken] = own[from]!.split('.');
        const [, policy] = Object.values(POLICIES).find(([name]) => source === `${name}Policy`)!;
        expect({ from, taken }).toEqual({ from, taken: to });
        expect(policy.parameters[to]!.type).toBe(POLICIES[policyDefinitionReferenceId][1].parameters[to]!.type);
        return from;
      }),
    );
    expect([...new Set(handed)].sort()).toEqual(names(own));
    expect(names(own).filter((name) => name.endsWith('Effect'))).toHaveLength(references.length);
  });

  test('is assigned with every parameter, and exports nothing where no hub is named', () => {
    const assigned = properties('assignment');
    expect(assigned['policyDefinitionId']).toBe('initiative.id');
    expect(names(assigned['parameters']!)).toEqual(names(properties('initiative')['parameters']!));
    expect(assigned['parameters']).toMatchObject({
      activityLogExportEffect: { value: "empty(eventHubsExportRuleId) ? 'Disabled' : activityLogExportEffect" },
    });
  });

  test('has a version for each rule that changes with all that shapes the rule', () => {
    const text = (name: string): string => bicep.declared.get(name)!.node.text;
    for (const name of ['receiverUrl', 'entraObjectId', 'entraIdentifierUri', 'entraTenantId'])
      expect(text('receiver')).toContain(`\${${name}}`);
    expect(text('serviceHealthVersion')).toContain(
      'uniqueString(string(serviceHealthPolicy), string(services), receiver)',
    );
    expect(text('resourceHealthVersion')).toContain('uniqueString(string(resourceHealthPolicy), receiver)');
  });

  test('says of each definition why a subscription does not comply', () => {
    const messages = properties('assignment')['nonComplianceMessages'] as { policyDefinitionReferenceId: string }[];
    expect(messages.map((message) => message.policyDefinitionReferenceId)).toEqual(references);
  });

  test('has an identity with every role that its definitions ask for, and a name that a management group takes', () => {
    const assignment = value(bodyOf(bicep.declared.get('assignment')!.node)!) as { name: string; identity: Json };
    expect(assignment.identity).toEqual({ type: 'SystemAssigned' });
    expect(assignment.name.length).toBeLessThanOrEqual(24);
    const given = literal(children(bicep.declared.get('contributorRoleId')!.node).at(-1))!;
    for (const [, policy] of Object.values(POLICIES))
      expect(policy.policyRule.then.details.roleDefinitionIds.map((id) => id.split('/').at(-1))).toEqual([given]);
    expect(properties('remediationRole')).toMatchObject({ principalId: 'assignment.identity.principalId' });
    expect(readFileSync(join(folder, 'main.bicep'), 'utf8')).toContain("targetScope = 'managementGroup'");
  });
});

describe('the check of the policies', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const each of folders.splice(0)) rmSync(each, { recursive: true });
  });

  test.each([
    ['an unknown property', 'useAadAuth', 'useEntra', 'webhookReceivers[] has no property useEntra'],
    [
      'a parameter that is not handed down',
      `"services": { "value": "[parameters('services')]" },`,
      '',
      'has no parameter services',
    ],
    [
      'a type without a snapshot',
      '2020-10-01',
      '2099-01-01',
      'types.json does not have Microsoft.Insights/activityLogAlerts@2099',
    ],
    ['a condition on fields of another type', 'activityLogAlerts/enabled', 'actionGroups/x', 'which is no field of'],
    [
      'a look for what it does not deploy',
      '"type": "Microsoft.Insights/activityLogAlerts",\n        "exist',
      '"type": "Microsoft.Insights/metricAlerts",\n        "exist',
      'looks for Microsoft.Insights/metricAlerts',
    ],
    ['no role', /"roleDefinitionIds": \[[^\]]*\]/, '"roleDefinitionIds": []', 'names no role'],
    ['no scope', '"deploymentScope": "subscription",', '', 'does not deploy to them'],
    [
      'a nested template in the scope of the outer',
      '{ "scope": "inner" }',
      '{ "scope": "outer" }',
      'not evaluated in its own scope',
    ],
    [
      'a dependency on nothing',
      "resourceId('Microsoft.Insights/actionGroups', concat(parameters('namePrefix'), '-action-group'))]\"],",
      "resourceId('Microsoft.Web/sites', 'x')]\"],",
      'waits for what',
    ],
  ] as const)('finds %s', async (_what, from, to, expected) => {
    const copy = mkdtempSync(join(tmpdir(), 'relay-policy-'));
    folders.push(copy);
    cpSync(folder, copy, { recursive: true });
    const path = join(copy, 'service-health-policy.json');
    const before = readFileSync(path, 'utf8');
    const after = before.replace(from, to);
    expect(after, 'the fault was planted').not.toBe(before);
    writeFileSync(path, after);
    const { policies, faults } = await checkBicep(copy);
    expect(policies).toHaveLength(3);
    expect(faults.map(({ message }) => message).join('\n')).toContain(expected);
  });
});
