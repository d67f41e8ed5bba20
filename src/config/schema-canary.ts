/** The sections `canary` and `heartbeat`: a marked signal through the whole chain, and the beat that says it came through. */
import { z } from 'zod';
import { duration } from './duration.ts';
import { name } from './schema-common.ts';

/** In place of a connection string: the managed identity of the relay may send. */
export const SEND_BY_IDENTITY = 'identity';

export const CANARY_RECEIVERS = ['azure-monitor', 'event-grid', 'event-hubs'] as const;

const EVERY_MS = 60_000;
const WITHIN_MS = 30_000;
/** A round of canaries is some dozen statements: more often than once a second would be load, not watch. */
const EVERY_MS_MIN = 1_000;

const every = duration
  .refine((ms) => ms >= EVERY_MS_MIN, 'must be at least 1s')
  .optional()
  .transform((ms) => ms ?? EVERY_MS);

const webAddress = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

export const Canary = z
  .strictObject({
    every,
    within: duration.optional(),
    receivers: z.array(z.enum(CANARY_RECEIVERS)).min(1, 'must name at least one receiver').optional(),
    source: name.optional(),
    url: webAddress.optional(),
    destination: name.optional(),
    hubs: z
      .record(
        z.string(),
        z
          .string()
          .regex(
            new RegExp(`^${SEND_BY_IDENTITY}$|(^|;)\\s*Endpoint=`, 'i'),
            `is neither ${SEND_BY_IDENTITY} nor an Event Hubs connection string (Endpoint=sb://...;SharedAccessKeyName=...)`,
          ),
        { error: 'must be a map of hubs and connection strings that may send' },
      )
      .default({}),
  })
  .transform((given) => ({
    everyMs: given.every,
    withinMs: given.within ?? Math.min(WITHIN_MS, given.every),
    receivers: given.receivers ?? null,
    source: given.source ?? null,
    url: given.url?.replace(/\/+$/, '') ?? null,
    destination: given.destination ?? null,
    hubs: given.hubs,
  }));

export const Heartbeat = z
  .strictObject({ url: webAddress, every, method: z.enum(['GET', 'POST']).default('GET') })
  .transform((given) => ({ url: given.url, everyMs: given.every, method: given.method }));
