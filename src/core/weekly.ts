/** When a weekly message is due, where its readers live. Pure; time comes as an argument. */

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export interface Weekly {
  day: Weekday;
  /** HH:MM on the wall clock of `timezone`. */
  at: string;
  /** IANA name. */
  timezone: string;
}

/** A relay that was away sends it late, up to this age; then the next one is near enough. */
const LATE_MS = 24 * 3_600_000;

/** The date there (`2026-09-14`) of the weekly message that is due now; null when none is. The date is the same on every replica. */
export function weeklyDue({ day, at, timezone }: Weekly, nowMs: number): string | null {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    weekday: 'long',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const wall = (ms: number): { date: string; weekday: string; time: string } => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return {
      date: `${parts['year']}-${parts['month']}-${parts['day']}`,
      weekday: parts['weekday']!.toLowerCase(),
      time: `${parts['hour']}:${parts['minute']}`,
    };
  };
  const now = wall(nowMs);
  if (now.weekday === day) return now.time >= at ? now.date : null;
  // Late, until the same time on the day after.
  const then = wall(nowMs - LATE_MS);
  return then.weekday === day && now.time < at ? then.date : null;
}
