/** Sorts due deliveries by what the planner says of each: leave out, wait, hold back, or take a step. Pure but for the plan's clock. */
import type { Action } from '#src/core/adapter.ts';
import { plan, type HoldCause, type Plan, type SilenceCause, type UpdatesPolicy } from '#src/core/plan.ts';
import { minuteInWords } from '#src/core/silence.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import type { Hold, Skip } from '#src/db/deliveries.ts';
import type { DueDelivery } from '#src/db/due.ts';
import { digestDueMs } from './digest.ts';

/** A plan that ends in an attempt. */
export type Claimable = {
  do: 'step' | 'giveUp';
  action: Action;
  covers: [number, number];
  catchUp: boolean;
  settling: boolean;
  repeat: boolean;
};

export interface Judged {
  skips: Skip[];
  waits: { id: string; fence: number; wanted: number; until: string }[];
  holds: Hold[];
  steps: { row: DueDelivery; plan: Claimable }[];
}

export interface JudgedAt {
  config: RelayConfig;
  nowMs: number;
  /** The silence that covers a delivery; absent: none does. */
  silenceOf?: (row: DueDelivery) => SilenceCause | null;
}

/** Plans every row. */
export function judge(target: Destination, due: readonly DueDelivery[], now: JudgedAt): Judged {
  const judged: Judged = { skips: [], waits: [], holds: [], steps: [] };
  for (const row of due) {
    const { id, fence } = row;
    const planned = planFor(target, row, now);
    switch (planned.do) {
      case 'skip':
        judged.skips.push({
          id,
          fence,
          to: planned.to,
          ...decision(target.name, planned.word ?? 'policy', planned.reason),
        });
        break;
      case 'level':
        judged.skips.push({
          id,
          fence,
          to: row.wantedRevision,
          ...decision(target.name, 'level', 'nothing left to tell'),
        });
        break;
      case 'wait':
        judged.waits.push({ id, fence, wanted: row.wantedRevision, until: new Date(planned.untilMs).toISOString() });
        break;
      case 'hold':
        judged.holds.push(heldBack(target.name, row, planned));
        break;
      case 'step':
        judged.steps.push({
          row,
          plan: { ...planned, repeat: planned.repeat || isDoubted(target, row, planned.covers) },
        });
        break;
      case 'giveUp':
        judged.steps.push({
          row,
          plan: { ...planned, action: row.unsettled!.action, catchUp: false, settling: true, repeat: false },
        });
        break;
    }
  }
  return judged;
}

function planFor(target: Destination, row: DueDelivery, { config, nowMs, silenceOf }: JudgedAt): Plan {
  // Turns off everything of ours that can hold a notification back (design 3.7).
  const passThrough = config.passThrough || row.passThrough;
  const revisions = (row.revisions ?? []).map((r) => ({
    revision: r.revision,
    recordedAtMs: Date.parse(r.recordedAt),
    snapshot: r.snapshot,
  }));
  const unsettled = row.unsettled
    ? {
        action: row.unsettled.action,
        covers: [row.unsettled.from, row.unsettled.to] as const,
        wasRepeat: row.unsettled.wasRepeat,
      }
    : null;
  return plan({
    updates: policyOf(target, { oldestMs: revisions[0]?.recordedAtMs ?? nowMs, passThrough }),
    repeat: target.adapter.repeat,
    told: row.told,
    toldSeverity: row.toldSeverity,
    deliveredRevision: row.deliveredRevision,
    firstRevision: row.firstRevision,
    revisions,
    unsettled,
    parent: passThrough ? null : row.parent,
    silence: passThrough ? null : (silenceOf?.(row) ?? null),
    damping: passThrough ? null : (row.damping ?? null),
    standby: passThrough ? null : (row.standby ?? null),
    lastAcceptedAtMs: row.lastAcceptedAt ? Date.parse(row.lastAcceptedAt) : null,
    nowMs,
  });
}

function heldBack(destination: string, row: DueDelivery, planned: Extract<Plan, { do: 'hold' }>): Hold {
  const { cause, untilMs } = planned;
  const said = heldInWords(cause);
  return {
    id: row.id,
    fence: row.fence,
    wanted: row.wantedRevision,
    until: new Date(untilMs).toISOString(),
    why: cause.why,
    by: said.by,
    mark: said.mark,
    scope: row.incident.scopeCount,
    summary: `${destination}: held back ${said.words}`,
    data: { decision: 'suppressed', destination, why: cause.why, ...said.data },
  };
}

interface HeldWords {
  by: string | null;
  mark: string | null;
  /** Completes "held back ...". */
  words: string;
  data: Record<string, unknown>;
}

/** How each cause is named: on the timeline, on the delivery, and in the message that goes out after all. */
function heldInWords(cause: HoldCause): HeldWords {
  switch (cause.why) {
    case 'parent': {
      const { id, headline } = cause;
      return { by: id, mark: null, words: `while ${headline} is going on`, data: { parent: id, headline } };
    }
    case 'silence': {
      const { id, author, reason } = cause;
      const until = new Date(cause.untilMs).toISOString();
      const words = `by a silence of ${author} until ${minuteInWords(cause.untilMs)}${reason === '' ? '' : ` (${reason})`}`;
      return { by: id, mark: words, words, data: { silence: id, author, reason, until } };
    }
    case 'sustained': {
      const words = `until it is sustained (${cause.words})`;
      return { by: null, mark: words, words, data: { reason: cause.words } };
    }
    case 'flapping':
      return { by: null, mark: null, words: `while it flaps (${cause.words})`, data: { reason: cause.words } };
    case 'standby': {
      const words = `for the peer, which is asked at ${new Date(cause.untilMs).toISOString().slice(11, 19)} UTC`;
      return { by: null, mark: null, words, data: { until: new Date(cause.untilMs).toISOString() } };
    }
  }
}

/** The step holds something that was given up without an answer, and the vendor cannot tell whether it arrived. */
function isDoubted(target: Destination, row: DueDelivery, covers: readonly [number, number]): boolean {
  return target.adapter.repeat === 'mark' && (row.doubtedRevision ?? 0) >= covers[0];
}

function policyOf(
  target: Destination,
  { oldestMs, passThrough }: { oldestMs: number; passThrough: boolean },
): UpdatesPolicy {
  const { updates } = target;
  if (passThrough && (updates.policy === 'digest' || updates.policy === 'latest')) return { policy: 'each' };
  return updates.policy === 'digest'
    ? { policy: 'digest', dueMs: digestDueMs(updates.at, target.timezone, oldestMs) }
    : updates;
}

function decision(
  destination: string,
  word: string,
  reason: string,
): { summary: string; data: Record<string, unknown> } {
  return { summary: `${destination}: nothing sent (${reason})`, data: { decision: word, destination, reason } };
}
