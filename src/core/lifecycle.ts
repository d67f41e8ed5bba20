/**
 * From the set of posts to the standing of an incident (design section 6). A function of the set: posts are sorted by
 * event time first, so any order of arrival and any repetition ends in the same standing.
 */
import { mergeSaid } from './diff.ts';
import { isOpen, isServiceHealth, OWN_POST, type Post, type Standing } from './incident.ts';
import type { Kind, Phase, PostKey } from './signal.ts';

/** At equal event times a closing message is the later one (azure-signals 1.5: let a terminal stage win). */
const PHASE_RANK: Record<Phase, number> = { open: 0, update: 1, close: 2, note: 3 };

function comparePosts(a: Post, b: Post): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  if (a.phase !== b.phase) return PHASE_RANK[a.phase] - PHASE_RANK[b.phase];
  const [left, right] = [a.id ?? a.hash, b.id ?? b.hash];
  return left < right ? -1 : left > right ? 1 : 0;
}

type Told = PostKey & { phase: Phase };

/**
 * Two keys name the same post: by id where both have one, else by text (azure-signals 8). An end is never the same post
 * as what it ends, nor a review, whatever id or text they bear: taken for a repeat, it would leave the page open.
 */
export function samePost(a: Told, b: Told): boolean {
  if (!endsAlike(a.phase, b.phase)) return false;
  return a.id !== null && b.id !== null ? a.id === b.id : a.hash === b.hash;
}

function endsAlike(a: Phase, b: Phase): boolean {
  const runs = (phase: Phase): boolean => phase === 'open' || phase === 'update';
  return a === b || (runs(a) && runs(b));
}

/** The same post seen twice, perhaps through two channels. Symmetric, so the order of arrival does not matter. */
function mergePosts(a: Post, b: Post): Post {
  const [first, second] = preferred(a, b) ? [a, b] : [b, a];
  const said = mergeSaid(first.said, second.said);
  return { ...first, id: first.id ?? second.id, at: a.at < b.at ? a.at : b.at, ...(said ? { said } : {}) };
}

/** A certain level beats a bare number; then the earlier, then the smaller JSON: any fixed rule will do. */
function preferred(a: Post, b: Post): boolean {
  if (a.severityCertain !== b.severityCertain) return a.severityCertain;
  if (a.at !== b.at) return a.at < b.at;
  return JSON.stringify(a) <= JSON.stringify(b);
}

/** 200 posts is far beyond any Service Health event seen; it bounds alert rules that fire again every minute for ever. */
export const POSTS_MAX = 200;

/** Adds a post to a set. Returns a new sorted set and whether the post was new to it. */
export function addPost(posts: readonly Post[], post: Post): { posts: Post[]; isNew: boolean } {
  const known = posts.find((p) => samePost(p, post));
  const next = known ? posts.map((p) => (p === known ? mergePosts(p, post) : p)) : [...posts, post];
  next.sort(comparePosts);
  const kept = next.length > POSTS_MAX ? next.slice(-POSTS_MAX) : next;
  return { posts: withNewestSaid(kept), isNew: known === undefined };
}

/** Only the newest communication's words are ever compared with: the others' would only make the row longer. */
function withNewestSaid(posts: Post[]): Post[] {
  const newest = posts.findLast((p) => p.said !== undefined);
  return posts.map((post) => {
    if (post.said === undefined || post === newest) return post;
    const { said: _dropped, ...rest } = post;
    return rest;
  });
}

/** Posts that say what state the incident is in. A bare "Updated" of a resource carries no state (azure-signals 2). */
function bearsState(post: Post, kind: Kind): boolean {
  return post.phase === 'open' || post.phase === 'close' || (post.phase === 'update' && isServiceHealth(kind));
}

/** When the newest post that says what state it is in happened; without any, the newest of the source's. Notes of ours and of Azure's may follow an end by days. */
export function lastWordAt(posts: readonly Post[], kind: Kind): string {
  return (posts.findLast((p) => bearsState(p, kind)) ?? newestOfSource(posts)).at;
}

