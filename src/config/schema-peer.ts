/** The section `peer`: the relay of the same `relayId` in another region, for whose sake standby destinations keep quiet. */
import { z } from 'zod';
import { GRACE_MS_MAX } from '#src/core/standby.ts';
import { duration } from './duration.ts';
import { token, webAddress } from './schema-common.ts';

/** Each look is a request and a statement at the peer. */
const EVERY_MS_MIN = 500;

export const Peer = z
  .strictObject({
    url: webAddress.describe('Address of the peer.'),
    token: token.describe('Token of role `read` in the `api.tokens` of the peer.'),
    every: duration
      .refine((ms) => ms >= EVERY_MS_MIN, 'must be at least 500ms')
      .prefault('5s')
      .describe('Between two looks, at least `500ms`.'),
    missingAfter: duration.prefault('30s').describe('Silence after which the peer counts as missing.'),
    grace: duration
      .refine((ms) => ms <= GRACE_MS_MAX, 'must be at most 5m')
      .prefault('60s')
      .describe('So long the living peer may take to tell before we do, at most `5m`.'),
  })
  .transform((given) => ({
    url: given.url.replace(/\/+$/, ''),
    token: given.token,
    everyMs: given.every,
    missingAfterMs: given.missingAfter,
    graceMs: given.grace,
  }));
