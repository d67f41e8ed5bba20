/** Durations as people write them: `500ms`, `30s`, `5m`, `24h`, `90d`, `1h30m`. */
import { z } from 'zod';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d{1,9}(?:ms|s|m|h|d))+$/;

/** Ten years: anything longer is a slip. */
const DURATION_MAX_MS = 3650 * 86_400_000;

/** Milliseconds, or null when the text is no duration between 1 ms and ten years. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let sumMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    sumMs += Number(count) * (UNITS_MS[unit ?? ''] ?? 0);
  }
  return sumMs >= 1 && sumMs <= DURATION_MAX_MS ? sumMs : null;
}

const MESSAGE = 'is not a duration; write 30s, 5m, 24h or 90d';

/** A duration in the config; milliseconds once read. */
export const duration = z
  .string({ error: MESSAGE })
  .regex(DURATION, MESSAGE)
  .transform((text, context): number => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== null) return milliseconds;
    context.addIssue({ code: 'custom', message: 'must be between 1ms and ten years' });
    return z.NEVER;
  })
  .meta({ title: 'duration' });
