/** `relay pass-through on|off`: the one switch that turns off everything that can hold a notification back. */
import { parseCommand, UsageError, type Command } from './command.ts';
import { apiClient } from './relay-client.ts';
import { plain } from './table.ts';

interface PassThroughAnswer {
  on: boolean;
  configured: boolean;
  turn: { at: string; on: boolean; author: string; reason: string } | null;
  destinations?: string[];
}

export const command: Command = {
  name: 'pass-through',
  summary: 'let everything through (on) or hold back again what the config asks for (off)',
  usage: `[on | off] [--reason text] [--json]

  on             held-back children, silences, sustained, flapping, digests, latest and rate hold nothing back any more,
                 in every replica; what waits is told at once
  off            they do again. Not possible while relay.yaml says passThrough: true
  without        how it stands, and who turned it
  --reason text  stands on the timelines of the incidents that it lets through
  --json         the answer of the API as it is

Needs a token of role operate to turn it. Exit code 1 when it does not stand as asked for afterwards.

Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, {
      options: { reason: { type: 'string' }, json: { type: 'boolean' } },
      max: 1,
    });
    const [word] = positionals;
    if (word !== undefined && word !== 'on' && word !== 'off') throw new UsageError(`on or off, not "${plain(word)}"`);
    const client = await apiClient(io);
    const path = '/v1/pass-through';
    const { text } =
      word === undefined
        ? await client.call({ path })
        : await client.call({
            method: 'PUT',
            path,
            body: JSON.stringify({ on: word === 'on', reason: values.reason ?? '' }),
          });
    const state = JSON.parse(text) as PassThroughAnswer;
    io.out(`${values.json === true ? text.trimEnd() : inWords(state)}\n`);
    return word === undefined || state.on === (word === 'on') ? 0 : 1;
  },
};

function inWords({ on, configured, turn, destinations = [] }: PassThroughAnswer): string {
  const by =
    turn === null
      ? ''
      : `, turned ${turn.on ? 'on' : 'off'} by ${turn.author} at ${turn.at}${turn.reason === '' ? '' : ` (${turn.reason})`}`;
  const told = destinations.length === 0 ? '' : `\ntold now: ${destinations.join(', ')}`;
  if (configured) return `pass-through is on by relay.yaml${plain(by)}${told}`;
  return `pass-through is ${on ? 'on' : 'off'}${plain(by)}${told}`;
}
