/**
 * The fold: one signal into the incident it belongs to (design section 6). Pure: ids and time come in as arguments, the
 * caller stores what comes out. The standing depends on the set of posts only, so order, delay and repetition of
 * signals do not change where an incident ends.
 */
import { addScope } from './scope.ts';
import { detailsAfter } from './details.ts';
import { compareSaid, describeChanges, saidOf, type SaidDiff } from './diff.ts';
import { entryFor, scopeEntry, stateEntry } from './entries.ts';
import { headline } from './headline.ts';
import {
  isOpen,
  isServiceHealth,
  type Change,
  type Growth,
  type Incident,
  type Post,
  type Scope,
  type Snapshot,
  type Standing,
  type TimelineDraft,
} from './incident.ts';
import { addPost, isLate, lastWordAt, samePost, standing } from './lifecycle.ts';
import { severityRank, type Signal, type SignalOutcome } from './signal.ts';

export interface FoldInput {
  /** Newest episode of the signal's identity, with its scope; null for an unknown identity. */
  current: { incident: Incident; scope: Scope } | null;
  signal: Signal;
  /** Our receipt time, ISO 8601 UTC. */
  receivedAt: string;
  /** Id for a new incident, should one be needed. */
  newId: string;
}

export interface FoldResult {
  incident: Incident;
  scope: Scope;
  /** A row to insert: an unknown identity or a new episode. */
  created: boolean;
  outcome: SignalOutcome;
  reason: string | null;
  entries: TimelineDraft[];
  /** What this signal added to the scope. */
  grown: Growth;
  /** The revision has grown: destinations have something to be told. */
  material: boolean;
}

/** Folds one signal. Never called for test notifications. */
export function fold(input: FoldInput): FoldResult {
  const { current, signal } = input;
  if (!current) return create(input, 1, null);
  const { incident } = current;
  if (startsEpisode(incident, signal))
    return create(input, incident.episode + 1, lastWordAt(incident.posts, incident.kind));
  if (incident.after !== null && signal.occurredAt <= incident.after && !isServiceHealth(incident.kind)) {
    return beforeEpisode(input, incident, current.scope);
  }
  return grow(input, incident, current.scope);
}

/** Resource, alert, change: an opening later than the end is a new occasion. Service Health reopens what it was. */
function startsEpisode(incident: Incident, signal: Signal): boolean {
  if (isServiceHealth(incident.kind) || isOpen(incident.state) || signal.phase !== 'open') return false;
  // The last word on an episode, not the first closing one: what lies between two of them belongs to it.
  if (signal.occurredAt <= lastWordAt(incident.posts, incident.kind)) return false;
  return !incident.posts.some((post) => samePost(post, { ...signal.post, phase: signal.phase }));
}

function create(input: FoldInput, episode: number, after: string | null): FoldResult {
  const { signal, receivedAt } = input;
  const { posts } = addPost([], toPost(signal, receivedAt));
  const stands = standing(posts, signal.kind);
  const scope = addScope({ impacts: [], subscriptions: [], resources: [], sources: [] }, signal).scope;
  const incident: Incident = {
    ...stands,
    id: input.newId,
    identity: signal.identity,
    episode,
    trackingId: signal.trackingId,
    kind: signal.kind,
    headline: headline({ ...signal, title: stands.title }),
    details: signal.details,
    posts,
    after,
    revision: 1,
    firstSeenAt: receivedAt,
    lastSeenAt: receivedAt,
    closedAt: null,
  };
  const change: Change = signal.phase === 'note' ? 'note' : isOpen(stands.state) ? 'open' : 'close';
  const head = entryFor(signal, 1, { late: false });
  head.snapshot = snapshot(stands, signal, { change, severityRose: false, changes: [] });
  return {
    incident,
    scope,
    created: true,
    outcome: firstOutcome(signal, stands),
    reason: signal.reason,
    entries: [head],
    grown: { impacts: scope.impacts, subscriptions: scope.subscriptions, resources: scope.resources },
    material: true,
  };
}

