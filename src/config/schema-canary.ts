/** The sections `canary` and `heartbeat`: a marked signal through the whole chain, and the beat that says it came through. */
import { z } from 'zod';
import { duration } from './duration.ts';
import { name, webAddress } from './schema-common.ts';

/** In place of a connection string: the managed identity of the relay may send. */
export const SEND_BY_IDENTITY = 'identity';

export const CANARY_RECEIVERS = ['azure-monitor', 'event-grid', 'event-hubs'] as const;

const WITHIN_MS = 30_000;
/** A round of canaries is some dozen statements: more often than once a second would be load, not watch. */
const EVERY_MS_MIN = 1_000;

const every = duration.refine((ms) => ms >= EVERY_MS_MIN, 'must be at least 1s').prefault('60s');

export const Canary = z
  .strictObject({
    every: every.describe('Between rounds, at least `1s`.'),
    within: duration
      .optional()
      .describe('A canary that is not back by then is lost; unless set `30s`, or `every` where that is shorter.'),
    receivers: z
      .array(z.enum(CANARY_RECEIVERS))
      .min(1, 'must name at least one receiver')
      .optional()
      .describe('Doors that it enters; unless set both HTTP doors and the hubs that `hubs` names.'),
    source: name.optional().describe('Whose receiver token it carries; unless set the one that stands first.'),
    url: webAddress
      .optional()
      .describe("Address through which it enters, ingress included; unless set the process's own door over loopback."),
    destination: name.optional().describe('Destination in place of the built-in one. Pagers and digests are faults.'),
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
      .default({})
      .describe('By name of the hub: a connection string that may send to it, or `identity`.'),
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
  .strictObject({
    url: webAddress.describe("Address of a dead-man's switch outside; a secret. Anything but 2xx is a failed beat."),
    every: every.describe('Between beats, at least `1s`.'),
    method: z.enum(['GET', 'POST']).default('GET').describe('How it is called.'),
  })
  .transform((given) => ({ url: given.url, everyMs: given.every, method: given.method }));
