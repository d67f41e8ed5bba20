/** Azure Policy definitions that deploy something, `*-policy.json`: that each level of their templates fits the next. */
import { readFileSync } from 'node:fs';
import type { Shape, Snapshot } from './properties.ts';
import type { Fault } from './syntax.ts';

type Json = null | boolean | number | string | Json[] | JsonObject;
interface JsonObject {
  [key: string]: Json;
}
interface Template {
  parameters?: JsonObject;
  resources: (JsonObject & { type: string; apiVersion: string; properties: JsonObject })[];
}
interface Deployment {
  properties: { parameters: JsonObject; template: Template };
}
interface Policy {
  parameters: JsonObject;
  policyRule: { if: Json; then: { effect: string; details: JsonObject & { type: string; deployment: Deployment } } };
}

/** What a template may say about any resource besides what its type has. */
const TEMPLATE_KEYS = new Set(['type', 'apiVersion', 'dependsOn', 'resourceGroup', 'scope', 'condition']);
const NESTED = 'Microsoft.Resources/deployments';

export function policyFaults(file: string, snapshot: Snapshot): Fault[] {
  const faults: Fault[] = [];
  const report = (message: string): void => void faults.push({ file, line: 1, column: 1, rule: 'policy', message });
  const policy = JSON.parse(readFileSync(file, 'utf8')) as Policy;
  const { effect, details } = policy.policyRule.then;
  const { deployment, ...rest } = details;
  const handed = deployment.properties.parameters;
  sameNames('the definition', { has: Object.keys(policy.parameters), uses: used([effect, rest, handed]) }, report);
  templateFaults('the template', deployment.properties, { snapshot, report });

  const { type } = details;
  if (!deployed(deployment.properties.template).includes(type)) report(`looks for ${type}, which it does not deploy`);
  for (const field of fieldsOf(rest['existenceCondition'] ?? [])) {
    if (field !== 'name' && !field.startsWith("tags['") && !field.startsWith(`${type}/`))
      report(`the existence condition asks for ${field}, which is no field of ${type}`);
  }
  if (!Array.isArray(rest['roleDefinitionIds']) || rest['roleDefinitionIds'].length === 0)
    report('names no role in roleDefinitionIds, without which nothing is deployed');
  if (JSON.stringify(policy.policyRule.if).includes('/subscriptions"') && rest['deploymentScope'] !== 'subscription')
    report('judges subscriptions and does not deploy to them: deploymentScope');
  return faults;
}

interface Context {
  snapshot: Snapshot;
  report: (message: string) => void;
}

function templateFaults(where: string, given: Deployment['properties'], context: Context): void {
  const { template, parameters } = given;
  const { snapshot, report } = context;
  const declared = Object.keys(template.parameters ?? {});
  sameNames(`what is handed to ${where}`, { has: Object.keys(parameters), uses: declared }, report);
  const outer: Json[] = [];
  for (const resource of template.resources) {
    const { template: inner, ...properties } = resource.properties ?? {};
    const isNested = resource.type === NESTED;
    outer.push({ ...resource, properties: isNested ? properties : (resource.properties ?? {}) });
    for (const dependency of (resource['dependsOn'] ?? []) as string[]) {
      if (!template.resources.some(({ type }) => dependency.includes(`'${type}'`)))
        report(`${resource.type} waits for what ${where} does not deploy: ${dependency}`);
    }
    if (isNested) {
      if (JSON.stringify(properties['expressionEvaluationOptions'] ?? null) !== '{"scope":"inner"}')
        report('the nested template is not evaluated in its own scope');
      const next = { parameters: properties['parameters'] as JsonObject, template: inner as unknown as Template };
      templateFaults('the nested template', next, context);
      continue;
    }
    const key = `${resource.type}@${resource.apiVersion}`;
    const shape = snapshot[key];
    if (shape === undefined) report(`types.json does not have ${key}`);
    else compare(withoutTemplateKeys(resource), shape, { path: key, report });
  }
  sameNames(where, { has: declared, uses: used(outer) }, report);
}

function compare(value: Json, shape: Shape, context: { path: string; report: (message: string) => void }): void {
  const { path, report } = context;
  // An expression may turn out to be anything.
  if (shape === '' || typeof value === 'string') return;
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return report(`${path} is no list`);
    for (const item of value) compare(item, shape[0] as Shape, { path: `${path}[]`, report });
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return report(`${path} is no object`);
  const known = new Map(Object.entries(shape).map(([name, inner]) => [name.replace(/!$/, ''), inner]));
  for (const [name, inner] of Object.entries(value)) {
    const next = known.get(name);
    if (next === undefined) report(`${path} has no property ${name}`);
    else compare(inner, next, { path: `${path}.${name}`, report });
  }
  for (const name of Object.keys(shape).filter((key) => key.endsWith('!')))
    if (!(name.slice(0, -1) in value)) report(`${path} lacks the required ${name.slice(0, -1)}`);
}

function sameNames(
  where: string,
  { has, uses }: { has: readonly string[]; uses: readonly string[] },
  report: (message: string) => void,
): void {
  for (const name of uses) if (!has.includes(name)) report(`${where} has no parameter ${name}`);
  for (const name of has) if (!uses.includes(name)) report(`parameter ${name} of ${where} is not used`);
}

/** Names in `parameters('...')` of everything below a value. */
function used(value: Json): string[] {
  return [...new Set([...JSON.stringify(value).matchAll(/parameters\('(\w+)'\)/g)].map(([, name]) => name ?? ''))];
}

/** Types of all resources, nested templates included. */
function deployed(template: Template): string[] {
  return template.resources.flatMap(({ type, properties }) =>
    type === NESTED ? deployed(properties['template'] as unknown as Template) : [type],
  );
}

function fieldsOf(condition: Json): string[] {
  if (typeof condition !== 'object' || condition === null) return [];
  return Object.entries(condition).flatMap(([key, inner]) =>
    key === 'field' && typeof inner === 'string' ? [inner] : fieldsOf(inner),
  );
}

function withoutTemplateKeys(resource: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(resource).filter(([key]) => !TEMPLATE_KEYS.has(key)));
}
