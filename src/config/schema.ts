/** The document `relay.yaml` as zod sees it, less the destinations' own keys: those belong to the adapters. */
import { z } from 'zod';
import type { Route } from '#src/core/route.ts';
import { checkRule } from '#src/http/egress.ts';
import { duration } from './duration.ts';
import { Azure, Backfill, EstateSection, Evidence, Owners } from './schema-azure.ts';
import { Canary, Heartbeat } from './schema-canary.ts';
import { Coverage } from './schema-coverage.ts';
import { callbackSecret, name, token, webAddress } from './schema-common.ts';
import { Deadlines } from './schema-deadlines.ts';
import { Flapping, Sustained } from './schema-damping.ts';
import { matchSchema } from './schema-match.ts';
import { Peer } from './schema-peer.ts';
import { Receivers } from './schema-receivers.ts';
import { ConfigSilence } from './schema-silences.ts';

const field = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number or true or false' })
  .transform(String);

const route = z
  .strictObject({
    name: z.string().optional().describe('Shown in explanations.'),
    match: matchSchema('write match: {} for a route that takes every incident').describe(
      'What an incident must be; all keys must hold, a list is "any of", `{}` takes everything.',
    ),
    to: z
      .array(z.string(), { error: 'must be a list of destinations' })
      .min(1, 'must name at least one destination')
      .describe('Names of destinations; `owners`: those of the owners of what is hit.'),
    stop: z.boolean().default(false).describe('`true`: later routes are not asked when this one takes the incident.'),
    // A link is never cut in a message: what no vendor takes is refused here.
    runbook: webAddress
      .max(2000, 'must have at most 2000 characters')
      .optional()
      .describe('Link that goes with every message.'),
    note: z
      .string()
      .max(2000, 'must have at most 2000 characters')
      .optional()
      .describe('Text that goes with every message.'),
    fields: z.record(z.string(), field).default({}).describe('Extra fields for adapters that take some.'),
    sustained: Sustained.nullish().describe(
      'Own alerts and resources must last before they are told, such as `3 of 5 in 10m`.',
    ),
    flapping: Flapping.nullish().describe('Own alerts and resources that flap are told once.'),
  })
  .transform((given): Route => ({
    ...given,
    name: given.name ?? null,
    runbook: given.runbook ?? null,
    note: given.note ?? null,
    sustained: given.sustained ?? null,
    flapping: given.flapping ?? null,
  }));

/** Subscriptions by id, or a CSV file with the header `id,name,team,environment`: its path, also as `{ file }`. */
export const Subscriptions = z
  .union([
    z
      .string()
      .min(1)
      .regex(/^[^\r\n]*$/, 'must be the path of a CSV file, and not what stands in it'),
    z.strictObject({
      file: z.string().min(1).describe('Path of a CSV file with the header `id,name,team,environment`.'),
    }),
    z.record(
      z.string(),
      z.strictObject({
        name: z.string().optional().describe('Used in messages and matches.'),
        team: z.string().optional().describe('Used in matches.'),
        environment: z.string().optional().describe('Used in matches.'),
      }),
      { error: 'must be a map of subscription ids, or the path of a CSV file' },
    ),
  ])
  .describe('Names, teams and environments by subscription id, or the path of a CSV file.');

