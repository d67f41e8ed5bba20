/** What every destination takes beside its adapter's own keys (design section 4). */
import { z } from 'zod';
import { duration } from './duration.ts';
import type { UpdatesSetting } from './types.ts';

/** Names of destinations, sources and the like: plain enough for logs, metric labels and addresses. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be letters, digits, dots, dashes and underscores, at most 63');

const DIGEST_AT = '08:00';
const MIN_INTERVAL_MS = 10 * 60_000;
const FALLBACK_AFTER_MS = 5 * 60_000;
const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** 5 s to 5 min: long enough for a vendor's restart, short enough for a page; the last one repeats. */
const SCHEDULE_MS = [5_000, 15_000, 30_000, 60_000, 120_000, 300_000];

const updates = z
  .union([
    z.enum(['each', 'latest', 'lifecycle', 'digest']),
    z.discriminatedUnion('policy', [
      z.strictObject({ policy: z.literal('each') }),
      z.strictObject({ policy: z.literal('lifecycle') }),
      z.strictObject({ policy: z.literal('latest'), minInterval: duration.optional() }),
      z.strictObject({
        policy: z.literal('digest'),
        at: z
          .string()
          .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "08:00"')
          .optional(),
      }),
    ]),
  ])
  .transform((given): UpdatesSetting => {
    const setting = typeof given === 'string' ? { policy: given } : given;
    if (setting.policy === 'latest') {
      const minIntervalMs = 'minInterval' in setting ? setting.minInterval : undefined;
      return { policy: 'latest', minIntervalMs: minIntervalMs ?? MIN_INTERVAL_MS };
    }
    if (setting.policy === 'digest') {
      const at = 'at' in setting ? setting.at : undefined;
      return { policy: 'digest', at: at ?? DIGEST_AT };
    }
    return { policy: setting.policy };
  });

const rate = z
  .union([z.literal('off'), z.strictObject({ max: z.int().min(1), per: duration })])
  .transform((given) => (given === 'off' ? null : { max: given.max, perMs: given.per }));

const retry = z
  .strictObject({
    schedule: z
      .array(duration)
      .min(1, 'must name at least one pause')
      .max(50, 'must name at most 50 pauses')
      .optional(),
    giveUpAfter: duration.optional(),
  })
  .transform((given) => ({
    scheduleMs: given.schedule ?? SCHEDULE_MS,
    giveUpAfterMs: given.giveUpAfter ?? GIVE_UP_AFTER_MS,
  }));

const fallback = z
  .strictObject({ to: z.string(), after: duration.optional() })
  .transform((given) => ({ to: given.to, afterMs: given.after ?? FALLBACK_AFTER_MS }));

/** A destination without `type` and without its adapter's keys. Defaults that the adapter decides are left open. */
export const CommonKeys = z.strictObject({
  id: name.optional(),
  retired: z.boolean().default(false),
  standby: z.boolean().default(false),
  updates: updates.optional(),
  concurrency: z.int().min(1, 'must be at least 1').max(1000, 'must be at most 1000').optional(),
  rate: rate.prefault('off'),
  retry: retry.prefault({}),
  failOpen: z.boolean().optional(),
  fallback: fallback.optional(),
  sensitive: z.enum(['full', 'redacted']).default('full'),
  timezone: z
    .string()
    .refine(isTimezone, 'is not a time zone; write an IANA name such as Europe/Berlin')
    .default('UTC'),
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
