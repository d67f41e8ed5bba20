/** The page `docs/reference/config.md`: every variable and every key, from the schemas that read them. */
import type { Adapter } from '#src/core/adapter.ts';
import { COMMANDS, PLACE, TRACES, type Variable } from '#src/config/env-variables.ts';
import { COMMON_KEYS } from '#src/config/schema-common.ts';
import { configJsonSchema } from '#src/config/schema-json.ts';
import { rowsOf, type JsonSchema, type Row } from './rows.ts';

const HEAD = `# Configuration reference

Every variable and every key of \`relay.yaml\`, written by \`npm run docs:reference\` from the schemas that the relay reads
them with; a unit test fails when this page is stale. What they mean together, with examples: [configure.md](../configure.md).

An empty cell under *Default* means none, or what the description says. A duration is \`500ms\`, \`30s\`, \`5m\`, \`24h\`, \`90d\` or a
chain such as \`1h30m\`, from 1 ms to ten years. \`[]\` in a key stands for each entry of a list, \`<name>\` for a name that you
give. Names are letters, digits, dots, dashes and underscores, at most 63. Every text may be or hold \`\${NAME}\` or
\`\${file:path}\`. Unknown keys are faults.
`;

/** The whole page in Markdown. */
export function referencePage(adapters: readonly Adapter[]): string {
  const properties = configJsonSchema(adapters)['properties'] as Record<string, JsonSchema>;
  const seen = new Map<string, string>();
  const sections = Object.entries(properties).flatMap(([key, node]) => {
    if (key === 'destinations') return [];
    const rows = rowsOf({ properties: { [key]: node } }, '', seen).slice(1);
    return rows.length === 0 ? [] : [{ key, rows }];
  });
  const withSection = new Set(['destinations', ...sections.map(({ key }) => key)]);
  return [
    HEAD,
    '## Environment\n\nA variable that is set to nothing counts as not set. Roles, levels and ways to sign in are taken in any case.\n',
    variables(PLACE),
    'Traces are off until one of the first three names where they go ([operate.md](../operate.md#traces)). A value that cannot be used is a warning.\n',
    variables(TRACES),
    'Commands that call a running relay:\n',
    variables(COMMANDS),
    '## Top level\n',
    table(
      ['Key', 'Type', 'Default', 'What'],
      Object.entries(properties).map(([key, node]) => {
        const [row] = rowsOf({ properties: { [key]: node } }, '');
        const shown = withSection.has(key) ? `[\`${key}\`](#${key.toLowerCase()})` : `\`${key}\``;
        return [shown, row!.type, row!.usual, row!.what];
      }),
    ),
    ...sections.flatMap(({ key, rows }) => [`## \`${key}\`\n`, keys(rows)]),
    ...destinations(properties['destinations']!, adapters),
  ].join('\n');
}

function destinations(node: JsonSchema, adapters: readonly Adapter[]): string[] {
  const { oneOf } = node['additionalProperties'] as { oneOf: JsonSchema[] };
  const kinds = adapters.map(({ kind }, index) => ({ kind, rows: rowsOf(oneOf[index]!, '') }));
  const isCommon = ({ path }: Row): boolean => path !== 'type' && COMMON_KEYS.includes(path.split('.')[0]!);
  const common = kinds[0]!.rows.filter(isCommon).map((row) => {
    const usual = new Set(
      kinds.flatMap(({ rows }) => rows.filter((one) => one.path === row.path).map((one) => one.usual)),
    );
    return usual.size > 1 ? { ...row, usual: 'by type' } : row;
  });
  const type = {
    path: 'type',
    type: kinds.map(({ kind }) => `[\`${kind}\`](#type-${kind})`).join(', '),
    usual: '',
    required: 'yes',
    what: 'The kind of target.',
  };
  return [
    '## `destinations`\n\nKeys of every destination, below its name:\n',
    keys([type, ...common]),
    ...kinds.flatMap(({ kind, rows }) => [
      `### Type \`${kind}\`\n\n${unlessSet(rows)} What becomes of each message: [README](../../adapters/${kind}/README.md).\n`,
      keys(rows.filter((row) => row.path !== 'type' && !isCommon(row))),
    ]),
  ];
}

/** The common keys whose default this type decides. */
function unlessSet(rows: readonly Row[]): string {
  const found = ['updates', 'concurrency', 'failOpen'].map((key) => rows.find(({ path }) => path === key)!);
  return `Unless set: ${found.map(({ path, usual }) => `\`${path}: ${usual.replaceAll('`', '')}\``).join(', ')}.`;
}

function variables(list: readonly Variable[]): string {
  return table(
    ['Variable', 'Default', 'What'],
    list.map(({ name, usual, what }) => [`\`${name}\``, usual === null ? '' : `\`${usual}\``, what]),
  );
}

function keys(rows: readonly Row[]): string {
  return table(
    ['Key', 'Type', 'Default', 'Required', 'What'],
    rows.map(({ path, type, usual, required, what }) => [`\`${path}\``, type, usual, required, what]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll(/ {2,}/g, ' ');
  return `${[line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')}\n`;
}
