/** What every destination takes beside its adapter's own keys (design section 4). */
import { z } from 'zod';
import { duration, parseDuration } from './duration.ts';
import type { UpdatesSetting } from './types.ts';

/** Names of destinations, sources and the like: plain enough for logs, metric labels and addresses. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be letters, digits, dots, dashes and underscores, at most 63');

const TOKEN_CHARS_MIN = 16;

/** What callers must send. */
export const token = z
  .string()
  .min(TOKEN_CHARS_MIN, `must have at least ${TOKEN_CHARS_MIN} characters; make one with: openssl rand -hex 24`)
  .max(512, 'must have at most 512 characters')
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without blanks');

/** PagerDuty makes these itself: some 64 characters. */
export const callbackSecret = z
  .string()
  .min(TOKEN_CHARS_MIN, `must have at least ${TOKEN_CHARS_MIN} characters`)
  .max(512);

/** An http(s) address. */
export const webAddress = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

const DIGEST_AT = '08:00';
const MIN_INTERVAL = '10m';
const MIN_INTERVAL_MS = parseDuration(MIN_INTERVAL)!;
/** 5 s to 5 min: long enough for a vendor's restart, short enough for a page; the last one repeats. */
const SCHEDULE = ['5s', '15s', '30s', '1m', '2m', '5m'];

/** A time of day. */
export const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "08:00"');

const policyIs = <P extends string>(policy: P) => z.literal(policy).describe('As the word alone.');

const updates = z
  .union([
    z.enum(['each', 'latest', 'lifecycle', 'digest']),
    z.discriminatedUnion('policy', [
      z.strictObject({ policy: policyIs('each') }),
      z.strictObject({ policy: policyIs('lifecycle') }),
      z.strictObject({
        policy: policyIs('latest'),
        minInterval: duration.prefault(MIN_INTERVAL).describe('Between two messages about one incident.'),
      }),
      z.strictObject({
        policy: policyIs('digest'),
        at: timeOfDay.default(DIGEST_AT).describe("Time of day, in the destination's time zone."),
      }),
    ]),
  ])
  .transform((given): UpdatesSetting => {
    const setting = typeof given === 'string' ? { policy: given } : given;
    if (setting.policy === 'latest')
      return { policy: 'latest', minIntervalMs: 'minInterval' in setting ? setting.minInterval : MIN_INTERVAL_MS };
    if (setting.policy === 'digest') return { policy: 'digest', at: 'at' in setting ? setting.at : DIGEST_AT };
    return { policy: setting.policy };
  });

const rate = z
  .union([
    z.literal('off'),
    z.strictObject({
      max: z.int().min(1).describe('Calls in `per`.'),
      per: duration.describe('The span that `max` is for.'),
    }),
  ])
  .transform((given) => (given === 'off' ? null : { max: given.max, perMs: given.per }));

const retry = z
  .strictObject({
    schedule: z
      .array(duration)
      .min(1, 'must name at least one pause')
      .max(50, 'must name at most 50 pauses')
      .prefault(SCHEDULE)
      .describe('Pauses between tries; the last repeats.'),
    giveUpAfter: duration.prefault('24h').describe('Then the delivery has failed.'),
  })
  .transform((given) => ({ scheduleMs: given.schedule, giveUpAfterMs: given.giveUpAfter }));

const fallback = z
  .strictObject({
    to: z.string().describe('Name of the destination that is told instead.'),
    after: duration.prefault('5m').describe('So long this one may take to accept an opening.'),
  })
  .transform((given) => ({ to: given.to, afterMs: given.after }));

/** A destination without `type` and without its adapter's keys. Defaults that the adapter decides are left open. */
export const CommonKeys = z.strictObject({
  id: name.optional().describe('Part of the vendor key; unless set the name. Keep the old name here on a rename.'),
  retired: z.boolean().default(false).describe('`true`: takes no new incident; its open ones are still resolved.'),
  standby: z.boolean().default(false).describe('`true`: tells only what the `peer` does not.'),
  updates: updates
    .optional()
    .describe('How much of an incident it hears: every revision, the newest at intervals, its life only, one a day.'),
  concurrency: z
    .int()
    .min(1, 'must be at least 1')
    .max(1000, 'must be at most 1000')
    .optional()
    .describe('Calls at a time.'),
  rate: rate.prefault('off').describe('Calls that the relay allows itself; a 429 pauses the destination anyway.'),
  retry: retry.prefault({}).describe('When a failed try is repeated.'),
  failOpen: z
    .boolean()
    .optional()
    .describe('Opened directly while the database is away. `true` only for types that dedup by key.'),
  fallback: fallback.optional().describe('Told when this destination fails or has not accepted in time.'),
  sensitive: z
    .enum(['full', 'redacted'])
    .default('full')
    .describe("`redacted`: title, scope and link only, without Microsoft's text."),
  timezone: z
    .string()
    .refine(isTimezone, 'is not a time zone; write an IANA name such as Europe/Berlin')
    .default('UTC')
    .describe('IANA name; messages show this zone beside UTC.'),
});
export type CommonKeys = z.infer<typeof CommonKeys>;

/** Names of the common keys, `type` included. */
export const COMMON_KEYS: readonly string[] = ['type', ...Object.keys(CommonKeys.shape)];

function isTimezone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
