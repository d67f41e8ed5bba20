/** What Azure would send: outages with several communications, one post per subscription and rule, in both schemas. */
import { fixture, serviceHealth, subscriptionId, type Post } from '#test/support/fixtures.ts';
import type { PostAnswer, Sender } from './sender.ts';

/** The same post in the common alert schema, as another rule sends it. */
export function commonSchema(post: Post, rule = 'sh-common'): unknown {
  const classic = serviceHealth(post) as { data: { context: { activityLog: Record<string, unknown> } } };
  const { subscriptionId: subscription, level: _, ...log } = classic.data.context.activityLog;
  const body = fixture('webhook-common/sh-incident-active.json') as {
    data: { essentials: Record<string, unknown>; alertContext: Record<string, unknown> };
  };
  const { essentials, alertContext } = body.data;
  const of = `${post.trackingId}-${post.communication}-${post.subscription ?? 1}-${rule}`;
  Object.assign(essentials, {
    alertId: `/subscriptions/${String(subscription)}/providers/Microsoft.AlertsManagement/alerts/${of}`,
    alertRule: rule,
    alertTargetIDs: [`/subscriptions/${String(subscription)}`],
    originAlertId: of,
    firedDateTime: log['submissionTimestamp'],
  });
  Object.assign(alertContext, log, { level: 3, channels: 1, eventSource: 2 });
  return body;
}

/** One signal that was sent, and what became of it. */
export interface Sent {
  trackingId: string;
  communication: number;
  subscription: string;
  answer: PostAnswer & { tries: number };
}

/** Where posts go in. */
export type Door = Pick<Sender, 'deliver'>;

export const STAGES = ['Active', 'Active', 'Resolved'] as const;

/**
 * One outage from start to end, each post through a subscription of its own, so that a single lost one shows. Posts of
 * one communication go side by side, communications one after the other.
 */
export async function playOutage(
  door: Door,
  trackingId: string,
  options: { subscriptions?: number; stages?: readonly string[]; first?: number; limitMs?: number } = {},
): Promise<Sent[]> {
  const { subscriptions = 2, stages = STAGES, first = 1, limitMs = 30_000 } = options;
  const sent: Sent[] = [];
  for (const [index, stage] of stages.entries()) {
    const communication = first + index;
    const posts = Array.from({ length: subscriptions }, async (_, n): Promise<Sent> => {
      const subscription = communication * 1000 + n;
      const post = { trackingId, communication, stage, subscription };
      const answer = await door.deliver(n % 2 === 0 ? serviceHealth(post) : commonSchema(post), { limitMs });
      return { trackingId, communication, subscription: subscriptionId(subscription), answer };
    });
    sent.push(...(await Promise.all(posts)));
  }
  return sent;
}

/** Runs `work` over the list with at most `limit` at once, in order of the list. */
export async function withLimit<T>(
  list: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = list.values();
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
