/** The section `coverage`: what counts as covered, and who hears of it once a week. */
import { z } from 'zod';
import { IGNORABLE } from '#src/core/coverage.ts';
import { EVENT_TYPES } from '#src/core/coverage-paths.ts';
import { WEEKDAYS } from '#src/core/weekly.ts';
import { duration } from './duration.ts';
import { name, timeOfDay, webAddress } from './schema-common.ts';

const EVERY_MIN_MS = 60_000;

export const Coverage = z
  .strictObject({
    every: duration
      .refine((ms) => ms >= EVERY_MIN_MS, 'must be at least 1m')
      .prefault('1h')
      .describe('Between audits, at least `1m`.'),
    addresses: z
      .array(webAddress)
      .default([])
      .describe(
        'Where action groups call the relay when something stands in front; without a path `/v1/receivers/azure-monitor` is meant.',
      ),
    types: z
      .array(z.enum(EVENT_TYPES))
      .min(1, 'must name at least one event type')
      .default([...EVENT_TYPES])
      .describe('Event types that must come.'),
    services: z
      .array(z.string().min(1))
      .default([])
      .describe('Services that must come, as Service Health writes them.'),
    exempt: z
      .array(z.string().transform((id) => id.toLowerCase()))
      .default([])
      .describe('Ids of subscriptions that need no rule.'),
    ignore: z.array(z.enum(IGNORABLE)).default([]).describe('Findings that are as they shall be.'),
    summary: z
      .strictObject({
        to: name.describe('Name of the destination; no pager, no ticket system.'),
        day: z.enum(WEEKDAYS).default('monday').describe('Day of the week.'),
        at: timeOfDay.default('08:00').describe("Time of day, in the destination's time zone."),
      })
      .nullish()
      .transform((given) => given ?? null)
      .describe('A destination that is told once a week; without it nobody is.'),
  })
  .transform(({ every, ...given }) => ({ everyMs: every, ...given }));
