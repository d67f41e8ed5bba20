/** When a digest is due: a time of day where the destination's people live. */

/** First moment at or after `afterMs` at which the wall clock in `timezone` shows `at` (HH:MM). */
export function digestDueMs(at: string, timezone: string, afterMs: number): number {
  const [hours = 0, minutes = 0] = at.split(':').map(Number);
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const [nowHours = 0, nowMinutes = 0] = format.format(afterMs).split(':').map(Number);
  const wait = (hours * 60 + minutes - (nowHours * 60 + nowMinutes) + 1440) % 1440;
  const minuteStart = Math.floor(afterMs / 60_000) * 60_000;
  // A clock change in between moves the digest by that hour; the next one is right again.
  return wait === 0 ? afterMs : minuteStart + wait * 60_000;
}
