/**
 * What a pull knows and we do not (design 3.7): compares the history of a tracking ID with the posts of its incident.
 * A post that came by push has an id that a pull never names, so posts are matched by text, and only then by time.
 */
import { postHash } from './fingerprint.ts';
import { isOngoingOutage, type AzureEvent, type EventUpdate } from './gap-event.ts';
import type { Post } from './incident.ts';
import { POSTS_MAX } from './lifecycle.ts';

/** The incident of a tracking ID as far as a pull is compared with it. */
export interface Held {
  posts: readonly Post[];
  /** Lower-cased ids. */
  subscriptions: readonly string[];
}

export interface MissingOptions {
  /** An unknown event that was last updated before is an old story, unless it is an outage that goes on. ISO 8601 UTC. */
  since: string;
  /** Younger posts may still be on their way to us by push. ISO 8601 UTC. */
  notAfter: string;
}

export interface Missing {
  /** Posts that we do not hold, oldest first, each with the event of the subscription that tells it. */
  updates: { event: AzureEvent; update: EventUpdate }[];
  /** Subscriptions that the incident does not name yet, with the newest post that both sides hold. */
  subscriptions: { event: AzureEvent; post: Post | null }[];
}

/** Posts of the two sides that are one and the same within this are matched where their texts differ in form only. */
export const SAME_TIME_MS = 2 * 60_000;

/** Compares all subscriptions' views of one tracking ID with the incident; `held` is null for an unknown tracking ID. */
export function findMissing(
  events: readonly AzureEvent[],
  held: Held | null,
  { since, notAfter }: MissingOptions,
): Missing {
  const wanted = events.some((event) => event.updatedAt >= since || isOngoingOutage(event));
  if (held === null && !wanted) return { updates: [], subscriptions: [] };
  const posts = held?.posts ?? [];
  const all = distinct(events).filter(({ update }) => update.at <= notAfter);
  const known = matched(all, posts);
  // Posts older than those that the incident keeps cannot be told from missing ones.
  const floor = posts.length >= POSTS_MAX ? posts[0]!.at : '';
  const updates = all.filter((one) => !known.has(one) && one.update.at >= floor);
  const newest = posts.findLast((post) => post.phase !== 'note') ?? posts.at(-1) ?? null;
  const told = new Set(held?.subscriptions);
  const carriers = new Set(updates.map(({ event }) => event.subscription));
  const fresh = held !== null || updates.length > 0;
  const subscriptions = events
    .filter(({ subscription, updates: own }) => {
      if (!fresh || subscription === null || told.has(subscription) || carriers.has(subscription)) return false;
      return own.some((update) => update.at <= notAfter);
    })
    .map((event) => ({ event, post: newest }));
  return { updates, subscriptions };
}

interface Told {
  event: AzureEvent;
  update: EventUpdate;
}

/** Every post once, whoever lists it, oldest first; told by the first subscription that lists it. */
function distinct(events: readonly AzureEvent[]): Told[] {
  const found = new Map<string, Told>();
  for (const event of events) {
    for (const update of event.updates) {
      const key = postHash(null, update.html);
      const before = found.get(key);
      if (!before || update.at < before.update.at) found.set(key, { event, update });
    }
  }
  return [...found.values()].sort((a, b) => (a.update.at < b.update.at ? -1 : a.update.at > b.update.at ? 1 : 0));
}

/** Which of the posts we hold: one to one, first by text under the stage that the push gave, then by nearest time. */
function matched(all: readonly Told[], posts: readonly Post[]): Set<Told> {
  const free = new Set(posts);
  const known = new Set<Told>();
  for (const one of all) {
    for (const post of posts) {
      if (postHash(post.stage, one.update.html) !== post.hash) continue;
      known.add(one);
      free.delete(post);
    }
  }
  for (const one of all) {
    if (known.has(one)) continue;
    const near = nearest(one.update.at, free);
    if (near === null) continue;
    known.add(one);
    free.delete(near);
  }
  return known;
}

function nearest(at: string, posts: ReadonlySet<Post>): Post | null {
  let best: { post: Post; apartMs: number } | null = null;
  for (const post of posts) {
    const apartMs = Math.abs(Date.parse(post.at) - Date.parse(at));
    if (apartMs <= SAME_TIME_MS && (best === null || apartMs < best.apartMs)) best = { post, apartMs };
  }
  return best?.post ?? null;
}
