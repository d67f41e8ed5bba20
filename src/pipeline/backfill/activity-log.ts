/** The third pull (design 3.7): the activity log in Log Analytics, where a diagnostic setting sends it there. */
import { readActivity, type ActivityRow } from '#src/azure/activity-log.ts';
import { openLogs } from '#src/azure/logs.ts';
import { createBudget } from '#src/azure/sdk-transport.ts';
import { BudgetError } from '#src/azure/session.ts';
import type { TokenSource } from '#src/azure/token.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { findUnheld, type LoggedPost } from '#src/core/gap-logged.ts';
import { safeLine } from '#src/core/safe.ts';
import { findHeld, type HeldIncident } from '#src/db/gaps.ts';
import type { HttpClient } from '#src/http/client.ts';
import { baseOf, store, type FeedOptions, type FeedSpan } from './feed.ts';
import { loggedPost } from './logged-signal.ts';
import { heldSignal, subscriptionSignal } from './signals.ts';

export interface ActivityLogOptions {
  config: () => RelayConfig;
  http: () => HttpClient;
  token: (scope: string) => TokenSource;
  onCall: (outcome: string) => void;
}

/** What the workspaces told. */
export interface Logged {
  rows: ActivityRow[];
  calls: number;
  /** What could not be asked, in words. */
  faults: string[];
  /** What may be there the next time was not. What we may not read stays unread. */
  incomplete: boolean;
}

export interface ActivityLog {
  /** Rows of a span, ISO 8601 UTC; none where the activity log is not configured. Rejects only for a bug of ours. */
  read(span: { since: string; to: string }, signal: AbortSignal): Promise<Logged>;
}

/** Rows come late, while Log Analytics has an outage up to hours late: further back than the other pulls by this. */
const LAG_MS = 2 * 3_600_000;
/** The other pulls of the next round wait for it. */
const READ_MS = 60_000;
/** Whoever asks for a longer pause is asked again after this. */
const PAUSE_MAX_MS = 3_600_000;
/** A query that is wrong, a token of a wrong audience, a role that is missing, a workspace that is not there: asking again is no help. */
const REFUSED = [400, 401, 403, 404];

/** One for each process: it remembers how long Log Analytics wants to be left alone. */
export function createActivityLog(options: ActivityLogOptions): ActivityLog {
  let notBeforeMs = 0;
  return {
    async read({ since, to }, ending) {
      const { azure, backfill } = options.config();
      const config = backfill?.activityLog ?? null;
      const logged: Logged = { rows: [], calls: 0, faults: [], incomplete: false };
      if (azure === null || config === null) return logged;
      if (Date.now() < notBeforeMs) return { ...logged, incomplete: true, faults: [heldOff(notBeforeMs)] };
      const budget = createBudget(config.callsMax);
      const signal = AbortSignal.any([ending, AbortSignal.timeout(READ_MS)]);
      const { http, token, onCall } = options;
      const target = { http: http(), token: token(config.logsScope), budget, signal, onCall };
      const reader = await openLogs(config.logsUrl, config.logsScope, target);
      const from = new Date(Date.parse(since) - LAG_MS).toISOString();
      for (const workspace of config.workspaces) {
        const { rows, partial, error } = await readActivity(reader, workspace, { from, to });
        logged.rows.push(...ofOurs(rows, azure.subscriptions));
        if (partial !== null) {
          logged.incomplete = true;
          logged.faults.push(`the activity log in ${workspace} came in part only (${safeLine(partial, 200)})`);
        }
        if (error === null) continue;
        logged.incomplete ||= !REFUSED.includes(error.status ?? 0);
        logged.faults.push(`the activity log in ${workspace} could not be read (${safeLine(error.message, 200)})`);
        if (error.retryAfterMs !== null) notBeforeMs = Date.now() + Math.min(error.retryAfterMs, PAUSE_MAX_MS);
        if (error instanceof BudgetError || error.retryAfterMs !== null || signal.aborted) break;
      }
      return { ...logged, calls: budget.calls };
    },
  };
}

/** Feeds what the rows tell and we do not hold. Returns how many posts were missing, and rows that nobody can read. */
export async function feedLogged(
  options: FeedOptions,
  input: FeedSpan & { rows: readonly ActivityRow[] },
): Promise<{ found: number; unread: number }> {
  const receivedAt = options.now().toISOString();
  const read = input.rows.map((row) => loggedPost(row, receivedAt));
  const posts = read.filter((post) => post !== null);
  const groups = Map.groupBy(posts, ({ signal }) => signal.identity);
  const held = new Map((await findHeld(options.pool, [...groups.keys()])).map((one) => [one.identity, one]));
  let found = 0;
  for (const [identity, logged] of groups)
    found += await feedOne(options, input, { identity, logged, incident: held.get(identity) ?? null });
  return { found, unread: read.length - posts.length };
}

async function feedOne(
  options: FeedOptions,
  input: FeedSpan,
  { identity, logged, incident }: { identity: string; logged: readonly LoggedPost[]; incident: HeldIncident | null },
): Promise<number> {
  const unheld = findUnheld(logged, incident, input);
  if (unheld.posts.length + unheld.subscriptions.length === 0) return 0;
  const posts = unheld.posts.map(({ signal }) => signal);
  const newest = incident?.posts.findLast((post) => post.phase !== 'note') ?? incident?.posts.at(-1);
  const base = baseOf(posts) ?? (incident && newest ? heldSignal(incident, newest) : null);
  const scopes = unheld.subscriptions.flatMap(({ subscription, post: { signal } }) =>
    base === null
      ? []
      : [subscriptionSignal(base, { subscription, subscriptions: [subscription], impacts: signal.impacts })],
  );
  const told = posts.map(({ occurredAt, trackingId }) => ({ at: occurredAt, trackingId: trackingId! }));
  const carriers = unheld.posts.flatMap((post) => post.subscriptions);
  const subscriptions = [...carriers, ...unheld.subscriptions.map((one) => one.subscription)];
  return store(options, input, { identity, posts, scopes, told, subscriptions });
}

/** A workspace may hold more subscriptions than the relay is to look after; what names none is of the tenant. */
function ofOurs(rows: readonly ActivityRow[], wanted: 'all' | readonly string[]): ActivityRow[] {
  if (wanted === 'all') return [...rows];
  return rows.flatMap(({ record, subscriptions }): ActivityRow[] => {
    const ours = subscriptions.filter((id) => wanted.includes(id));
    return subscriptions.length > 0 && ours.length === 0 ? [] : [{ record, subscriptions: ours }];
  });
}

function heldOff(untilMs: number): string {
  return `the activity log was not asked: Log Analytics wants to be left alone until ${new Date(untilMs).toISOString()}`;
}
