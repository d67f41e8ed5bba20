/** From JSON Schema to rows of a table: one for each key, at any depth. */

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Row {
  /** `receivers.tokens[].source`; `<name>` stands for names that people give. */
  path: string;
  type: string;
  /** As YAML would take it; empty where nothing stands for a key that is left out. */
  usual: string;
  /** `yes`, `with basic`, or empty. */
  required: string;
  what: string;
}

/** A map of the same keys as one that was listed already is named, not listed again: from so many keys on. */
const SAME_KEYS_MIN = 5;

/** Rows of the properties of `schema` below `path`. `seen` holds the maps that were listed, by their content. */
export function rowsOf(schema: JsonSchema, path: string, seen = new Map<string, string>()): Row[] {
  const branches = alternatives(schema).filter((branch) => 'properties' in branch);
  const keys = new Set(branches.flatMap((branch) => Object.keys(propertiesOf(branch))));
  const content = JSON.stringify(branches.map(propertiesOf));
  const before = keys.size >= SAME_KEYS_MIN ? seen.get(content) : undefined;
  if (before !== undefined)
    return [{ path: `${path}.*`, type: '', usual: '', required: '', what: `The keys of \`${before}\`.` }];
  seen.set(content, path);
  return [...keys].flatMap((key) => {
    const holders = branches.filter((branch) => key in propertiesOf(branch));
    const nodes = holders.map((branch) => propertiesOf(branch)[key]!);
    const inside = path === '' ? key : `${path}.${key}`;
    const row = {
      path: inside,
      type: [...new Set(nodes.map(typeInWords))].join(' or '),
      usual: usualInWords(nodes[0]!),
      required: requiredInWords(key, { holders, branches }),
      what: [...new Set(nodes.map(({ description }) => (typeof description === 'string' ? description : '')))].join(
        ' ',
      ),
    };
    return [row, ...nodes.flatMap((node) => rowsBelow(node, inside, seen))];
  });
}

/** Rows of what a value holds: keys of a map, of the maps in a list, of the maps under names. */
function rowsBelow(node: JsonSchema, path: string, seen: Map<string, string>): Row[] {
  return alternatives(node)
    .flatMap((branch): Row[] => {
      if ('items' in branch) return rowsBelow(branch['items'] as JsonSchema, `${path}[]`, seen);
      const named = branch['additionalProperties'];
      if (typeof named === 'object' && named !== null) return rowsBelow(named as JsonSchema, `${path}.<name>`, seen);
      return [];
    })
    .concat(rowsOf(node, path, seen));
}

/** What a value may be, less null and the references (`${NAME}`) that every text may be. */
function alternatives(node: JsonSchema): JsonSchema[] {
  const inner = (node['anyOf'] ?? node['oneOf']) as JsonSchema[] | undefined;
  if (inner === undefined) return [node];
  return inner.filter((one) => one['type'] !== 'null' && one['pattern'] !== '\\$\\{[^}]+\\}').flatMap(alternatives);
}

function propertiesOf(node: JsonSchema): Record<string, JsonSchema> {
  return (node['properties'] ?? {}) as Record<string, JsonSchema>;
}

function requiredInWords(
  key: string,
  { holders, branches }: { holders: readonly JsonSchema[]; branches: readonly JsonSchema[] },
): string {
  const wanting = holders.filter((branch) => ((branch['required'] ?? []) as string[]).includes(key));
  if (wanting.length === 0) return '';
  if (wanting.length === branches.length) return 'yes';
  const words = wanting.flatMap((branch) =>
    Object.values(propertiesOf(branch)).flatMap((node) => ('const' in node ? [`\`${String(node['const'])}\``] : [])),
  );
  return words.length === 0 ? 'yes' : `with ${words.join(', ')}`;
}

function usualInWords({ default: usual }: JsonSchema): string {
  const empty = usual === '' || (typeof usual === 'object' && usual !== null && Object.keys(usual).length === 0);
  if (usual === undefined || usual === null || empty) return '';
  return `\`${typeof usual === 'string' ? usual : JSON.stringify(usual).replaceAll(/[,:]/g, '$& ')}\``;
}

/** `text, 16 to 512 characters`, `list of texts`, `duration`. */
export function typeInWords(node: JsonSchema): string {
  return [...new Set(alternatives(node).map(oneTypeInWords))].join(' or ');
}

function oneTypeInWords(node: JsonSchema): string {
  if ('const' in node) return `\`${String(node['const'])}\``;
  if (Array.isArray(node['enum'])) return node['enum'].map((word) => `\`${String(word)}\``).join(', ');
  const type = Array.isArray(node['type']) ? node['type'].find((one) => one !== 'null') : node['type'];
  switch (type) {
    case 'string':
      if (node['title'] === 'duration') return 'duration';
      return `${node['format'] === 'uri' ? 'address' : 'text'}${between(node['minLength'], node['maxLength'], 'characters')}`;
    case 'integer':
      return `whole number${between(node['minimum'], node['maximum'], '')}`;
    case 'boolean':
      return '`true` or `false`';
    case 'array':
      return `list of ${plural(typeInWords(node['items'] as JsonSchema))}${between(node['minItems'], node['maxItems'], 'entries')}`;
    case 'object':
      return 'map';
    default:
      return String(type ?? 'anything');
  }
}

function plural(type: string): string {
  return type.replace(
    /^(text|map|duration|whole number|address)/,
    (word) => `${word}${word.endsWith('s') ? 'es' : 's'}`,
  );
}

/** A least of one says no more than that it may not be empty; the largest safe integer is no limit of ours. */
function between(least: unknown, most: unknown, unit: string): string {
  const from = typeof least === 'number' && (least > 1 || typeof most === 'number') ? least : null;
  const to = typeof most === 'number' && most < Number.MAX_SAFE_INTEGER ? most : null;
  if (to === null) return from === null || from <= 1 ? '' : `, at least ${from} ${unit}`.trimEnd();
  return (from === null ? `, at most ${to} ${unit}` : `, ${from} to ${to} ${unit}`).trimEnd();
}