function firstOutcome(signal: Signal, stands: Standing): SignalOutcome {
  if (signal.kind === 'unrecognised') return 'unrecognised';
  if (signal.phase === 'note') return 'noted';
  return isOpen(stands.state) ? 'opened' : 'resolved';
}

/** A message about an earlier occasion: on the record, without effect on this one. */
function beforeEpisode(input: FoldInput, incident: Incident, scope: Scope): FoldResult {
  const { signal, receivedAt } = input;
  return {
    incident: { ...incident, lastSeenAt: receivedAt },
    scope,
    created: false,
    outcome: 'noted',
    reason: 'belongs to an earlier episode',
    entries: [entryFor(signal, incident.revision, { late: true })],
    grown: { impacts: [], subscriptions: [], resources: [] },
    material: false,
  };
}

function grow(input: FoldInput, incident: Incident, scope: Scope): FoldResult {
  const { signal, receivedAt } = input;
  const post = toPost(signal, receivedAt);
  const { posts, isNew } = addPost(incident.posts, post);
  const stands = standing(posts, incident.kind);
  const { scope: wider, grown } = addScope(scope, signal);
  const late = isNew && signal.phase !== 'note' && isLate(posts, post, incident.kind);
  const severityRose =
    severityRank(stands.severity) > severityRank(incident.severity) && signal.severityCertain && isOpen(stands.state);
  const material = isMaterial(incident, stands, {
    isNew,
    late,
    severityRose,
    signal,
    newImpacts: grown.impacts.length > 0,
  });
  const revision = incident.revision + (material ? 1 : 0);
  // News about the relay itself is its own message: "Delivery to oncall failed".
  const news = signal.schema === 'relay' && signal.phase === 'note' ? [signal.title] : [];
  const said = isNew && !late ? saidDiff(incident, signal) : null;
  const changes = [...news, ...describeChanges(incident, stands, { impacts: grown.impacts, said })];
  const entries = isNew && keepsEntry(incident, signal, material) ? [entryFor(signal, revision, { late })] : [];
  if (incident.state !== stands.state) entries.push(stateEntry(incident, stands, signal, revision));
  if (material) {
    if (entries.length === 0) entries.push(scopeEntry(grown, signal, { at: receivedAt, revision }));
    const change = changeOf(incident, stands, signal);
    entries[0]!.snapshot = snapshot(stands, signal, { change, severityRose, changes });
  }
  const grew = grown.subscriptions.length > 0 || grown.resources.length > 0 || grown.impacts.length > 0;
  // A node pool's rolling that was a mere change becomes an alert when it fails; never the other way.
  const isFailing = incident.kind === 'change' && signal.kind === 'alert';
  const outcome = laterOutcome(incident, stands, { signal, isNew, late, grew, silent: isNew && entries.length === 0 });
  return {
    incident: {
      ...incident,
      ...stands,
      kind: isFailing ? 'alert' : incident.kind,
      // The page that it is worth now must not read "[Change] ... started".
      headline: isFailing ? headline({ ...incident, ...signal, impacts: wider.impacts }) : incident.headline,
      posts,
      revision,
      lastSeenAt: receivedAt,
      closedAt: stands.state !== 'closed' ? null : (incident.closedAt ?? signal.occurredAt),
      details: detailsAfter(incident.details, signal, isNew && !late),
    },
    scope: wider,
    created: false,
    outcome,
    reason: signal.reason ?? reasonFor(outcome, late),
    entries,
    grown,
    material,
  };
}

/** A review is another kind of text: every sentence of it would be new. */
function saidDiff(before: Incident, signal: Signal): SaidDiff | null {
  const previous = before.posts.findLast((post) => post.said !== undefined)?.said;
  return previous && signal.communication && signal.phase !== 'note' ? compareSaid(previous, signal) : null;
}

interface Materials {
  isNew: boolean;
  late: boolean;
  severityRose: boolean;
  newImpacts: boolean;
  signal: Signal;
}

