/** Names: what is used must be declared, what is declared must be used, nothing stands twice, and functions must exist. */
import { children, fault, keyOf, walk, type Bicep, type Fault, type Node } from './syntax.ts';

/** The functions of Bicep that are known here; one that is missing is added when it is first used. */
const FUNCTIONS = new Set(
  (
    'array base64 bool cidrHost cidrSubnet coalesce concat contains dateTimeAdd deployment empty endsWith environment filter first ' +
    'flatten format guid indexOf int intersection items join json last length loadJsonContent loadTextContent ' +
    'loadYamlContent managementGroup map max min padLeft range reduce reference replace resourceGroup resourceId ' +
    'skip sort split startsWith string subscription subscriptionResourceId substring take tenant tenantResourceId ' +
    'toLower toObject toUpper trim union uniqueString uri uriComponent utcNow'
  ).split(' '),
);
const DECORATORS = new Set(
  'allowed batchSize description discriminator export maxLength maxValue metadata minLength minValue onlyIfNotExists sealed secure'.split(
    ' ',
  ),
);
/** Names that are always there: the two namespaces. */
const NAMESPACES = new Set(['az', 'sys']);

export function nameFaults(bicep: Bicep): Fault[] {
  const faults: Fault[] = [];
  const used = new Set<string>();
  const declaredAt = new Set([...bicep.declared.values()].map(({ name }) => name.id));
  for (const [name, at] of bicep.repeated) {
    declaredAt.add(at.id);
    faults.push(fault(bicep, at, { rule: 'names', message: `${name} is declared twice` }));
  }

  walk(bicep.root, (node) => {
    if (node.type === 'object') faults.push(...repeatedKeys(bicep, node));
    if (
      node.type !== 'identifier' ||
      declaredAt.has(node.id) ||
      isKey(node) ||
      node.parent?.type === 'metadata_declaration'
    )
      return;
    const name = node.text;
    if (isCalled(node)) {
      const known = isDecorator(node) ? DECORATORS.has(name) : FUNCTIONS.has(name) || bicep.declared.has(name);
      if (!known) faults.push(fault(bicep, node, { rule: 'names', message: `unknown function ${name}` }));
      used.add(name);
      return;
    }
    if (isLoopName(node)) return;
    used.add(name);
    if (bicep.declared.has(name) || NAMESPACES.has(name) || loopDeclares(node, name)) return;
    faults.push(fault(bicep, node, { rule: 'names', message: `${name} is not declared` }));
  });

  for (const [name, { kind, name: node }] of bicep.declared) {
    const needsUse = kind === 'parameter' || kind === 'variable' || kind === 'type' || kind === 'function';
    if (needsUse && !used.has(name))
      faults.push(fault(bicep, node, { rule: 'names', message: `${kind} ${name} is not used` }));
  }
  return faults;
}

function repeatedKeys(bicep: Bicep, object: Node): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  for (const property of children(object)) {
    const name = property.type === 'object_property' ? keyOf(property) : null;
    if (name === null) continue;
    if (seen.has(name))
      faults.push(fault(bicep, property, { rule: 'names', message: `${name} stands twice in one object` }));
    seen.add(name);
  }
  return faults;
}

function isKey(node: Node): boolean {
  return node.parent?.type === 'object_property' && node.parent.namedChild(0)?.id === node.id;
}

/** The grammar takes a call that starts an array item for two items, a name and a parenthesis: the text tells better. */
function isCalled(node: Node): boolean {
  return node.tree.rootNode.text[node.endIndex] === '(';
}

function isDecorator(node: Node): boolean {
  return node.parent?.parent?.type === 'decorator';
}

/** The loop variable where it is introduced: `for item in` or `for (item, index) in`. */
function isLoopName(node: Node): boolean {
  const parent = node.parent;
  if (parent?.type === 'loop_variable' || parent?.type === 'loop_enumerator') return true;
  return parent?.type === 'for_statement' && parent.childForFieldName('initializer')?.id === node.id;
}

/** Whether a loop around the node introduces the name. */
function loopDeclares(node: Node, name: string): boolean {
  for (let around = node.parent; around !== null; around = around.parent) {
    if (around.type !== 'for_statement') continue;
    const initializer = around.childForFieldName('initializer')?.text;
    const pair = children(around).find((child) => child.type === 'for_loop_parameters');
    if (initializer === name || (pair !== undefined && children(pair).some((child) => child.text === name)))
      return true;
  }
  return false;
}
