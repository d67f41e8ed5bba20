/** `relay gaps`: spans in which Azure could not reach the relay, why, and what back-fill found of them. */
import { parseCommand, UsageError, type Command } from './command.ts';
import { apiClient } from './relay-client.ts';
import { table } from './table.ts';

const LIMIT_MAX = 200;

/** What the list shows of the API's answer. */
export interface GapsAnswer {
  gaps: { from: string; to: string; cause: string; explanation: string; found: number; trackingIds: string[] }[];
  backfill: {
    enabled: boolean;
    busy: boolean;
    startedAt: string | null;
    finishedAt: string | null;
    okAt: string | null;
    coveredUntil: string | null;
    calls: number;
    found: number;
    subscriptions: number;
    faults: string[];
  };
}

export const command: Command = {
  name: 'gaps',
  summary: 'spans in which Azure could not reach the relay, and what back-fill found of them',
  usage: `[--limit n] [--json]

  --limit n   1 to ${LIMIT_MAX} (50), newest first
  --json      the answer of the API as it is

Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).`,
  async run(args, io) {
    const { values } = parseCommand(args, { options: { limit: { type: 'string' }, json: { type: 'boolean' } } });
    const limit = values.limit ?? '50';
    if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > LIMIT_MAX)
      throw new UsageError(`--limit must be a number from 1 to ${LIMIT_MAX}`);
    const client = await apiClient(io);
    const { text } = await client.call({ path: `/v1/gaps?limit=${limit}` });
    if (values.json === true) {
      io.out(`${text.trimEnd()}\n`);
      return 0;
    }
    const { gaps, backfill } = JSON.parse(text) as GapsAnswer;
    io.out(gaps.length === 0 ? 'no gaps\n' : listOf(gaps));
    io.out(`\n${stateInWords(backfill)}\n`);
    return 0;
  },
};

/** The last round of back-fill in a few words. */
export function stateInWords(backfill: GapsAnswer['backfill']): string {
  if (!backfill.enabled) return 'back-fill is off: it needs the section azure in relay.yaml';
  if (backfill.finishedAt === null)
    return backfill.startedAt === null ? 'back-fill has not run yet' : 'back-fill is under way';
  const looked = `${backfill.subscriptions} subscriptions, ${backfill.calls} calls, ${backfill.found} found`;
  const faults = backfill.faults.map((fault) => `\n  ${fault}`).join('');
  return `last round ${minute(backfill.finishedAt)}: ${looked}${faults}`;
}

function listOf(gaps: GapsAnswer['gaps']): string {
  return table(
    ['FROM', 'TO', 'CAUSE', 'FOUND', 'INCIDENTS', 'WHY'],
    gaps.map((gap) => [
      minute(gap.from),
      minute(gap.to),
      gap.cause,
      String(gap.found),
      gap.trackingIds.slice(0, 3).join(' ') + (gap.trackingIds.length > 3 ? ` +${gap.trackingIds.length - 3}` : ''),
      gap.explanation,
    ]),
  );
}

function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')}Z`;
}
