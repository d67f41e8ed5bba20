/** As much of ARM templates and of Azure Policy as infra/policy uses: expressions, nested deployments, conditions. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

export interface Resource {
  type: string;
  name: string;
  /** Where it was deployed to: null is the subscription itself. */
  resourceGroup: string | null;
  body: JsonObject;
}
export interface Scope {
  parameters: Readonly<Record<string, Json>>;
  subscription: string;
  resourceGroup: string | null;
}

/** Everything that a template makes, nested deployments included, with its expressions worked out. */
export function deploy(template: JsonObject, scope: Scope): Resource[] {
  for (const name of Object.keys((template['parameters'] ?? {}) as JsonObject))
    if (!(name in scope.parameters)) throw new Error(`parameter ${name} has no value`);
  return (template['resources'] as JsonObject[]).flatMap((resource) => {
    if (resource['type'] !== 'Microsoft.Resources/deployments') {
      const body = expand(resource, scope) as JsonObject;
      const { type, name } = body as { type: string; name: string };
      return [{ type, name, resourceGroup: scope.resourceGroup, body }];
    }
    const { template: inner, parameters } = resource['properties'] as { template: JsonObject; parameters: JsonObject };
    const resourceGroup = expand(resource['resourceGroup'] ?? scope.resourceGroup, scope) as string | null;
    return deploy(inner, { ...scope, resourceGroup, parameters: valuesOf(parameters, scope) });
  });
}

/** `{ name: { value } }` as `{ name: value }`. */
export function valuesOf(parameters: Json, scope: Scope): Record<string, Json> {
  const given = Object.entries(parameters as Record<string, { value: Json }>);
  return Object.fromEntries(given.map(([name, { value }]) => [name, expand(value, scope)]));
}

export function expand(value: Json, scope: Scope): Json {
  if (typeof value === 'string') return /^\[(?!\[)/.test(value) ? evaluate(value.slice(1, -1), scope) : value;
  if (Array.isArray(value)) return value.map((item) => expand(item, scope));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, expand(inner, scope)]));
}

/** One expression: a text in quotes, or a call with what follows its dot. */
function evaluate(text: string, scope: Scope): Json {
  const quoted = /^'([^']*)'$/.exec(text.trim());
  if (quoted) return quoted[1]!;
  const call = /^(\w+)\((.*)\)(?:\.(\w+))?$/s.exec(text.trim());
  if (!call) throw new Error(`not an expression that is known here: ${text}`);
  const [, name, inside = '', member] = call;
  const values = argumentsIn(inside).map((argument) => plain(evaluate(argument, scope)));
  if (name === 'parameters') {
    const value = scope.parameters[values[0]!];
    if (value === undefined) throw new Error(`parameter ${values[0]} has no value`);
    return value;
  }
  const subscription = `/subscriptions/${scope.subscription}`;
  if (name === 'concat') return values.join('');
  if (name === 'subscription' && member === 'id') return subscription;
  if (name === 'subscriptionResourceId') return `${subscription}/providers/${values.join('/')}`;
  if (name === 'resourceId')
    return `${subscription}/resourceGroups/${scope.resourceGroup}/providers/${values.join('/')}`;
  throw new Error(`${name} is not known here`);
}

/** Splits at the commas that are outside of parentheses. */
function argumentsIn(text: string): string[] {
  let depth = 0;
  const parts = [''];
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** Whether a resource satisfies a condition of Azure Policy; texts are compared without case, as Policy does. */
export function satisfies(condition: Json, resource: Resource, scope: Scope, item: Json = null): boolean {
  const { allOf, anyOf, count, field, ...rest } = condition as Record<string, Json>;
  const each = (part: Json): boolean => satisfies(part, resource, scope, item);
  if (allOf !== undefined) return (allOf as Json[]).every(each);
  if (anyOf !== undefined) return (anyOf as Json[]).some(each);
  if (count !== undefined) {
    const { field: list, where } = count as { field: string; where: Json };
    const items = valueOf(list.replace(/\[\*\]$/, ''), resource, null) as Json[];
    const found = items.filter((one) => satisfies(where, resource, scope, one)).length;
    return found >= Number(rest['greaterOrEquals']);
  }
  const [actual, wanted] = [valueOf(plain(field!), resource, item), expand(rest['equals']!, scope)];
  return plain(actual).toLowerCase() === plain(wanted).toLowerCase();
}

function plain(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The value of `name`, `tags['x']` or an alias; within a count, `list[*].x` is that of the item. */
function valueOf(field: string, resource: Resource, item: Json): Json {
  if (field === 'name') return resource.name;
  const tag = /^tags\['(.*)'\]$/.exec(field);
  if (tag) return ((resource.body['tags'] ?? {}) as JsonObject)[tag[1]!] ?? null;
  const path = field.slice(resource.type.length + 1);
  if (path.includes('[*].')) return (item as JsonObject)[path.split('[*].')[1]!] ?? null;
  return (resource.body['properties'] as JsonObject)[path] ?? null;
}
