/**
 * What a pull knows and we do not (design 3.7): compares the history of a tracking ID with the posts of its incident.
 * A post that came by push has an id that a pull never names, so posts are matched by text, and only then by time.
 */
import { postHash } from './fingerprint.ts';
import { endOf, isEnd, isOngoingOutage, type AzureEvent, type EventUpdate } from './gap-event.ts';
import { isOpen, type Post } from './incident.ts';
import { lastWordAt, POSTS_MAX, standing } from './lifecycle.ts';

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
  const { known, unmatched } = match(all, posts);
  // Posts older than those that the incident keeps cannot be told from missing ones.
  const floor = posts.length >= POSTS_MAX ? posts[0]!.at : '';
  const unheld = all.filter((one) => !known.has(one) && one.update.at >= floor);
  const end = unheld.some(({ event, update }) => isEnd(event, update))
    ? null
    : untoldEnd(events, { posts, unmatched, notAfter });
  const updates = end === null ? unheld : [...unheld, end];
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

/**
 * The end of what Azure calls over and we hold open: an event may turn Resolved without a new text, and then every text
 * is known. Only where all views agree, and we hold nothing newer that they do not list: to end a page wrongly is worse
 * than late.
 */
function untoldEnd(
  events: readonly AzureEvent[],
  { posts, unmatched, notAfter }: { posts: readonly Post[]; unmatched: ReadonlySet<Post>; notAfter: string },
): Told | null {
  // Posts of every Service Health kind are read alike (core/lifecycle.ts).
  if (posts.length === 0 || !isOpen(standing(posts, 'outage').state)) return null;
  // An alert bears its own time, minutes after that of the post that it carries: the end must not sort before it.
  const notBefore = lastWordAt(posts, 'outage');
  const ends = events
    .filter(({ updatedAt }) => updatedAt <= notAfter)
    .flatMap((event) => endOf(event, notBefore) ?? []);
  if (ends.length < events.length) return null;
  const first = ends.reduce((a, b) => (b.event.updatedAt < a.event.updatedAt ? b : a));
  const newer = [...unmatched].some((post) => post.phase !== 'note' && post.at > first.event.updatedAt);
  return newer ? null : first;
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

/** Which of the posts we hold: one to one, first by text under the stage that the push gave, then by nearest time; and which of ours nobody lists. */
function match(all: readonly Told[], posts: readonly Post[]): { known: Set<Told>; unmatched: Set<Post> } {
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
  return { known, unmatched: free };
}

function nearest(at: string, posts: ReadonlySet<Post>): Post | null {
  let best: { post: Post; apartMs: number } | null = null;
  for (const post of posts) {
    const apartMs = Math.abs(Date.parse(post.at) - Date.parse(at));
    if (apartMs <= SAME_TIME_MS && (best === null || apartMs < best.apartMs)) best = { post, apartMs };
  }
  return best?.post ?? null;
}
