/** Bicep source as a syntax tree, and the few questions that the rules ask of one. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Language, Parser, type Node } from 'web-tree-sitter';

export type { Node } from 'web-tree-sitter';

/** Something the check found wrong. Lines and columns count from 1. */
export interface Fault {
  file: string;
  line: number;
  column: number;
  rule: string;
  message: string;
}

export interface Bicep {
  /** Path as it is to be shown. */
  file: string;
  root: Node;
  /** Top-level declarations by name. */
  declared: ReadonlyMap<string, Declaration>;
  /** Declarations of a name that is taken, by that name; in `declared` stands the first. */
  repeated: readonly (readonly [name: string, at: Node])[];
}

export type DeclarationKind = 'parameter' | 'variable' | 'resource' | 'module' | 'output' | 'type' | 'function';

export interface Declaration {
  kind: DeclarationKind;
  name: Node;
  node: Node;
  /** Names of its decorators, such as `secure`. */
  decorators: readonly string[];
}

const KINDS: Readonly<Record<string, DeclarationKind>> = {
  parameter_declaration: 'parameter',
  variable_declaration: 'variable',
  resource_declaration: 'resource',
  module_declaration: 'module',
  output_declaration: 'output',
  type_declaration: 'type',
  user_defined_function: 'function',
};

let loading: Promise<Parser> | null = null;

/** Loads the grammar once; it is a WebAssembly file of the tree-sitter-bicep package. */
async function loadParser(): Promise<Parser> {
  await Parser.init();
  const grammar = createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm');
  return new Parser().setLanguage(await Language.load(grammar));
}

/** Parses one file. Syntax errors do not throw: they are in the tree, see `syntaxFaults`. */
export async function parseBicep(path: string): Promise<Bicep> {
  loading ??= loadParser();
  const tree = (await loading).parse(readFileSync(path, 'utf8'));
  if (tree === null) throw new Error(`no syntax tree for ${path}`);
  const declared = new Map<string, Declaration>();
  const repeated: [string, Node][] = [];
  for (const node of children(tree.rootNode)) {
    const kind = KINDS[node.type];
    const name = kind === undefined ? undefined : children(node).find((child) => child.type === 'identifier');
    if (kind === undefined || name === undefined) continue;
    // An output may have the name of anything else: nothing can refer to it inside the file.
    const key = kind === 'output' ? `output ${name.text}` : name.text;
    if (declared.has(key)) repeated.push([key, name]);
    else declared.set(key, { kind, name, node, decorators: decoratorsOf(node) });
  }
  return { file: path, root: tree.rootNode, declared, repeated };
}

/** The places that are not Bicep; with any of them, the other rules have nothing to stand on. */
export function syntaxFaults(bicep: Bicep): Fault[] {
  const faults: Fault[] = [];
  // Punctuation has no names in the tree: a closing brace that is missing is only found among all nodes.
  walkAll(bicep.root, (node) => {
    if (node.isMissing) faults.push(fault(bicep, node, { rule: 'syntax', message: `${node.type} is missing` }));
    else if (node.isError)
      faults.push(fault(bicep, node, { rule: 'syntax', message: `not Bicep: ${clip(node.text)}` }));
  });
  return faults;
}

export function fault(bicep: Pick<Bicep, 'file'>, node: Node, what: { rule: string; message: string }): Fault {
  const { row, column } = node.startPosition;
  return { file: bicep.file, line: row + 1, column: column + 1, ...what };
}

/** Named children without comments. */
export function children(node: Node): Node[] {
  return node.namedChildren.filter((child) => child.type !== 'comment');
}

export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of children(node)) walk(child, visit);
}

function walkAll(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of node.children) if (child !== null) walkAll(child, visit);
}

/** Text of a string literal without interpolation, else null. */
export function literal(node: Node | undefined): string | null {
  if (node?.type !== 'string' || children(node).some((child) => child.type === 'interpolation')) return null;
  return node.text.startsWith("'''") ? node.text.slice(3, -3) : node.text.slice(1, -1);
}

/** The quoted type of a resource or path of a module. */
export function declaredPath(node: Node): string | null {
  return literal(children(node).find((child) => child.type === 'string'));
}

/** The properties of an object literal by name; names with interpolation are left out. */
export function propertiesOf(object: Node): Map<string, { key: Node; value: Node | undefined }> {
  const found = new Map<string, { key: Node; value: Node | undefined }>();
  for (const property of children(object)) {
    if (property.type !== 'object_property') continue;
    const [key, ...values] = children(property);
    const name = keyOf(property);
    if (key !== undefined && name !== null) found.set(name, { key, value: values.at(-1) });
  }
  return found;
}

/** The name of a property, in quotes or not; null with interpolation. */
export function keyOf(property: Node): string | null {
  const key = children(property).at(0);
  return key?.type === 'identifier' ? key.text : literal(key);
}

/** The object that a resource or module declaration is given, through `if` and `for`. */
export function bodyOf(declaration: Node): Node | undefined {
  let node = children(declaration).at(-1);
  while (node !== undefined && (node.type === 'if_statement' || node.type === 'for_statement'))
    node = children(node).at(-1);
  return node?.type === 'object' ? node : undefined;
}

export function isExisting(resource: Node): boolean {
  return resource.children.some((child) => child?.type === 'existing' || child?.text === 'existing');
}

function decoratorsOf(node: Node): string[] {
  const before = node.previousNamedSibling;
  if (before?.type !== 'decorators') return [];
  return children(before).map((decorator) => /^@(?:sys\.)?(\w+)/.exec(decorator.text)?.[1] ?? '');
}

function clip(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 40 ? `${line.slice(0, 40)} ...` : line;
}
