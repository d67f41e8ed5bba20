/** `relay replay`: posts saved payloads to a running relay, as Azure would; or tells what another config would have made of the past. */
import { parseCommand, UsageError, type Command } from './command.ts';
import { readPayloadBytes, UnreadableError } from './payloads.ts';
import { problemText, receiverClient } from './relay-client.ts';
import { table } from './table.ts';
import { runWhatIf } from './what-if/command.ts';

const RECEIVERS = ['azure-monitor', 'event-grid'];

interface Taken {
  file: string;
  status: number;
  signals: { id: string; incident: string | null; outcome: string }[];
  /** Why it was not taken; empty when it was. */
  fault: string;
}

export const command: Command = {
  name: 'replay',
  summary: 'post saved payloads to a running relay; or what another config would have told of the past',
  usage: `<file...> [--url address] [--token token] [--receiver azure-monitor|event-grid] [--json]
       npm run relay -- replay --from time [--to time] --config new.yaml [--all] [--json]

Files are posted one after the other, in the order given; - is standard input. What the relay has seen before is
answered as duplicate: a replay does no harm twice. Destinations are told as for any other message.

  --url address    of the relay (RELAY_URL, else http://127.0.0.1 at PORT)
  --token token    of a receiver (the first receiver token of relay.yaml)
  --receiver r     azure-monitor (default) or event-grid

With --from nothing is posted, sent or written: the signals of that span are read from the relay's database, folded in
memory, and told by new.yaml and by today's config (RELAY_CONFIG, else relay.yaml). Exit code 1 if there is a difference.

  --from, --to     times of receipt such as 2026-09-14T08:00:00Z (--to: now)
  --config file    the config to try
  --all            show what is the same as well

Environment of the second form: DATABASE_URL, or RELAY_DATA_DIR beside a relay that runs a Postgres of its own.`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, {
      options: {
        url: { type: 'string' },
        token: { type: 'string' },
        receiver: { type: 'string' },
        json: { type: 'boolean' },
        from: { type: 'string' },
        to: { type: 'string' },
        config: { type: 'string' },
        all: { type: 'boolean' },
      },
      max: Infinity,
    });
    const { from, to, config } = values;
    if (from !== undefined) {
      if ([...positionals, values.url, values.token, values.receiver].some((given) => given !== undefined))
        throw new UsageError(
          '--from reads the past from the database: files, --url, --token and --receiver do not go with it',
        );
      return runWhatIf({ from, to, config, all: values.all === true, json: values.json === true }, io);
    }
    if (to !== undefined || config !== undefined || values.all)
      throw new UsageError('--to, --config and --all go with --from');
    if (positionals.length === 0) throw new UsageError('an argument is missing');
    const { receiver = 'azure-monitor' } = values;
    if (!RECEIVERS.includes(receiver)) throw new UsageError(`--receiver must be one of ${RECEIVERS.join(', ')}`);
    const client = await receiverClient(io, { url: values.url, token: values.token });
    const taken: Taken[] = [];
    for (const file of positionals) taken.push(await post(file));
    if (values.json === true) io.out(`${JSON.stringify({ payloads: taken }, null, 2)}\n`);
    else io.out(table(['FILE', 'ANSWER', 'OUTCOME', 'INCIDENT'], taken.flatMap(rowsOf)));
    return taken.every(({ fault }) => fault === '') ? 0 : 1;

    async function post(file: string): Promise<Taken> {
      try {
        const body = await readPayloadBytes(io, file);
        const path = `/v1/receivers/${receiver}`;
        const { status, text } = await client.call({ method: 'POST', path, body, expect: [400, 413, 503] });
        if (status >= 400) return { file, status, signals: [], fault: problemText(text).replace(/^: /, '') || text };
        const { signals = [] } = JSON.parse(text) as Partial<Taken>;
        return { file, status, signals, fault: '' };
      } catch (error) {
        // A file that cannot be read is one line; a relay that is not there ends it all.
        if (!(error instanceof UnreadableError)) throw error;
        return { file, status: 0, signals: [], fault: error.message };
      }
    }
  },
};

function rowsOf({ file, status, signals, fault }: Taken): string[][] {
  const answer = status === 0 ? 'not sent' : String(status);
  if (fault !== '') return [[file, answer, fault, '']];
  if (signals.length === 0) return [[file, answer, 'no signal', '']];
  return signals.map((signal) => [file, answer, signal.outcome, signal.incident ?? '-']);
}
