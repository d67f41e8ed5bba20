/** What an outcome means for its delivery: level, another try, or failed for good; and what stands on the timeline. */
import type { Outcome, Step } from '#src/core/adapter.ts';
import { toldAfter } from '#src/core/plan.ts';
import { safeText } from '#src/core/safe.ts';
import { isGivenUp, nextDelayMs, type RetryPolicy } from '#src/core/retry.ts';
import type { Destination } from '#src/config/types.ts';
import type { Completion } from '#src/db/deliveries.ts';
import type { DueDelivery } from '#src/db/due.ts';
import { toldSeverityAfter } from './step.ts';

/** Pause before the first settling of an unknown outcome; the schedule decides from the second on. */
const SETTLE_MS = 1_000;

/** The row to write. */
export function completionFor(
  target: Destination,
  row: DueDelivery,
  { step, outcome, fence, nowMs }: { step: Step; outcome: Outcome; fence: number; nowMs: number },
): Completion {
  const accepted = outcome.outcome === 'accepted';
  const since = row.stepSince ? Date.parse(row.stepSince) : nowMs;
  const failed = outcome.outcome === 'permanent' || (!accepted && isGivenUp(target.retry, since, nowMs));
  // An opening without a known outcome counts as told: its end must be told as well (design 3.5).
  const told = accepted || outcome.outcome === 'unknown' ? toldAfter(row.told, step.action) : row.told;
  const keptTold = outcome.outcome === 'unknown' && told === 'closed' ? row.told : told;
  const delay = failed ? 0 : pauseMs(target.retry, row, outcome);
  const reason = accepted ? null : outcome.reason;
  const words = `${target.name}: ${step.action} ${accepted ? 'accepted' : `${outcome.outcome} (${reason})`}`;
  return {
    id: row.id,
    fence,
    outcome: outcome.outcome,
    reason,
    status: outcome.status ?? null,
    detail: outcome.detail === undefined ? null : safeText(outcome.detail, 500),
    receipt: accepted ? outcome.receipt : null,
    delivered: accepted ? step.covers[1] : null,
    told: keptTold,
    told_severity: accepted ? toldSeverityAfter(keptTold, step) : row.toldSeverity,
    memo: outcome.memo ?? null,
    state: accepted ? 'delivered' : failed ? 'failed' : 'retrying',
    delay_ms: delay,
    confirm: accepted && outcome.receipt.level === 'accepted' && target.adapter.confirm !== undefined,
    timeline: {
      summary: words,
      data: {
        destination: target.name,
        delivery: row.id,
        number: fence,
        action: step.action,
        covers: step.covers,
        outcome: outcome.outcome,
        reason,
        status: outcome.status ?? null,
        repeat: step.repeat,
      },
    },
  };
}

function pauseMs(retry: RetryPolicy, row: DueDelivery, outcome: Outcome): number {
  if (outcome.outcome === 'accepted') return 0;
  if (outcome.outcome === 'unknown' && row.tries === 0) return SETTLE_MS;
  const retryAfterMs = outcome.outcome === 'retryable' ? outcome.retryAfterMs : undefined;
  return nextDelayMs(retry, row.tries + 1, { retryAfterMs, random: Math.random() });
}
