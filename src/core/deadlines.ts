/**
 * Deadlines: what has to be done by when, from the incidents that we hold. Pure. An advisory is due at its end date, such as a
 * retirement; a maintenance when its window opens. A new date moves the deadline, the end of the incident ends it.
 */
import type { IncidentState } from './adapter.ts';
import { isOpen } from './incident.ts';

export interface DeadlineFacts {
  kind: 'maintenance' | 'advisory';
  state: IncidentState;
  stage: string | null;
  retracted: boolean;
  /** ISO 8601 UTC, as all times here. */
  startedAt: string | null;
  endsAt: string | null;
  resolvedAt: string | null;
  closedAt: string | null;
  lastSeenAt: string;
}

/** `open`: it stands. `met`: it came, or the work was done. `cancelled`: it was taken back before it came. */
export type DeadlineStatus = 'open' | 'met' | 'cancelled';

export interface Deadline {
  at: string;
  /** End of a maintenance window, where it is known and later. */
  until: string | null;
  status: DeadlineStatus;
}

const DAY_MS = 86_400_000;
const CANCELLED = ['canceled', 'cancelled'];

/** Null where Azure gave no date outside of the text. */
export function deadlineOf(facts: DeadlineFacts): Deadline | null {
  const at = facts.kind === 'maintenance' ? facts.startedAt : facts.endsAt;
  if (at === null) return null;
  const until = facts.kind === 'maintenance' && facts.endsAt !== null && facts.endsAt > at ? facts.endsAt : null;
  return { at, until, status: statusOf(facts, at) };
}

function statusOf(facts: DeadlineFacts, at: string): DeadlineStatus {
  if (isOpen(facts.state)) return 'open';
  if (facts.retracted || CANCELLED.includes(facts.stage?.toLowerCase() ?? '')) return 'cancelled';
  const endedAt = facts.resolvedAt ?? facts.closedAt ?? facts.lastSeenAt;
  return endedAt < at ? 'cancelled' : 'met';
}

/** Whole days from now, rounded up; negative once it has passed. */
export function daysLeft(deadline: Pick<Deadline, 'at'>, nowMs: number): number {
  // Plus zero: no "-0".
  return Math.ceil((Date.parse(deadline.at) - nowMs) / DAY_MS) + 0;
}

/**
 * The reminder that is due: the smallest of `days` whose moment has passed. Null when that moment lay before `knownSince`: then
 * the message that brought the date told it. Missed ones are left out, a relay that was away reminds once.
 */
export function reminderDue(
  deadline: Deadline,
  { days, knownSince, nowMs }: { days: readonly number[]; knownSince: string; nowMs: number },
): number | null {
  const leftMs = Date.parse(deadline.at) - nowMs;
  if (deadline.status !== 'open' || leftMs <= 0) return null;
  const due = days.toSorted((a, b) => a - b).find((one) => leftMs <= one * DAY_MS);
  if (due === undefined) return null;
  return Date.parse(deadline.at) - due * DAY_MS > Date.parse(knownSince) ? due : null;
}

/** When the next reminder will be, ISO 8601 UTC; null when none will. */
export function nextReminderAt(
  deadline: Deadline,
  { days, nowMs }: { days: readonly number[]; nowMs: number },
): string | null {
  if (deadline.status !== 'open') return null;
  const moments = days.map((one) => Date.parse(deadline.at) - one * DAY_MS).filter((ms) => ms > nowMs);
  return moments.length === 0 ? null : new Date(Math.min(...moments)).toISOString();
}
