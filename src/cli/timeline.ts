/** `relay timeline <id>`: what happened, for people or for the review document. */
import { parseCommand, UsageError, type Command } from './command.ts';
import { apiClient } from './relay-client.ts';
import { table } from './table.ts';

const FORMATS: Readonly<Record<string, string>> = {
  json: 'application/json',
  markdown: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
};

interface Entry {
  at: string;
  kind: string;
  revision: number;
  summary: string;
}

export const command: Command = {
  name: 'timeline',
  summary: 'the timeline of an incident, oldest first',
  usage: `<id> [--format markdown|csv|json|html] [--json]

<id> is our id (inc_...) or the tracking ID in any case (its newest episode). Without a format: a table.

  --format f   the document as the API makes it, whole: markdown, csv, json or html
  --json       the same as --format json

Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).
Example:
  npm run --silent relay -- timeline CNT1-0AR --format markdown > review.md`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, {
      options: { format: { type: 'string' }, json: { type: 'boolean' } },
      min: 1,
    });
    const format = values.format ?? (values.json === true ? 'json' : null);
    const accept = FORMATS[format ?? 'json'];
    if (accept === undefined) throw new UsageError(`--format must be one of ${Object.keys(FORMATS).join(', ')}`);
    const client = await apiClient(io);
    const path = `/v1/incidents/${encodeURIComponent(positionals[0] ?? '')}/timeline?format=${format ?? 'json'}`;
    const { text } = await client.call({ path, accept });
    if (format !== null) {
      io.out(`${text.trimEnd()}\n`);
      return 0;
    }
    const { timeline } = JSON.parse(text) as { timeline: Entry[] };
    io.out(
      table(
        ['AT (UTC)', 'REVISION', 'KIND', 'WHAT'],
        timeline.map(({ at, revision, kind, summary }) => [
          at.slice(0, 19).replace('T', ' '),
          String(revision),
          kind,
          summary,
        ]),
      ),
    );
    return 0;
  },
};