/**
 * A note of ours ("was not reached") says nothing of the incident. Where the source has sent notes alone, as with a review
 * of what we never heard of or a pushed image, it would be the newest post, open what is over, and page.
 */
function newestOfSource(posts: readonly Post[]): Post {
  return posts.findLast((p) => !(p.phase === 'note' && p.id?.startsWith(OWN_POST))) ?? posts.at(-1)!;
}

/**
 * True when the set holds a lifecycle message that is later than this post: the post is late and changes no state. A
 * review of what is over counts as one, but for the end itself.
 */
export function isLate(posts: readonly Post[], post: Post, kind: Kind): boolean {
  const tells = (p: Post): boolean => bearsState(p, kind) || (isReview(p) && post.phase !== 'close');
  return posts.some((p) => tells(p) && !samePost(p, post) && comparePosts(p, post) > 0);
}

/** A post-incident review is written after the end. */
function isReview(post: Post): boolean {
  return post.phase === 'note' && post.state === 'resolved';
}

/** The standing that follows from a sorted, non-empty set of posts. */
export function standing(posts: readonly Post[], kind: Kind): Standing {
  const bearing = posts.filter((p) => bearsState(p, kind));
  const telling = posts.filter((p) => p.phase !== 'note');
  const newest = newestOfSource(posts);
  const last = bearing.at(-1) ?? telling.at(-1) ?? newest;
  // Later than the last word, a review closes what no message closed.
  const review = posts.findLast((p) => isReview(p) && p.at >= last.at);
  const over = !isOpen(last.state);
  const closed = over || review !== undefined;
  const grades = (p: Post): boolean => p.phase !== 'close';
  // A bare "Updated" of a resource has no verdict either, so it does not soften the one before.
  const speaking = bearing.findLast(grades) ?? telling.findLast(grades) ?? last;
  return {
    state: over ? last.state : review ? 'resolved' : last.state,
    stage: posts.findLast((p) => p.stage !== null)?.stage ?? null,
    severity: speaking.severity,
    title: (telling.at(-1) ?? newest).title,
    startedAt: startedAt(bearing, telling, kind) ?? last.startedAt,
    mitigatedAt: closed ? (posts.findLast((p) => p.mitigatedAt !== null)?.mitigatedAt ?? null) : null,
    resolvedAt: closed ? (over ? endOfRun(bearing.length > 0 ? bearing : [last], kind) : review!.at) : null,
    endsAt: posts.findLast((p) => p.endsAt !== null)?.endsAt ?? null,
    retracted: closed && last.retracted,
  };
}

/** Service Health states the start of impact, and corrects it; elsewhere it is the first event of the open run. */
function startedAt(bearing: readonly Post[], telling: readonly Post[], kind: Kind): string | null {
  if (isServiceHealth(kind)) return telling.findLast((p) => p.startedAt !== null)?.startedAt ?? null;
  const first = runs(bearing).findLast((run) => isOpen(run[0]!.state))?.[0];
  return first ? (first.startedAt ?? first.at) : null;
}

/** When Azure said that it was over: the first such post of the last run. Null where only we have closed it. */
function endOfRun(bearing: readonly Post[], kind: Kind): string | null {
  const run = runs(bearing).findLast((posts) => !isOpen(posts[0]!.state));
  const end = run?.find((post) => post.state === 'resolved');
  return end ? ((isServiceHealth(kind) ? null : end.mitigatedAt) ?? end.at) : null;
}

/** Consecutive posts that agree on whether the incident is over. */
function runs(bearing: readonly Post[]): Post[][] {
  const all: Post[][] = [];
  for (const post of bearing) {
    const run = all.at(-1);
    if (run && isOpen(run[0]!.state) === isOpen(post.state)) run.push(post);
    else all.push([post]);
  }
  return all;
}
