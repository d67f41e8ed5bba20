/** The section `deadlines`: when people are reminded, and who may read the calendar. */
import { z } from 'zod';

const DAYS_MAX = 3650;
const REMIND_DAYS = [180, 90, 30, 7, 1];

/** `token` is the schema that all tokens of ours have. */
export function deadlinesSchema(token: z.ZodType<string, string>) {
  return z.strictObject({
    remindDays: z
      .array(z.int().min(1, 'must be at least 1').max(DAYS_MAX, `must be at most ${DAYS_MAX}`))
      .max(20, 'must name at most 20 days')
      .default(REMIND_DAYS),
    feedTokens: z.array(token).default([]),
  });
}
