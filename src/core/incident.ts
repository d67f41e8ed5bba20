/** What is kept about an incident, and what one step of its history looks like. Pure data; the fold and the planner work on it. */
import type { IncidentState } from './adapter.ts';
import type { Impact, Kind, Phase, Severity } from './signal.ts';

/** What a communication said, as far as the next one is compared with it. Kept on the newest communication only. */
export interface Said {
  impacts: Impact[];
  /** The same communication named other impacts through another subscription: what is missing says nothing then. */
  mixed: boolean;
  /** A short hash of each sentence, in order. */
  sentences: string[];
}

/** One post or event of the source as the incident remembers it. The set of posts decides the state; their order of arrival does not. */
export interface Post {
  id: string | null;
  hash: string;
  /** Event time, ISO 8601 UTC with milliseconds, so that string order is time order. */
  at: string;
  phase: Phase;
  stage: string | null;
  state: IncidentState;
  severity: Severity;
  severityCertain: boolean;
  retracted: boolean;
  title: string;
  startedAt: string | null;
  mitigatedAt: string | null;
  endsAt: string | null;
  /** On the newest communication only: what the next one is compared with (core/diff.ts). */
  said?: Said;
}

/** What follows from the set of posts (core/lifecycle.ts). */
export interface Standing {
  state: IncidentState;
  stage: string | null;
  severity: Severity;
  title: string;
  startedAt: string | null;
  mitigatedAt: string | null;
  resolvedAt: string | null;
  endsAt: string | null;
  retracted: boolean;
}

/** Everything that signals told us about where an incident is and who told us. */
export interface Scope {
  impacts: Impact[];
  subscriptions: string[];
  resources: string[];
  sources: string[];
}

/** What one signal, or a batch, added to the scope. */
export interface Growth {
  impacts: Impact[];
  subscriptions: string[];
  resources: string[];
}

/** An incident as the fold sees it. */
export interface Incident extends Standing {
  id: string;
  identity: string;
  episode: number;
  trackingId: string | null;
  kind: Kind;
  /** First part of every message; set once, so that titles, subjects and threads stay what they were. */
  headline: string;
  details: Record<string, string>;
  posts: Post[];
  /** Events at or before this time belong to an earlier episode. */
  after: string | null;
  revision: number;
  firstSeenAt: string;
  lastSeenAt: string;
  closedAt: string | null;
}

/** What a revision means to those who were told the one before. */
export type Change = 'open' | 'update' | 'close' | 'reopen' | 'note';

/** The incident as of one revision: what a message about that revision says. */
export interface Snapshot extends Standing {
  change: Change;
  severityRose: boolean;
  /** What changed since the revision before, one sentence each. */
  changes: string[];
  late: boolean;
  communication: { id: string | null; title: string; html: string; at: string } | null;
}

export type TimelineKind = 'communication' | 'state' | 'scope' | 'decision' | 'attempt' | 'note' | 'evidence';

/** An entry for the timeline before it has an id. */
export interface TimelineDraft {
  at: string;
  kind: TimelineKind;
  revision: number;
  summary: string;
  data: Record<string, unknown>;
  /** Present on the one entry that stands for its revision. */
  snapshot: Snapshot | null;
}

/** What the ids of our own posts begin with. */
export const OWN_POST = 'relay-';

/** Planned and active are open; resolved and closed are over. */
export function isOpen(state: IncidentState): boolean {
  return state === 'planned' || state === 'active';
}

/** Service Health kinds live by communications under a tracking ID; the others by events of a resource or rule. */
export function isServiceHealth(kind: Kind): boolean {
  return kind === 'outage' || kind === 'maintenance' || kind === 'advisory' || kind === 'security';
}
