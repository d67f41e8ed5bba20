/**
 * The planner: what does this destination need to hear next? A pure function of the delivery row, the revisions it has
 * not been told and its `updates` policy. One step at a time; the pipeline comes back until the delivery is level.
 */
import type { Action, RepeatPolicy } from './adapter.ts';
import { dampedPlan, type Damping } from './damping.ts';
import { isOpen, type Snapshot } from './incident.ts';
import { severityRank, type Severity } from './signal.ts';
import { standbyPlan, type Standby } from './standby.ts';

export type UpdatesPolicy =
  | { policy: 'each' }
  | { policy: 'lifecycle' }
  | { policy: 'latest'; minIntervalMs: number }
  /** The digest that the oldest pending revision belongs to is due at this moment. */
  | { policy: 'digest'; dueMs: number };

/** What the destination has been told so far. An opening whose outcome is unknown counts as open. */
export type Told = 'nothing' | 'open' | 'closed';

export interface PlanInput {
  updates: UpdatesPolicy;
  repeat: RepeatPolicy;
  told: Told;
  toldSeverity: Severity | null;
  deliveredRevision: number;
  /** The revision at which the destination first matched: everything before it is one opening. */
  firstRevision: number;
  /** Revisions above `deliveredRevision`, ascending, without holes. */
  revisions: readonly { revision: number; recordedAtMs: number; snapshot: Snapshot }[];
  /** A try of this delivery without a known outcome. */
  unsettled: { action: Action; covers: readonly [number, number]; wasRepeat: boolean } | null;
  lastAcceptedAtMs: number | null;
  /** An outage on the same service and region that this destination has accepted: it speaks for its children (design section 6). */
  parent: { id: string; headline: string } | null;
  /** The silence that covers the incident for this destination now. */
  silence: SilenceCause | null;
  /** What `sustained` and `flapping` say; absent or null: nothing damps it. */
  damping?: Damping | null;
  /** The peer may tell it, or has; absent or null: it is ours to tell. */
  standby?: Standby | null;
  nowMs: number;
}

/** A window in which a route keeps quiet, as it is named where something is held back. */
export interface SilenceCause {
  id: string;
  author: string;
  reason: string;
  untilMs: number;
}

/** Why a delivery is held back; judge.ts turns it into the words of the decision. */
export type HoldCause =
  | { why: 'parent'; id: string; headline: string }
  | ({ why: 'silence' } & SilenceCause)
  /** Asked to be sustained and not yet so, or flapping and told as such. */
  | { why: 'sustained' | 'flapping'; words: string }
  /** Left to the peer until then. */
  | { why: 'standby'; untilMs: number };

export type Plan =
  | { do: 'step'; action: Action; covers: [number, number]; catchUp: boolean; settling: boolean; repeat: boolean }
  /** Nothing to say under the policy: move on, with this reason on the timeline. */
  | { do: 'skip'; to: number; reason: string; word?: 'standby' }
  | { do: 'wait'; untilMs: number }
  /** Held back for this cause; judged again by then at the latest. */
  | { do: 'hold'; untilMs: number; cause: HoldCause }
  /** Unknown twice where the vendor cannot tell: not a third time (design 3.5). */
  | { do: 'giveUp'; covers: [number, number] }
  | { do: 'level' };

/** "each" sends one message per revision only while at most 5 behind and younger than 15 minutes (design section 4). */
const BEHIND_MAX = 5;
const YOUNG_MS = 15 * 60_000;
/** What is held back is judged again at least this often (design section 6). */
const HOLD_MS = 5 * 60_000;

export function plan(input: PlanInput): Plan {
  const next = unsilenced(input);
  // What is under way is brought to its end; a silence holds back what would begin.
  if (next.do !== 'step' || next.settling) return next;
  if (input.silence) return silenced(input.silence, input);
  return input.standby ? standbyPlan(input.standby, input, next) : next;
}

function unsilenced(input: PlanInput): Plan {
  if (input.unsettled) return settle(input.unsettled, input.repeat);
  const pending = input.revisions;
  const last = pending.at(-1);
  if (!last) return { do: 'level' };
  const damped = input.damping ? dampedPlan(input.damping, input) : null;
  if (damped) return damped;
  const news = pending.filter((r) => r.snapshot.change !== 'note');
  if (input.told === 'nothing' && input.parent) return held(input.parent, input, last);
  if (input.told === 'nothing') return firstWord(input, news.at(-1) ?? last, news.length === 0);
  if (news.length === 0 && input.updates.policy !== 'digest') return speak('note', input, pending[0]!.revision);
  const stands = (news.at(-1) ?? last).snapshot;
  const open = isOpen(stands.state);
  const turns = open !== (input.told === 'open');
  switch (input.updates.policy) {
    case 'each':
      return each(input);
    case 'lifecycle':
      if (turns || input.told === 'closed') return catchUp(input, news.at(-1)!);
      return rose(input, stands)
        ? catchUp(input, news.at(-1)!)
        : { do: 'skip', to: last.revision, reason: 'policy lifecycle: no opening, end or rise of severity' };
    case 'latest': {
      const due = (input.lastAcceptedAtMs ?? 0) + input.updates.minIntervalMs;
      return turns || due <= input.nowMs ? catchUp(input, last) : { do: 'wait', untilMs: due };
    }
    case 'digest': {
      const { dueMs } = input.updates;
      return dueMs <= input.nowMs ? catchUp(input, last) : { do: 'wait', untilMs: dueMs };
    }
  }
}

