/**
 * What the activity log holds and we do not (design 3.7). Its posts carry the ids and stages of a push, which what other
 * pulls have brought does not: so a post is known by its id, else by its text, and only then by its time.
 */
import { postHash, stageKey } from './fingerprint.ts';
import { isOpen, type Post } from './incident.ts';
import { SAME_TIME_MS, type Held, type MissingOptions } from './gap-missing.ts';
import { POSTS_MAX, samePost } from './lifecycle.ts';
import type { Signal } from './signal.ts';

/** One communication in the activity log. */
export interface LoggedPost {
  signal: Signal;
  /** Lower-cased ids of the subscriptions that have it; none for one of the tenant. */
  subscriptions: readonly string[];
}

export interface Unheld {
  /** Not held, oldest first, each communication once. */
  posts: LoggedPost[];
  /** Subscriptions that neither the incident nor those posts name, sorted, each with the newest post that names it. */
  subscriptions: { subscription: string; post: LoggedPost }[];
}

/** Whether subscriptions share ids is not documented (azure-signals 1.5): the same text so near is the same post under another id. */
const SAME_TEXT_MS = 3_600_000;

/** Compares the log's posts of one identity with its incident; `held` is null for an unknown one. */
export function findUnheld(
  logged: readonly LoggedPost[],
  held: Held | null,
  { since, notAfter }: MissingOptions,
): Unheld {
  const all = joined(logged);
  const newest = all.findLast(({ signal }) => signal.phase !== 'note')?.signal;
  const wanted =
    all.some(({ signal }) => signal.occurredAt >= since) || (newest?.kind === 'outage' && isOpen(newest.state));
  if (held === null && !wanted) return { posts: [], subscriptions: [] };
  const posts = held?.posts ?? [];
  const ripe = all.filter(({ signal }) => signal.occurredAt <= notAfter);
  // Posts older than those that the incident keeps cannot be told from missing ones.
  const floor = posts.length >= POSTS_MAX ? posts[0]!.at : '';
  const known = matched(ripe, posts);
  const missing = ripe.filter((one) => !known.has(one) && one.signal.occurredAt >= floor);
  const told = new Set([...(held?.subscriptions ?? []), ...missing.map(({ signal }) => signal.subscriptions[0] ?? '')]);
  const further = new Map<string, LoggedPost>();
  for (const post of ripe) for (const id of post.subscriptions) if (!told.has(id)) further.set(id, post);
  return {
    posts: missing,
    subscriptions: [...further]
      .map(([subscription, post]) => ({ subscription, post }))
      .sort((a, b) => (a.subscription < b.subscription ? -1 : 1)),
  };
}

/** Pages and workspaces repeat communications: each once, at its earliest time, with all its subscriptions. Oldest first. */
function joined(logged: readonly LoggedPost[]): LoggedPost[] {
  const found: { signal: Signal; subscriptions: Set<string> }[] = [];
  const sorted = [...logged].sort((a, b) => (a.signal.occurredAt < b.signal.occurredAt ? -1 : 1));
  for (const { signal, subscriptions } of sorted) {
    const before = found.find((one) =>
      isSame(signal, { ...one.signal.post, phase: one.signal.phase, at: one.signal.occurredAt }),
    );
    if (before) for (const id of subscriptions) before.subscriptions.add(id);
    else found.push({ signal, subscriptions: new Set(subscriptions) });
  }
  return found.map(({ signal, subscriptions }) => ({ signal, subscriptions: [...subscriptions].sort() }));
}

/** As the fold would say, and the same words under another id. */
function isSame(signal: Signal, post: Pick<Post, 'id' | 'hash' | 'phase' | 'at'>): boolean {
  if (samePost({ ...signal.post, phase: signal.phase }, post)) return true;
  return (
    canStandFor(post, signal) && signal.post.hash === post.hash && apartMs(signal.occurredAt, post.at) <= SAME_TEXT_MS
  );
}

/** Which of the log's posts we hold. One post that a pull without ids and stages has brought stands for one of them. */
function matched(all: readonly LoggedPost[], posts: readonly Post[]): Set<LoggedPost> {
  const guessed = new Set(posts.filter((post) => post.id === null));
  const known = new Set<LoggedPost>();
  const take = (one: LoggedPost, post: Post | undefined): void => {
    if (post === undefined) return;
    known.add(one);
    guessed.delete(post);
  };
  for (const one of all)
    take(
      one,
      posts.find((post) => isSame(one.signal, post)),
    );
  for (const one of all) if (!known.has(one)) take(one, [...guessed].find(sameWords(one.signal)));
  for (const one of all) if (!known.has(one)) take(one, nearest(one.signal, guessed));
  return known;
}

/** Whether a post has the words of the signal under the stage that was guessed for it. */
function sameWords(signal: Signal): (post: Post) => boolean {
  const html = signal.communication?.html ?? '';
  const hashes = new Map<string, string>();
  return (post) => {
    if (html === '' || !canStandFor(post, signal)) return false;
    const stage = stageKey(post.stage);
    const hash = hashes.get(stage) ?? postHash(post.stage, html);
    hashes.set(stage, hash);
    return hash === post.hash;
  };
}

function nearest(signal: Signal, guessed: ReadonlySet<Post>): Post | undefined {
  return [...guessed]
    .filter((post) => canStandFor(post, signal) && apartMs(post.at, signal.occurredAt) <= SAME_TIME_MS)
    .sort((a, b) => apartMs(a.at, signal.occurredAt) - apartMs(b.at, signal.occurredAt))[0];
}

/** An end that was taken for a mere update has not been told: the page would stay open. */
function canStandFor(post: Pick<Post, 'phase'>, signal: Signal): boolean {
  return signal.phase !== 'close' || post.phase === 'close';
}

function apartMs(a: string, b: string): number {
  return Math.abs(Date.parse(a) - Date.parse(b));
}
