/** What a route may ask before own alerts and resources notify: `sustained` and `flapping`. Read here, judged in the core. */
import { z } from 'zod';
import type { FlappingRule } from '#src/core/flapping.ts';
import type { SustainedRule } from '#src/core/sustained.ts';
import { duration, parseDuration } from './duration.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Whoever waits for longer than a day wants a digest. */
const LONG = 'must be at most 24h';
const OBSERVATIONS_MAX = 100;
const FORM = 'must read like 3 of 5 in 10m';
const WORDS = /^\s*(\d{1,4})\s+of\s+(\d{1,4})\s+in\s+(\S+)\s*$/i;

const upToADay = duration.refine((ms) => ms <= DAY_MS, LONG);
const count = z.int('must be a whole number').min(1, 'must be at least 1');
const observations = count.max(OBSERVATIONS_MAX, `must be at most ${OBSERVATIONS_MAX}`);

const words = z.string().transform((text, context): { times: number; of: number; in: number } => {
  const [, times, of, within] = WORDS.exec(text) ?? [];
  const inMs = within === undefined ? null : parseDuration(within);
  const fault =
    times === undefined
      ? FORM
      : inMs === null
        ? `${FORM}: "in" takes a duration such as 10m`
        : inMs > DAY_MS
          ? `the window ${LONG}`
          : Number(of) > OBSERVATIONS_MAX
            ? `"of" must be at most ${OBSERVATIONS_MAX}`
            : null;
  if (fault === null) return { times: Number(times), of: Number(of), in: inMs! };
  context.addIssue({ code: 'custom', message: fault });
  return z.NEVER;
});

const severe = z
  .boolean()
  .default(false)
  .describe('`true`: also for severity error and critical, which are told at once otherwise.');

/** `3 of 5 in 10m`, or the same as a map, which can also hold for Sev0 and Sev1. */
export const Sustained = z
  .union([
    words,
    z.strictObject(
      {
        times: observations.describe('So many observations must be firing.'),
        of: observations.describe('Of so many newest ones.'),
        in: upToADay.describe('Within so long, at most `24h`.'),
        severe,
      },
      { error: (issue) => (issue.code === 'invalid_type' ? FORM : undefined) },
    ),
  ])
  .superRefine((given, context) => {
    if (given.times < 1) context.addIssue({ code: 'custom', message: 'asks for nothing: at least 1 must be firing' });
    else if (given.times > given.of)
      context.addIssue({
        code: 'custom',
        message: `can never be: ${given.times} of ${given.of}; swap them, or ask for ${given.of} of ${given.of}`,
      });
  })
  .transform((given): SustainedRule => ({
    times: given.times,
    of: given.of,
    inMs: given.in,
    severe: 'severe' in given && given.severe,
  }));

/** `{ changes: 4, within: 30m, quiet: 15m }`. */
export const Flapping = z
  .strictObject({
    changes: z
      .int('must be a whole number')
      .min(3, 'must be at least 3: an opening and its end are two, and no flapping')
      .max(OBSERVATIONS_MAX, `must be at most ${OBSERVATIONS_MAX}`)
      .describe('Openings and ends that make it flap.'),
    within: upToADay.describe('Within so long, at most `24h`.'),
    quiet: upToADay.describe('Without a change for so long it has stopped, at most `24h`.'),
    severe,
  })
  .transform((given): FlappingRule => ({
    changes: given.changes,
    withinMs: given.within,
    quietMs: given.quiet,
    severe: given.severe,
  }));
