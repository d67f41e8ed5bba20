/**
 * Standby destinations: two relays hear the same news, and one of them keeps quiet at what cannot dedup while the other
 * has told it (docs/adr/standby.md). Pure: what the peer's record says of our news, and what follows for the next step.
 */
import type { IncidentState } from './adapter.ts';
import { isOpen, type Snapshot } from './incident.ts';
import type { Plan, PlanInput } from './plan.ts';
import { severityRank, type Severity } from './signal.ts';

/** What the pipeline has found out before planning; absent or null: nothing stands in the way of telling. */
export interface Standby {
  /** The peer has time until then, or is asked again then. */
  untilMs: number;
  /** The peer answers for our revisions up to this one; 0: for none so far. */
  settledTo: number;
  /** The peer has told the destination; else it has decided that there is nothing to tell. */
  accepted: boolean;
}

/** One revision as two relays can compare it: their own ids and revisions differ. */
export interface News {
  open: boolean;
  severity: Severity;
  startedAt: string | null;
  /** Null where the revision is no communication. */
  communication: string | null;
}

/** How far the peer has brought one destination with one identity. */
export interface Ledger {
  /** Of what the destination is level with. */
  communications: ReadonlySet<string>;
  /** The newest state that the destination is level with; null where it is level with none. */
  stands: { state: IncidentState; severity: Severity; startedAt: string | null } | null;
}

/** At most this long an answer of the peer is waited for: what is held back is judged again by then anyway. */
export const GRACE_MS_MAX = 5 * 60_000;

/** The same in both relays: Azure's id, else the event time and the title. */
export function communicationKey({ id, at, title }: { id: string | null; at: string; title: string }): string {
  return id ?? `${at} ${title.slice(0, 200)}`;
}

/** A revision as it is asked about. */
export function newsOf({ state, severity, startedAt, communication }: Snapshot): News {
  return {
    open: isOpen(state),
    severity,
    startedAt,
    communication: communication === null ? null : communicationKey(communication),
  };
}

/**
 * How many of the news, oldest first, a ledger answers for. A communication by itself, and whatever came before it;
 * anything else by the state that it led to, which says nothing of a communication before it that was not told.
 */
export function settledCount(news: readonly News[], { communications, stands }: Ledger): number {
  let settled = 0;
  let untold = false;
  for (const [index, { communication, ...one }] of news.entries()) {
    if (communication === null) {
      if (!untold && stands !== null && covers(stands, one)) settled = index + 1;
      continue;
    }
    untold = !communications.has(communication);
    if (!untold) settled = index + 1;
  }
  return settled;
}

function covers(stands: NonNullable<Ledger['stands']>, news: Omit<News, 'communication'>): boolean {
  if (isOpen(stands.state) !== news.open) return false;
  // An alert that ended last week says nothing about the one that has ended now.
  if (news.startedAt !== null && stands.startedAt !== null && stands.startedAt < news.startedAt) return false;
  return !news.open || severityRank(stands.severity) >= severityRank(news.severity);
}

/** What standing by makes of a step. What we have open here is ours until it is closed: nobody else would close it. */
export function standbyPlan(standby: Standby, input: PlanInput, next: Plan): Plan {
  if (input.told === 'open') return next;
  if (standby.settledTo > 0) {
    const reason = standby.accepted ? 'told by the peer' : 'the peer has nothing to tell';
    return { do: 'skip', to: standby.settledTo, reason, word: 'standby' };
  }
  const { untilMs } = standby;
  return { do: 'hold', untilMs, cause: { why: 'standby', untilMs } };
}
