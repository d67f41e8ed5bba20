/** `relay backfill`: has the running relay compare what Azure has published with what it holds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '#src/config/duration.ts';
import { Failure, parseCommand, UsageError, type Command } from './command.ts';
import { stateInWords, type GapsAnswer } from './gaps.ts';
import { apiClient, type RelayClient } from './relay-client.ts';

const POLL_MS = 500;
/** 500 subscriptions take about a minute; throttling may treble that. */
const WAIT_MS = 10 * 60_000;

export const command: Command = {
  name: 'backfill',
  summary: 'compare with Azure now, and take what push has lost',
  usage: `[--since time] [--no-wait] [--json]

Every subscription is asked for its Service Health events, and with backfill.activityLog the workspaces for theirs; what the
relay does not hold goes through the same fold as a push, marked late. Nothing is told twice.

  --since time   how far back: a duration such as 24h, or a time such as 2026-09-14T08:00:00Z
                 (the last whole round, less backfill.lookback)
  --no-wait      only ask for it
  --json         for programs

Needs the section azure in relay.yaml and a token of role operate. Exit code 1 when something could not be read.

Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).`,
  async run(args, io) {
    const { values } = parseCommand(args, {
      options: { since: { type: 'string' }, 'no-wait': { type: 'boolean' }, json: { type: 'boolean' } },
    });
    const since = values.since === undefined ? null : sinceOf(values.since, new Date());
    const client = await apiClient(io);
    const before = (await gapsOf(client)).backfill.startedAt;
    const body = JSON.stringify(since === null ? {} : { since });
    const { status, text } = await client.call({ method: 'POST', path: '/v1/backfill', body, expect: [409] });
    if (status === 409) throw new Failure('back-fill is off: it needs the section azure in relay.yaml');
    if (values['no-wait'] === true) {
      io.out(values.json === true ? `${text.trimEnd()}\n` : 'asked for\n');
      return 0;
    }
    const { backfill, gaps } = await finished(client, before);
    io.out(values.json === true ? `${JSON.stringify({ backfill, gaps }, null, 2)}\n` : `${stateInWords(backfill)}\n`);
    return backfill.faults.length > 0 ? 1 : 0;
  },
};

function sinceOf(given: string, now: Date): string {
  const agoMs = parseDuration(given);
  // Left to itself, Date.parse takes `12`, meant as hours, for December 2001.
  const ms = agoMs !== null ? now.getTime() - agoMs : /^\d{4}-\d\d-\d\d/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(ms) || ms > now.getTime())
    throw new UsageError('--since must be a duration such as 24h or a time in the past');
  return new Date(ms).toISOString();
}

async function gapsOf(client: RelayClient): Promise<GapsAnswer> {
  return JSON.parse((await client.call({ path: '/v1/gaps' })).text) as GapsAnswer;
}

/** Waits for a round that began after `before`. */
async function finished(client: RelayClient, before: string | null): Promise<GapsAnswer> {
  const endMs = Date.now() + WAIT_MS;
  while (Date.now() < endMs) {
    const answer = await gapsOf(client);
    const { startedAt, finishedAt, busy } = answer.backfill;
    if (!busy && startedAt !== before && finishedAt !== null) return answer;
    await sleep(POLL_MS);
  }
  throw new Failure(`back-fill is not over after ${WAIT_MS / 60_000} minutes; relay gaps shows how it goes on`);
}
