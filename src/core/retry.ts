/** The one retry clock (design 3.6): the schedule is data, the jitter only adds, `Retry-After` is clamped. */

export interface RetryPolicy {
  /** Pause before the second, third, ... try, milliseconds; the last one repeats. */
  scheduleMs: readonly number[];
  /** Age of a step after which it fails for good, milliseconds. */
  giveUpAfterMs: number;
}

const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * Pause before the next try, milliseconds.
 * @param tries how often this step was tried, 1 after the first
 * @param random in [0, 1); up to a fifth is added so that failed deliveries do not come back in step
 */
export function nextDelayMs(
  policy: RetryPolicy,
  tries: number,
  options: { retryAfterMs?: number | undefined; random: number },
): number {
  const schedule = policy.scheduleMs;
  const base = schedule[Math.min(tries, schedule.length) - 1] ?? 60_000;
  const asked = Math.min(Math.max(options.retryAfterMs ?? 0, 0), RETRY_AFTER_MAX_MS);
  return Math.round(Math.max(base, asked) * (1 + options.random / 5));
}

/** Whether a step that was first tried at `firstTryMs` has had its time. */
export function isGivenUp(policy: RetryPolicy, firstTryMs: number, nowMs: number): boolean {
  return nowMs - firstTryMs >= policy.giveUpAfterMs;
}
