/** The section `deadlines`: when people are reminded, and who may read the calendar. */
import { z } from 'zod';
import { token } from './schema-common.ts';

const DAYS_MAX = 3650;
const REMIND_DAYS = [180, 90, 30, 7, 1];

export const Deadlines = z.strictObject({
  remindDays: z
    .array(z.int().min(1, 'must be at least 1').max(DAYS_MAX, `must be at most ${DAYS_MAX}`))
    .max(20, 'must name at most 20 days')
    .default(REMIND_DAYS)
    .describe('Days before a retirement or maintenance on which its routes are reminded; `[]`: never.'),
  feedTokens: z.array(token).default([]).describe('Tokens that open `/v1/deadlines.ics?token=` and nothing else.'),
});
