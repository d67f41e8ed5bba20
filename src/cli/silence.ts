/** `relay silence add|list|end`: windows in which routes keep quiet, under the name of the token's holder. */
import { MATCH_KEYS } from '#src/core/route-condition.ts';
import { matchInWords } from '#src/core/silence.ts';
import { suggest } from '#src/config/suggest.ts';
import { parseCommand, UsageError, type Command, type Io } from './command.ts';
import { apiClient } from './relay-client.ts';
import { plain, table } from './table.ts';

interface SilenceAnswer {
  id: string;
  origin: 'call' | 'config';
  state: 'ahead' | 'active' | 'over';
  from: string;
  until: string;
  match: Record<string, string[]>;
  destinations: string[] | null;
  author: string;
  reason: string;
  endedAt: string | null;
  endedBy: string | null;
  held: number;
}

const ACTIONS: Readonly<Record<string, (args: readonly string[], io: Io) => Promise<string>>> = { add, list, end };

export const command: Command = {
  name: 'silence',
  summary: 'windows in which routes keep quiet: add, list, end',
  usage: `add [key=value ...] --for 2h | --until time [--from time] [--to destination ...] [--reason text] [--everything] [--json]
       npm run relay -- silence list [--all] [--json]
       npm run relay -- silence end <id> [--json]

  key=value      as in the match of a route: kind=outage region="West Europe"; the same key again is "any of".
                 A silence covers an incident only when the whole of it lies within
  --everything   in place of key=value: every incident
  --for, --until the end; one of the two is required. Times carry a zone: 2026-12-01T22:00:00Z
  --from time    the start (now)
  --to name      only for this destination; may be repeated
  --reason text  stands in decisions, messages and pages
  --all          also silences that are over
  --json         the answer of the API as it is

Needs a token of role operate to add and end. What is held back is judged again at the end: what is still open is told
then, marked; what is over is a record. The end of what a destination has open is told at once.

Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).`,
  async run([action = '', ...args], io) {
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (act === undefined) throw new UsageError(action === '' ? 'add, list or end?' : `there is no silence ${action}`);
    io.out(`${(await act(args, io)).trimEnd()}\n`);
    return 0;
  },
};

async function add(args: readonly string[], io: Io): Promise<string> {
  const { values, positionals } = parseCommand(args, {
    options: {
      for: { type: 'string' },
      until: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string', multiple: true },
      reason: { type: 'string' },
      everything: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    max: 200,
  });
  if ((values.for === undefined) === (values.until === undefined))
    throw new UsageError('a silence needs an end: either --for or --until');
  if ((positionals.length === 0) !== (values.everything === true))
    throw new UsageError('say what to silence: key=value, or --everything');
  const body = {
    match: matchFrom(positionals),
    ...(values.for === undefined ? {} : { for: values.for }),
    ...(values.until === undefined ? {} : { until: values.until }),
    ...(values.from === undefined ? {} : { from: values.from }),
    ...(values.to === undefined ? {} : { destinations: values.to }),
    ...(values.reason === undefined ? {} : { reason: values.reason }),
  };
  const client = await apiClient(io);
  const { text } = await client.call({ method: 'POST', path: '/v1/silences', body: JSON.stringify(body) });
  if (values.json === true) return text;
  const { silence, covers } = JSON.parse(text) as { silence: SilenceAnswer; covers: string[] };
  const who = silence.destinations === null ? 'every destination' : silence.destinations.join(', ');
  const when = silence.state === 'ahead' ? `from ${minute(silence.from)} until` : 'until';
  const now = covers.length === 0 ? '' : `\nit covers ${covers.length} open now: ${covers.slice(0, 5).join(' ')}`;
  return `${silence.id} ${when} ${minute(silence.until)}: ${plain(matchInWords(silence.match))}, ${plain(who)}${now}`;
}

async function list(args: readonly string[], io: Io): Promise<string> {
  const { values } = parseCommand(args, { options: { all: { type: 'boolean' }, json: { type: 'boolean' } } });
  const client = await apiClient(io);
  const { text } = await client.call({ path: `/v1/silences${values.all === true ? '?all=true' : ''}` });
  if (values.json === true) return text;
  const { silences } = JSON.parse(text) as { silences: SilenceAnswer[] };
  if (silences.length === 0) return 'no silences';
  return table(
    ['ID', 'STATE', 'FROM', 'UNTIL', 'MATCH', 'DESTINATIONS', 'HELD', 'AUTHOR', 'REASON'],
    silences.map((one) => [
      one.id,
      one.endedAt === null ? one.state : `lifted by ${one.endedBy}`,
      minute(one.from),
      minute(one.endedAt ?? one.until),
      matchInWords(one.match),
      one.destinations === null ? 'all' : one.destinations.join(' '),
      String(one.held),
      one.author,
      one.reason,
    ]),
  );
}

async function end(args: readonly string[], io: Io): Promise<string> {
  const { values, positionals } = parseCommand(args, { options: { json: { type: 'boolean' } }, min: 1 });
  const [id = ''] = positionals;
  const client = await apiClient(io);
  const { text } = await client.call({ method: 'DELETE', path: `/v1/silences/${encodeURIComponent(id)}` });
  return values.json === true ? text : `${id} is lifted; what it held back is judged again`;
}

function matchFrom(pairs: readonly string[]): Record<string, string[]> {
  const match: Record<string, string[]> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = at < 0 ? pair : pair.slice(0, at);
    const value = at < 0 ? '' : pair.slice(at + 1);
    if (!(MATCH_KEYS as readonly string[]).includes(key))
      throw new UsageError(`"${key}" is nothing to match on; ${suggest(key, MATCH_KEYS)}`);
    if (value === '') throw new UsageError(`write ${key}=value`);
    (match[key] ??= []).push(value);
  }
  return match;
}

function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')}Z`;
}
