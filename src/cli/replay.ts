/** `relay replay <file...>`: posts saved payloads to a running relay, as Azure would. */
import { parseCommand, UsageError, type Command } from './command.ts';
import { readPayloadBytes, UnreadableError } from './payloads.ts';
import { problemText, receiverClient } from './relay-client.ts';
import { table } from './table.ts';

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
  summary: 'post saved payloads to a running relay and show what became of them',
  usage: `<file...> [--url address] [--token token] [--receiver azure-monitor|event-grid] [--json]

Files are posted one after the other, in the order given; - is standard input. What the relay has seen before is
answered as duplicate: a replay does no harm twice. Destinations are told as for any other message.

  --url address    of the relay (RELAY_URL, else http://127.0.0.1 at PORT)
  --token token    of a receiver (the first receiver token of relay.yaml)
  --receiver r     azure-monitor (default) or event-grid`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, {
      options: {
        url: { type: 'string' },
        token: { type: 'string' },
        receiver: { type: 'string' },
        json: { type: 'boolean' },
      },
      min: 1,
      max: Infinity,
    });
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