const egressRule = z.string().superRefine((entry, context) => {
  const message = checkRule(entry);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

/** A section that is off where it is left out. */
function orNull<T extends z.ZodType>(section: T) {
  return section.nullish().transform((given) => given ?? null);
}

const apiToken = z.strictObject({
  role: z.enum(['read', 'operate']).describe('`operate` includes `read`.'),
  name: name.describe('Who it is; stands on the timeline beside what was done.'),
  token: token.describe('What the caller sends as `Authorization: Bearer`; printable ASCII, no blanks.'),
});

const Callbacks = z.strictObject({
  pagerduty: orNull(
    z.strictObject({
      secrets: z
        .array(callbackSecret)
        .min(1, 'must hold at least one secret')
        .describe("Signing secrets of PagerDuty's webhook subscriptions (V3); any of them may have signed."),
    }),
  ).describe('PagerDuty tells who acknowledged.'),
  servicenow: orNull(
    z.strictObject({ token: token.describe('What ServiceNow sends as `Authorization: Bearer`.') }),
  ).describe('ServiceNow tells who acknowledged.'),
});

const Retention = z
  .strictObject({
    raw: duration.prefault('90d').describe('Bodies of signals as they came; what was read from them stays.'),
    incidents: duration
      .prefault('400d')
      .describe(
        'Timeline, scope and deliveries of incidents that are over, and what vendors called back; a bare row of each stays.',
      ),
  })
  .transform((given) => ({ rawMs: given.raw, incidentsMs: given.incidents }));

/** The whole document; `destinations` and `subscriptions` are looked into by their own readers. */
export const RelayDocument = z.strictObject({
  relayId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be letters, digits, dots, dashes and underscores, at most 63')
    .default('relay')
    .describe('Part of every vendor key: one for each relay, but the same for two that are `peer` of each other.'),
  publicUrl: orNull(webAddress)
    .transform((url) => url?.replace(/\/+$/, '') ?? null)
    .describe('Where people reach the pages; base of the links in messages.'),
  receivers: Receivers.prefault({}).describe('Who may send, and by which door.'),
  api: z
    .strictObject({
      tokens: z.array(apiToken).default([]).describe('Who may read and operate; without any only this machine may.'),
    })
    .prefault({})
    .describe('Who may use the API and the pages.'),
  callbacks: Callbacks.prefault({}).describe('Vendors that call back.'),
  security: z
    .strictObject({
      readers: z
        .array(name)
        .default(['operate'])
        .describe('Who may read security posts in full: roles (`read`, `operate`) or names of API tokens.'),
    })
    .prefault({})
    .describe('Need-to-know for security posts; everybody else sees title and scope.'),
  metrics: z
    .strictObject({ open: z.boolean().default(false).describe('`true`: `/metrics` without a token.') })
    .prefault({})
    .describe('Who may scrape.'),
  egress: z
    .strictObject({
      allow: z
        .array(egressRule)
        .default([])
        .describe('Networks (`10.1.0.0/16`) and host names that may be private, loopback, link-local or plain http.'),
    })
    .prefault({})
    .describe('What the relay may call beside the public internet over TLS.'),
  // Both are looked into by readers of their own; the JSON Schema puts in what those take.
  subscriptions: z.unknown().optional(),
  azure: orNull(Azure).describe('Without it Azure is never asked; `{}` is enough with a managed identity.'),
  backfill: Backfill.prefault({}).describe('What push could not deliver is fetched; with `azure` only.'),
  estate: EstateSection.prefault({}).describe('Which resources are ours; with `azure` or a file only.'),
  evidence: orNull(Evidence).describe(
    'Did it hit us? Metrics and logs; without it they are not asked, `{}` asks metrics.',
  ),
  owners: Owners.optional().describe('Whom `to: [owners]` means.'),
  retention: Retention.prefault({}).describe('How long what is over is kept.'),
  destinations: z
    .record(z.string(), z.unknown(), { error: 'must be a map of names and destinations' })
    .default({})
    .describe('Who can be told: name, `type` and the keys of its adapter.'),
  routes: z.array(route).default([]).describe('Who is told of what; every route that matches applies.'),
  default: z
    .array(z.string())
    .default([])
    .describe('Destinations of an incident that no route takes; without any, all that are not retired.'),
  tests: orNull(z.string()).describe("Destination of the portal's test notifications."),
  silences: z.array(ConfigSilence).default([]).describe('Windows in which routes keep quiet.'),
  passThrough: z
    .boolean()
    .default(false)
    .describe(
      '`true` turns off all that can hold a notification back: held-back alerts, silences, `sustained`, `flapping`, `standby`, `latest`, `digest`, `rate`.',
    ),
  deadlines: Deadlines.prefault({}).describe('Retirements and maintenance: reminders and the calendar.'),
  coverage: orNull(Coverage).describe(
    'Which subscriptions reach the relay; without it nobody looks. Needs `azure`, and `publicUrl`, `addresses` or an Event Hub.',
  ),
  canary: orNull(Canary).describe('A marked signal through the whole chain and back; `{}` takes all defaults.'),
  heartbeat: orNull(Heartbeat).describe('A call outside while all is well; needs `canary`.'),
  peer: orNull(Peer).describe('The relay of the same `relayId` in another region.'),
});
