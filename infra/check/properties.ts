/** Property names of resources against the committed snapshot of their types. */
import {
  bodyOf,
  children,
  declaredPath,
  fault,
  isExisting,
  propertiesOf,
  type Bicep,
  type Fault,
  type Node,
} from './syntax.ts';

/**
 * Shape of a value: `""` any value, an object its properties, an array of one the shape of its items. A property whose
 * name ends in `!` is required; the mark is not part of the name.
 */
export type Shape = '' | readonly [Shape] | { readonly [name: string]: Shape };
/** Shapes by `type@apiVersion`. */
export type Snapshot = Readonly<Record<string, Shape>>;

/** What every resource may have and Bicep itself takes. */
const BICEP_KEYS = new Set(['parent', 'scope', 'dependsOn']);

export function propertyFaults(bicep: Bicep, snapshot: Snapshot): Fault[] {
  const faults: Fault[] = [];
  for (const { kind, node } of bicep.declared.values()) {
    if (kind !== 'resource') continue;
    const type = declaredPath(node) ?? '';
    const shape = snapshot[type];
    const body = bodyOf(node);
    if (shape === undefined) {
      faults.push(fault(bicep, node, { rule: 'properties', message: `types.json does not have ${type}` }));
    } else if (body !== undefined && !isExisting(node)) {
      compare(body, shape, { bicep, faults, path: type, partial: false });
    }
  }
  return faults;
}

interface Context {
  bicep: Bicep;
  faults: Fault[];
  /** Where we are, for messages. */
  path: string;
  /** True inside a union, whose other parts may bring what this one lacks. */
  partial: boolean;
}

function compare(node: Node, shape: Shape, context: Context): void {
  if (shape === '') return;
  if (isList(shape)) {
    for (const item of itemsOf(node, context.bicep)) compare(item, shape[0], { ...context, path: `${context.path}[]` });
    return;
  }
  for (const { object, partial } of objectsOf(node, context.bicep))
    compareObject(object, shape, { ...context, partial: context.partial || partial });
}

function compareObject(object: Node, shape: { readonly [name: string]: Shape }, context: Context): void {
  const { bicep, faults, path } = context;
  const given = propertiesOf(object);
  const known = new Map(Object.entries(shape).map(([name, inner]) => [name.replace(/!$/, ''), inner]));
  for (const [name, { key, value }] of given) {
    if (BICEP_KEYS.has(name)) continue;
    const inner = known.get(name);
    if (inner === undefined)
      faults.push(fault(bicep, key, { rule: 'properties', message: `${path} has no property ${name}` }));
    else if (value !== undefined) compare(value, inner, { ...context, path: `${path}.${name}`, partial: false });
  }
  if (context.partial) return;
  for (const name of Object.keys(shape).filter((key) => key.endsWith('!'))) {
    if (given.has(name.slice(0, -1))) continue;
    faults.push(
      fault(bicep, object, { rule: 'properties', message: `${path} lacks the required ${name.slice(0, -1)}` }),
    );
  }
}

/** Object literals that a value may turn out to be: through variables, conditions and unions. Anything else is not looked into. */
function objectsOf(node: Node, bicep: Bicep): { object: Node; partial: boolean }[] {
  if (node.type === 'object') return [{ object: node, partial: false }];
  if (calls(node, 'union'))
    return argumentsOf(node).flatMap((part) => objectsOf(part, bicep).map(({ object }) => ({ object, partial: true })));
  return through(node, bicep).flatMap((next) => objectsOf(next, bicep));
}

/** Items of the array literals that a value may turn out to be. */
function itemsOf(node: Node, bicep: Bicep): Node[] {
  if (node.type === 'array')
    return children(node).flatMap((item) => (item.type === 'for_statement' ? children(item).slice(-1) : [item]));
  if (node.type === 'for_statement') return children(node).slice(-1);
  if (calls(node, 'concat') || calls(node, 'union')) return argumentsOf(node).flatMap((part) => itemsOf(part, bicep));
  return through(node, bicep).flatMap((next) => itemsOf(next, bicep));
}

/** One step towards a literal. */
function through(node: Node, bicep: Bicep): Node[] {
  if (node.type === 'parenthesized_expression') return children(node);
  if (node.type === 'ternary_expression') return children(node).slice(1);
  if (node.type !== 'identifier') return [];
  const variable = bicep.declared.get(node.text);
  return variable?.kind === 'variable' ? children(variable.node).slice(-1) : [];
}

function calls(node: Node, name: string): boolean {
  return node.type === 'call_expression' && node.childForFieldName('function')?.text === name;
}

function argumentsOf(node: Node): Node[] {
  const given = node.childForFieldName('arguments');
  return given === null ? [] : children(given);
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
