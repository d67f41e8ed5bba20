/** Rules, groups and settings as nobody should write them: nothing throws, nothing counts as more than it is. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listExports, readCoverage } from '#src/azure/coverage-read.ts';
import { openSession, type AzureSession } from '#src/azure/session.ts';
import { covers } from '#src/core/coverage-paths.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { groupOf, ruleOf } from '#test/support/azure/coverage.ts';
import { subscriptionId } from '#test/support/fixtures.ts';

const ONE = subscriptionId(1);
let arm: ArmServer;
let http: HttpClient;

beforeEach(async () => {
  arm = await new ArmServer().start();
  arm.subscriptions = [{ id: ONE, name: 'one' }];
  http = createHttpClient({ egress: { allow: ['127.0.0.0/8'] } });
});
afterEach(async () => {
  await http.close();
  await arm.stop();
});

function session(): AzureSession {
  const token = { get: () => Promise.resolve(ARM_TOKEN), forget: () => undefined };
  return openSession({ armUrl: arm.url, http, token, callsMax: 20, signal: new AbortController().signal });
}

const read = () => readCoverage(session(), { subscriptions: null });

test('properties of any shape are read as what they are not', async () => {
  const shapes = [
    null,
    7,
    'ServiceHealth',
    [],
    {},
    { allOf: 'ServiceHealth' },
    { allOf: [null, 7, 'ServiceHealth', {}] },
  ];
  arm.rules = shapes.map((condition, index) => {
    const rule = ruleOf(ONE, [], { name: `rule-${index}` });
    rule.properties = { condition, actions: condition, scopes: condition, enabled: condition, text: 'ServiceHealth' };
    return rule;
  });
  arm.groups = shapes.map((odd, index) => groupOf(ONE, { webhookReceivers: odd as never }, { name: `group-${index}` }));
  const { rules, groups } = await read();
  expect(groups).toHaveLength(shapes.length);
  expect(groups.flatMap((group) => group.webhooks)).toEqual([]);
  for (const rule of rules) expect(covers(rule, ONE)).toBe(false);
});

test('what Postgres cannot store is made safe, so that one rule cannot end every audit', async () => {
  arm.rules = [ruleOf(ONE, [], { allOf: [{ field: 'status', equals: 'a\u0000b\uD800c' }] })];
  const [rule] = (await read()).rules;
  const text = JSON.stringify(rule);
  expect(text).not.toMatch(/\\u0000|\\ud800/i);
  expect(rule!.conditions).toHaveLength(2);
});

test('either of two fields is a condition of its own, and narrows', async () => {
  const anyOf = [
    { field: 'status', equals: 'Active' },
    { field: 'properties.stage', containsAny: ['Active', 'Planned'] },
  ];
  arm.rules = [ruleOf(ONE, [], { allOf: [{ anyOf }] })];
  expect((await read()).rules[0]!.conditions[1]).toEqual({
    field: 'status or properties.stage',
    values: ['Active', 'Active', 'Planned'],
  });
});

test('a setting without a hub of its own goes to the default one; what is off or to a workspace only is none', async () => {
  const toHub = (more: Record<string, unknown>) => ({
    eventHubAuthorizationRuleId: '/subscriptions/x/providers/Microsoft.EventHub/namespaces/ns/authorizationRules/r',
    logs: [{ category: 'ServiceHealth', enabled: true }],
    ...more,
  });
  arm.settings.set(ONE, [
    { name: 'default', properties: toHub({}) },
    { name: 'all', properties: toHub({ eventHubName: 'h', logs: [{ categoryGroup: 'allLogs', enabled: true }] }) },
    { name: 'off', properties: toHub({ logs: [{ category: 'ServiceHealth', enabled: false }] }) },
    { name: 'other', properties: toHub({ logs: [{ category: 'Alert', enabled: true }] }) },
    { name: 'workspace', properties: { workspaceId: '/w', logs: [{ category: 'ServiceHealth', enabled: true }] } },
    { name: 'odd', properties: { logs: 7 } },
  ]);
  expect(await listExports(session(), ONE)).toEqual([
    { name: 'default', namespace: 'ns', hub: 'insights-activity-logs' },
    { name: 'all', namespace: 'ns', hub: 'h' },
  ]);
  await expect(listExports(session(), subscriptionId(9))).resolves.toEqual([]);
});
