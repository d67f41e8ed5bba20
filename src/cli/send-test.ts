/** `relay send-test <destination>`: a marked test through the real adapter to the real vendor, closed again at once. */
import type { Outcome } from '#src/core/adapter.ts';
import { parseCommand, type Command } from './command.ts';
import { deliverContext } from './context.ts';
import { destinationNamed, openConfig } from './setup.ts';
import { plain, table } from './table.ts';

/** What an accepted test does not prove, by kind of destination. */
const CAVEATS: Readonly<Record<string, string>> = {
  // destinations 1.3
  pagerduty:
    'Accepted is not paged: when nobody is on call on the escalation policy of that service, PagerDuty drops the trigger after its 202, and nothing there shows it. Look whether the alert is in the service.',
  // destinations 5
  opsgenie: 'Accepted is not created: the call is processed after its 202. Look whether the alert is in the list.',
  // destinations 3.1, 3.2
  teams: 'Accepted is not posted: the flow answers before the card is in the channel. Look into the channel.',
  // destinations 4.1
  email: 'Accepted is not delivered: the server took the mail. Look into the mailbox, and into its junk folder.',
};

export const command: Command = {
  name: 'send-test',
  summary: 'send a marked test to a destination, close it again, and show the receipt',
  usage: `<destination> [--config file] [--json]

Sends with the settings of the config, from this machine; needs no running relay. The message is marked as a test.

  --config file   (RELAY_CONFIG, else relay.yaml)
  --json          outcome and receipt for programs`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, {
      options: { config: { type: 'string' }, json: { type: 'boolean' } },
      min: 1,
    });
    const { config, hide } = await openConfig(io, values.config);
    const destination = await destinationNamed(config, positionals[0] ?? '');
    const [{ createHttpClient }, { sendTest, testStep }] = await Promise.all([
      import('#src/http/client.ts'),
      import('#src/pipeline/test-step.ts'),
    ]);
    const client = createHttpClient({ egress: config.egress });
    const notes: string[] = [];
    let outcome: Outcome;
    try {
      outcome = await sendTest(
        ({ adapter }, step, call) =>
          adapter.deliver(
            step,
            deliverContext(config, destination, {
              ...call,
              http: client.call({ signal: call.signal, deadlineMs: adapter.deadlineMs }),
              resolveHost: (host, rules) => client.resolveHost(host, rules),
              onNote: (message) => notes.push(message),
            }),
          ),
        destination,
        testStep({ title: `Test of ${destination.name}, sent by hand`, signal: null }),
      );
    } finally {
      await client.close();
    }
    const { memo: _, ...shown } = outcome;
    if (values.json === true) io.out(`${hide(JSON.stringify({ destination: destination.name, ...shown }, null, 2))}\n`);
    else io.out(hide(text(destination, outcome, notes)));
    return outcome.outcome === 'accepted' ? 0 : 1;
  },
};

function text({ name, type }: { name: string; type: string }, outcome: Outcome, notes: readonly string[]): string {
  const { status = null, detail = '' } = outcome;
  const rows = [['outcome', outcome.outcome]];
  if (outcome.outcome !== 'accepted') rows.push(['reason', outcome.reason]);
  if (status !== null) rows.push(['status', String(status)]);
  if (detail !== '') rows.push(['detail', detail]);
  if (outcome.outcome === 'accepted') {
    for (const [field, value] of Object.entries(outcome.receipt)) {
      if (value !== null && field !== 'status') rows.push([`receipt ${field}`, String(value)]);
    }
  }
  for (const note of notes) rows.push(['note', plain(note)]);
  const caveat = outcome.outcome === 'accepted' ? CAVEATS[type] : undefined;
  return `${name} (${type})\n${table([], rows)}${caveat === undefined ? '' : `\n${caveat}\n`}`;
}
