/** Small parts that the routes of incidents share. */
import { z } from '@hono/zod-openapi';
import { ProblemDocument } from './schemas.ts';

/** A JSON answer. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A problem document. */
export const failure = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ProblemDocument } },
});

export const IdParam = z.object({
  id: z
    .string()
    .min(1)
    .max(300)
    .transform((id) => id.replaceAll('\u0000', ''))
    .openapi({ description: 'Our id, or the tracking ID in any case (its newest episode)' }),
});

/** What every route may answer as well. */
export const refusals = { 401: failure('No or a wrong token'), 403: failure('The token may not do this') };
