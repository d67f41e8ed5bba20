/** `relay coverage`: from which subscriptions Service Health news reaches the relay, and what is wrong with the others. */
import { parseCommand, type Command } from './command.ts';
import { apiClient } from './relay-client.ts';
import { table, wrapped } from './table.ts';

/** What the list shows of the API's answer. */
interface CoverageAnswer {
  coverage: {
    known: boolean;
    unknown: string | null;
    well: boolean;
    takenAt: string | null;
    counts: Record<string, number> | null;
    unlisted: { subscription: string; lastHeardAt: string }[];
    subscriptions: {
      subscription: string;
      name: string | null;
      status: string;
      findings: Finding[];
      lastHeardAt: string | null;
    }[];
  };
}

interface Finding {
  kind: string;
  detail: string;
}

type Block = CoverageAnswer['coverage']['subscriptions'][number];

const UNLISTED: Finding = { kind: 'unlisted', detail: 'heard from, and not among the subscriptions that Azure shows' };
/** Many a terminal, and a page of a ticket, show no more. */
const WIDTH = 100;
const INDENT = '  ';
/** The longest kind of finding, and a gap. */
const KIND_CHARS = 18;
const WELL = ['covered', 'exempt'];

export const command: Command = {
  name: 'coverage',
  summary: 'which subscriptions reach the relay with Service Health news, and what is wrong with the others',
  usage: `[--all] [--json]

  --all     also the subscriptions that nothing is wrong with
  --json    the answer of the API as it is

Exit code 1 when anything was found, or when it is not known.
Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).`,
  async run(args, io) {
    const { values } = parseCommand(args, { options: { all: { type: 'boolean' }, json: { type: 'boolean' } } });
    const client = await apiClient(io);
    const { text } = await client.call({ path: '/v1/coverage' });
    const { coverage } = JSON.parse(text) as CoverageAnswer;
    io.out(values.json === true ? `${text.trimEnd()}\n` : asText(coverage, values.all === true));
    return coverage.well ? 0 : 1;
  },
};

/** What was found, a block for each subscription: no line is wider than a terminal unless a name or a word is. */
export function asText(coverage: CoverageAnswer['coverage'], all: boolean): string {
  const found: Block[] = [
    ...coverage.subscriptions.filter((row) => all || !WELL.includes(row.status)),
    ...coverage.unlisted.map((one) => ({ ...one, status: 'unlisted', name: null, findings: [UNLISTED] })),
  ];
  const head = found.map((row) => [row.subscription, row.status, minute(row.lastHeardAt), row.name ?? '']);
  const [first = '', ...lines] = table(['SUBSCRIPTION', 'STATUS', 'LAST HEARD', 'NAME'], head).split('\n');
  const blocks = found.flatMap((row, index) => [lines[index]!, ...row.findings.flatMap(findingLines)]);
  return `${found.length === 0 ? '' : `${[first, ...blocks].join('\n')}\n`}${countsInWords(coverage)}\n`;
}

function findingLines({ kind, detail }: Finding): string[] {
  return wrapped(detail, WIDTH - INDENT.length - KIND_CHARS).map(
    (line, index) => `${INDENT}${(index === 0 ? kind : '').padEnd(KIND_CHARS)}${line}`,
  );
}

function countsInWords({ known, unknown, takenAt, counts, unlisted }: CoverageAnswer['coverage']): string {
  const parts = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  const said = parts.map(([status, count]) => `${count} ${status}`);
  if (unlisted.length > 0) said.push(`${unlisted.length} unlisted`);
  const audited = takenAt === null ? '' : `audited ${minute(takenAt)}: ${said.join(', ')}`;
  return known ? audited : [`coverage is unknown: ${unknown}`, audited].filter((line) => line !== '').join('\n');
}

function minute(at: string | null): string {
  return at === null ? 'never' : `${at.slice(0, 16).replace('T', ' ')}Z`;
}