/** Growth of subscriptions alone never re-notifies; a new post, impact, severity or time does (design section 6). */
function isMaterial(before: Incident, after: Standing, m: Materials): boolean {
  if (before.state !== after.state || m.severityRose || m.newImpacts) return true;
  if (!m.isNew || m.late || before.kind === 'unrecognised') return false;
  if (isServiceHealth(before.kind) || m.signal.phase === 'note') return true;
  // Another verdict on a resource that is still down, also a milder one.
  if (before.kind === 'resource' && isOpen(after.state) && before.severity !== after.severity) return true;
  // Own alerts that fire again while they are open say nothing new (azure-signals 6: "fire once, then update").
  return before.endsAt !== after.endsAt;
}

function changeOf(before: Incident, after: Standing, signal: Signal): Change {
  if (isOpen(before.state) && !isOpen(after.state)) return 'close';
  if (!isOpen(before.state) && isOpen(after.state)) return 'reopen';
  return signal.phase === 'note' ? 'note' : 'update';
}

function laterOutcome(
  before: Incident,
  after: Standing,
  seen: { signal: Signal; isNew: boolean; late: boolean; grew: boolean; silent: boolean },
): SignalOutcome {
  if (before.kind === 'unrecognised') return 'unrecognised';
  if (!seen.isNew) return seen.grew ? 'updated' : 'duplicate';
  if (seen.signal.phase === 'note' || seen.late) return 'noted';
  // A rule that fires again while its alert is open adds nothing that anyone would hear or read.
  if (seen.silent) return seen.grew ? 'updated' : 'duplicate';
  if (seen.signal.phase === 'close' && !isOpen(after.state) && before.resolvedAt !== after.resolvedAt)
    return 'resolved';
  if (isOpen(before.state) && !isOpen(after.state)) return 'resolved';
  if (!isOpen(before.state) && isOpen(after.state)) return 'opened';
  return 'updated';
}

function reasonFor(outcome: SignalOutcome, late: boolean): string | null {
  if (outcome === 'duplicate') return 'adds nothing to what the incident holds';
  return late ? 'older than what the incident holds' : null;
}

/** A rule that fires again every minute is counted by its signals, not by a thousand timeline entries. */
function keepsEntry(incident: Incident, signal: Signal, material: boolean): boolean {
  return material || isServiceHealth(incident.kind) || incident.kind === 'resource' || signal.phase !== 'open';
}

function toPost(signal: Signal, receivedAt: string): Post {
  // An end of our own alerts that says nothing of its time is as old as its receipt, for people; the order goes by `at`.
  const ended = signal.phase === 'close' && !isServiceHealth(signal.kind) ? receivedAt : null;
  return {
    id: signal.post.id,
    hash: signal.post.hash,
    at: signal.occurredAt,
    phase: signal.phase,
    stage: signal.stage,
    state: signal.state,
    severity: signal.severity,
    severityCertain: signal.severityCertain,
    retracted: signal.retracted,
    title: signal.title,
    startedAt: signal.startedAt,
    mitigatedAt: signal.mitigatedAt ?? ended,
    endsAt: signal.endsAt,
    ...(signal.communication && signal.phase !== 'note' ? { said: saidOf(signal) } : {}),
  };
}

function snapshot(
  stands: Standing,
  signal: Signal,
  extra: Pick<Snapshot, 'change' | 'severityRose' | 'changes'>,
): Snapshot {
  const post = signal.communication ? { ...signal.communication, at: signal.occurredAt } : null;
  return {
    state: stands.state,
    stage: stands.stage,
    severity: stands.severity,
    title: stands.title,
    startedAt: stands.startedAt,
    mitigatedAt: stands.mitigatedAt,
    resolvedAt: stands.resolvedAt,
    endsAt: stands.endsAt,
    retracted: stands.retracted,
    ...extra,
    late: signal.schema === 'backfill',
    communication: post,
  };
}
