/** The section `coverage`: what counts as covered, and who hears of it once a week. */
import { z } from 'zod';
import { IGNORABLE } from '#src/core/coverage.ts';
import { EVENT_TYPES } from '#src/core/coverage-paths.ts';
import { WEEKDAYS } from '#src/core/weekly.ts';
import { duration } from './duration.ts';
import { name } from './schema-common.ts';

const HOUR_MS = 3_600_000;
const EVERY_MIN_MS = 60_000;

export const Coverage = z
  .strictObject({
    every: duration.refine((ms) => ms >= EVERY_MIN_MS, 'must be at least 1m').default(HOUR_MS),
    addresses: z.array(z.url({ protocol: /^https?$/, error: 'must be an http or https address' })).default([]),
    types: z
      .array(z.enum(EVENT_TYPES))
      .min(1, 'must name at least one event type')
      .default([...EVENT_TYPES]),
    services: z.array(z.string().min(1)).default([]),
    exempt: z.array(z.string().transform((id) => id.toLowerCase())).default([]),
    ignore: z.array(z.enum(IGNORABLE)).default([]),
    summary: z
      .strictObject({
        to: name,
        day: z.enum(WEEKDAYS).default('monday'),
        at: z
          .string()
          .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "08:00"')
          .default('08:00'),
      })
      .nullish()
      .transform((given) => given ?? null),
  })
  .transform(({ every, ...given }) => ({ everyMs: every, ...given }));
