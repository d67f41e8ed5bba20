/** The section `peer`: the relay of the same `relayId` in another region, for whose sake standby destinations keep quiet. */
import { z } from 'zod';
import { GRACE_MS_MAX } from '#src/core/standby.ts';
import { duration } from './duration.ts';

const EVERY_MS = 5_000;
/** Each look is a request and a statement at the peer. */
const EVERY_MS_MIN = 500;
const MISSING_AFTER_MS = 30_000;
const GRACE_MS = 60_000;

/** `token` is the schema that all tokens of ours have. */
export function peerSchema(token: z.ZodType<string, string>) {
  return z
    .strictObject({
      url: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }),
      token,
      every: duration.refine((ms) => ms >= EVERY_MS_MIN, 'must be at least 500ms').optional(),
      missingAfter: duration.optional(),
      grace: duration.refine((ms) => ms <= GRACE_MS_MAX, 'must be at most 5m').optional(),
    })
    .transform((given) => ({
      url: given.url.replace(/\/+$/, ''),
      token: given.token,
      everyMs: given.every ?? EVERY_MS,
      missingAfterMs: given.missingAfter ?? MISSING_AFTER_MS,
      graceMs: given.grace ?? GRACE_MS,
    }));
}