function settle(unsettled: NonNullable<PlanInput['unsettled']>, repeat: RepeatPolicy): Plan {
  const covers: [number, number] = [...unsettled.covers];
  if (repeat === 'mark' && unsettled.wasRepeat) return { do: 'giveUp', covers };
  return { do: 'step', action: unsettled.action, covers, catchUp: false, settling: true, repeat: repeat === 'mark' };
}

/** A child of an outage: silent while the parent is active, and for good when it ended meanwhile. Never after it was told. */
function held(parent: { id: string; headline: string }, input: PlanInput, last: PlanInput['revisions'][number]): Plan {
  if (isOpen(last.snapshot.state))
    return { do: 'hold', untilMs: input.nowMs + HOLD_MS, cause: { why: 'parent', ...parent } };
  return { do: 'skip', to: last.revision, reason: `held back: over while ${parent.headline} was going on` };
}

/**
 * Within a silence every message waits but the end of what the destination has open: closing is no noise, and an alarm
 * that goes on ringing is. What came before the end is not told on the way there.
 */
function silenced(silence: SilenceCause, input: PlanInput): Plan {
  const stands = input.revisions.findLast((r) => r.snapshot.change !== 'note');
  if (stands && input.told === 'open' && !isOpen(stands.snapshot.state)) return catchUp(input, stands);
  const untilMs = Math.min(input.nowMs + HOLD_MS, silence.untilMs);
  return { do: 'hold', untilMs, cause: { why: 'silence', ...silence } };
}

/** Nothing was told yet: the opening, or one message for what is already over (it wakes nobody; the adapter knows how). */
function firstWord(input: PlanInput, stands: PlanInput['revisions'][number], onlyNotes: boolean): Plan {
  const last = input.revisions.at(-1)!;
  if (input.updates.policy === 'digest' && input.updates.dueMs > input.nowMs)
    return { do: 'wait', untilMs: input.updates.dueMs };
  if (onlyNotes) return speak('note', input, last.revision);
  if (!isOpen(stands.snapshot.state)) return speak('resolve', input, stands.revision);
  const to =
    input.updates.policy === 'each' && !behind(input)
      ? Math.max(input.firstRevision, input.deliveredRevision + 1)
      : stands.revision;
  return speak('open', input, Math.min(to, last.revision));
}

/** One message per revision, in order; when too far behind, one that says what it covers. */
function each(input: PlanInput): Plan {
  if (behind(input)) return catchUp(input, input.revisions.at(-1)!);
  const next = input.revisions[0]!;
  return speak(actionFor(input.told, next.snapshot), input, next.revision);
}

function behind(input: PlanInput): boolean {
  const oldest = input.revisions.find((r) => r.revision > input.firstRevision) ?? input.revisions[0]!;
  return (
    input.revisions.length > BEHIND_MAX + Math.max(0, input.firstRevision - input.deliveredRevision - 1) ||
    input.nowMs - oldest.recordedAtMs > YOUNG_MS
  );
}

function catchUp(input: PlanInput, to: PlanInput['revisions'][number]): Plan {
  return speak(actionFor(input.told, to.snapshot), input, to.revision);
}

function actionFor(told: Told, snapshot: Snapshot): Action {
  if (isOpen(snapshot.state)) return told !== 'open' ? 'open' : snapshot.change === 'note' ? 'note' : 'update';
  if (told === 'closed') return 'note';
  return snapshot.retracted ? 'retract' : 'resolve';
}

function speak(action: Action, input: PlanInput, to: number): Plan {
  const covers: [number, number] = [input.deliveredRevision + 1, to];
  const opening = action === 'open' && to <= input.firstRevision;
  return { do: 'step', action, covers, catchUp: to > covers[0] && !opening, settling: false, repeat: false };
}

function rose(input: PlanInput, stands: Snapshot): boolean {
  const told = input.toldSeverity === null ? -1 : severityRank(input.toldSeverity);
  return severityRank(stands.severity) > told && input.revisions.some((r) => r.snapshot.severityRose);
}

/** What the destination has been told after an accepted (or unknown) step. */
export function toldAfter(told: Told, action: Action): Told {
  switch (action) {
    case 'open':
      return 'open';
    case 'resolve':
    case 'retract':
      return 'closed';
    case 'note':
      return told === 'nothing' ? 'closed' : told;
    case 'update':
      return told;
  }
}
