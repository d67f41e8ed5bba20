/** `relay coverage`: from which subscriptions Service Health news reaches the relay, and what is wrong with the others. */
import { parseCommand, type Command } from './command.ts';
import { apiClient } from './relay-client.ts';
import { table } from './table.ts';

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
      findings: { kind: string; detail: string }[];
      lastHeardAt: string | null;
    }[];
  };
}

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

function asText(coverage: CoverageAnswer['coverage'], all: boolean): string {
  const rows = coverage.subscriptions
    .filter((row) => all || !WELL.includes(row.status))
    .flatMap((row) => {
      const head = [row.name ?? row.subscription, row.status, minute(row.lastHeardAt)];
      if (row.findings.length === 0) return [[...head, '', row.subscription]];
      return row.findings.map(({ kind, detail }, index) =>
        index === 0 ? [...head, kind, detail] : ['', '', '', kind, detail],
      );
    });
  const unlisted = coverage.unlisted.map((one) => [
    one.subscription,
    'unlisted',
    minute(one.lastHeardAt),
    'unlisted',
    'heard from, and not among the subscriptions that Azure shows',
  ]);
  const found = [...rows, ...unlisted];
  const list =
    found.length === 0 ? '' : `${table(['SUBSCRIPTION', 'STATUS', 'LAST HEARD', 'FINDING', 'WHY'], found)}\n`;
  return `${list}${countsInWords(coverage)}\n`;
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
