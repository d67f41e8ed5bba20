/** `relay incidents`: what the running relay knows. */
import { parseCommand, UsageError, type Command } from './command.ts';
import { apiClient } from './relay-client.ts';
import { table } from './table.ts';

const FILTERS = ['state', 'kind', 'service', 'region', 'subscription', 'source', 'from', 'to', 'q', 'cursor'] as const;
const LIMIT_MAX = 200;

const filter = { type: 'string' } as const;

/** What the list shows of the API's answer. */
interface Incident {
  id: string;
  trackingId: string | null;
  kind: string;
  state: string;
  severity: string;
  headline: string;
  subscriptionCount: number;
  lastSeenAt: string;
}

export const command: Command = {
  name: 'incidents',
  summary: 'list incidents of the running relay, newest first',
  usage: `[filters] [--limit n] [--json]

  --state s          planned, active, resolved, closed; several with commas
  --kind k           outage, maintenance, advisory, security, resource, alert, change, unrecognised
  --service, --region, --subscription, --source
  --from, --to       times such as 2026-09-14T08:00:00Z
  --q text           in titles and tracking IDs
  --limit n          1 to ${LIMIT_MAX} (50)
  --cursor c         the next page, as printed below a full one
  --json             the answer of the API as it is

Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).`,
  async run(args, io) {
    const { values } = parseCommand(args, {
      options: {
        state: filter,
        kind: filter,
        service: filter,
        region: filter,
        subscription: filter,
        source: filter,
        from: filter,
        to: filter,
        q: filter,
        cursor: filter,
        limit: filter,
        json: { type: 'boolean' },
      },
    });
    const query = new URLSearchParams({ limit: limitOf(values.limit) });
    for (const name of FILTERS) if (values[name] !== undefined) query.set(name, values[name]);
    const client = await apiClient(io);
    const { text } = await client.call({ path: `/v1/incidents?${query.toString()}` });
    if (values.json === true) {
      io.out(`${text.trimEnd()}\n`);
      return 0;
    }
    const { incidents, next } = JSON.parse(text) as { incidents: Incident[]; next: string | null };
    io.out(incidents.length === 0 ? 'no incidents\n' : listOf(incidents));
    if (next !== null) io.out(`\nmore: --cursor ${next}\n`);
    return 0;
  },
};

function limitOf(given: string | undefined): string {
  if (given === undefined) return '50';
  if (/^\d{1,3}$/.test(given) && Number(given) >= 1 && Number(given) <= LIMIT_MAX) return given;
  throw new UsageError(`--limit must be a number from 1 to ${LIMIT_MAX}`);
}

function listOf(incidents: readonly Incident[]): string {
  return table(
    ['ID', 'STATE', 'SEVERITY', 'SUBSCRIPTIONS', 'LAST SEEN', 'INCIDENT'],
    incidents.map((one) => [
      one.trackingId ?? one.id,
      one.state,
      one.severity,
      String(one.subscriptionCount),
      `${one.lastSeenAt.slice(0, 16).replace('T', ' ')}Z`,
      one.headline,
    ]),
  );
}
