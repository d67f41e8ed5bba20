/** `silences`: windows in which routes keep quiet. */
import { z } from 'zod';
import { hashParts } from '#src/core/fingerprint.ts';
import { SILENCE_DAYS_MAX, type Silence } from '#src/core/silence.ts';
import { matchSchema } from './schema-match.ts';

const DAY_MS = 86_400_000;
export const REASON_CHARS_MAX = 500;

/** A moment with its zone. */
const moment = z.iso.datetime({ offset: true, error: 'must be a time with its zone, such as 2026-12-01T22:00:00Z' });

/** Of windows that are longer, or end before they begin: what is wrong in words, else null. */
export function windowFault(fromMs: number, untilMs: number): string | null {
  if (untilMs <= fromMs) return 'must be later than its start';
  return untilMs - fromMs > SILENCE_DAYS_MAX * DAY_MS
    ? `must be at most ${SILENCE_DAYS_MAX} days after its start`
    : null;
}

export const MATCH_MISSING = 'write match: {} for a silence over every incident';
export const SilenceMatch = matchSchema(MATCH_MISSING);

/** One silence of the config. Its id comes from what it says: changed, it is another silence, and what the old one held is judged again. */
export const ConfigSilence = z
  .strictObject({
    from: moment.describe('Begin, with its zone: `2026-12-01T22:00:00Z`.'),
    until: moment.describe(`End, with its zone; at most ${SILENCE_DAYS_MAX} days after the begin.`),
    match: SilenceMatch.describe('What an incident must be, as in a route; `{}`: every incident.'),
    destinations: z
      .array(z.string())
      .min(1, 'must name at least one destination, or be left out for all')
      .optional()
      .describe('Names of the destinations that keep quiet; unless set all.'),
    author: z
      .string()
      .min(1)
      .max(100)
      .default('the config')
      .describe('Stands on the timeline and in the announcement.'),
    reason: z.string().max(REASON_CHARS_MAX).default('').describe('Stands on the timeline and in the announcement.'),
  })
  .superRefine((given, context) => {
    const message = windowFault(Date.parse(given.from), Date.parse(given.until));
    if (message !== null) context.addIssue({ code: 'custom', path: ['until'], message });
  })
  .transform((given): Silence => ({
    id: `config/${hashParts([JSON.stringify(given)]).slice(0, 12)}`,
    match: given.match,
    destinations: given.destinations ?? null,
    author: given.author,
    reason: given.reason,
    fromMs: Date.parse(given.from),
    untilMs: Date.parse(given.until),
  }));
