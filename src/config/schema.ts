/** The document `relay.yaml` as zod sees it, less the destinations' own keys: those belong to the adapters. */
import { z } from 'zod';
import type { Route } from '#src/core/route.ts';
import { checkRule } from '#src/http/egress.ts';
import { duration } from './duration.ts';
import { Azure, Backfill, EstateSection, Evidence, Owners } from './schema-azure.ts';
import { Canary, Heartbeat } from './schema-canary.ts';
import { Coverage } from './schema-coverage.ts';
import { name } from './schema-common.ts';
import { deadlinesSchema } from './schema-deadlines.ts';
import { Flapping, Sustained } from './schema-damping.ts';
import { matchSchema } from './schema-match.ts';
import { peerSchema } from './schema-peer.ts';
import { ConfigSilence } from './schema-silences.ts';
import type { EntraConfig, EventHubConfig } from './types.ts';

const TOKEN_CHARS_MIN = 16;
const DAY_MS = 86_400_000;

/** Azure's action groups call with this application (azure-signals 5, secure webhook). */
const ACTION_GROUPS_APP_ID = '461e8683-5575-4561-ac7f-899cc907d62a';

const token = z
  .string()
  .min(TOKEN_CHARS_MIN, `must have at least ${TOKEN_CHARS_MIN} characters; make one with: openssl rand -hex 24`)
  .max(512, 'must have at most 512 characters')
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without blanks');

/** PagerDuty makes these itself: some 64 characters. */
const callbackSecret = z.string().min(TOKEN_CHARS_MIN, `must have at least ${TOKEN_CHARS_MIN} characters`).max(512);

const subscription = z
  .string()
  .nullish()
  .transform((id) => (id === null || id === undefined || id === '' ? null : id.toLowerCase()));

/** An http(s) address. */
const webAddress = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

const eventHub = z
  .strictObject({
    name,
    source: name,
    subscription,
    consumerGroup: z.string().min(1).default('$Default'),
    connectionString: z
      .string()
      .regex(/(^|;)\s*Endpoint=/i, 'is not an Event Hubs connection string (Endpoint=sb://...;SharedAccessKeyName=...)')
      .optional(),
    namespace: z
      .string()
      .regex(/^[A-Za-z0-9.-]+$/, 'must be a namespace such as contoso or contoso.servicebus.windows.net')
      .optional(),
    hub: z.string().min(1).optional(),
    maxRecords: z.int().min(100, 'must be at least 100').max(100_000, 'must be at most 100000').default(2000),
  })
  .superRefine((hub, context) => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', message });
    if ((hub.connectionString === undefined) === (hub.namespace === undefined)) {
      fault('needs either connectionString, or namespace and hub for managed identity');
    } else if (hub.hub === undefined && !/;\s*EntityPath=/i.test(hub.connectionString ?? '')) {
      fault('needs hub, the name of the Event Hub: the connection string has no EntityPath');
    }
  })
  .transform((given): EventHubConfig => {
    const namespace = given.namespace ?? null;
    return {
      ...given,
      connectionString: given.connectionString ?? null,
      namespace: namespace === null || namespace.includes('.') ? namespace : `${namespace}.servicebus.windows.net`,
      hub: given.hub ?? null,
    };
  });

const entra = z
  .strictObject({
    tenant: z.string().min(1),
    audience: z.array(z.string().min(1)).min(1, 'must name at least one audience'),
    appId: z.string().default(ACTION_GROUPS_APP_ID),
    role: z.string().min(1).optional(),
    authority: webAddress.default('https://login.microsoftonline.com'),
    source: name.default('entra'),
  })
  .transform((given): EntraConfig => ({
    ...given,
    authority: given.authority.replace(/\/+$/, ''),
    role: given.role ?? null,
  }));

const receivers = z.strictObject({
  tokens: z.array(z.strictObject({ source: name, token, subscription })).default([]),
  eventHubs: z.array(eventHub).default([]),
  eventGrid: z
    .strictObject({ allowSubscriptions: z.array(z.string()).optional(), allowOrigins: z.array(z.string()).optional() })
    .prefault({})
    .transform((given) => ({
      allowSubscriptions: given.allowSubscriptions ?? null,
      allowOrigins: given.allowOrigins ?? null,
    })),
  entra: entra.nullish().transform((given) => given ?? null),
});

const field = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number or true or false' })
  .transform(String);

const route = z
  .strictObject({
    name: z.string().optional(),
    match: matchSchema('write match: {} for a route that takes every incident'),
    to: z.array(z.string(), { error: 'must be a list of destinations' }).min(1, 'must name at least one destination'),
    stop: z.boolean().default(false),
    // A link is never cut in a message: what no vendor takes is refused here.
    runbook: webAddress.max(2000, 'must have at most 2000 characters').optional(),
    note: z.string().max(2000, 'must have at most 2000 characters').optional(),
    fields: z.record(z.string(), field).default({}),
    sustained: Sustained.nullish(),
    flapping: Flapping.nullish(),
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
export const Subscriptions = z.union([
  z
    .string()
    .min(1)
    .regex(/^[^\r\n]*$/, 'must be the path of a CSV file, and not what stands in it'),
  z.strictObject({ file: z.string().min(1) }),
  z.record(
    z.string(),
    z.strictObject({ name: z.string().optional(), team: z.string().optional(), environment: z.string().optional() }),
    { error: 'must be a map of subscription ids, or the path of a CSV file' },
  ),
]);

const egressRule = z.string().superRefine((entry, context) => {
  const message = checkRule(entry);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

/** The whole document; `destinations` and `subscriptions` are looked into by their own readers. */
export const RelayDocument = z.strictObject({
  relayId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be letters, digits, dots, dashes and underscores, at most 63')
    .default('relay'),
  publicUrl: webAddress
    .transform((url) => url.replace(/\/+$/, ''))
    .nullish()
    .transform((url) => url ?? null),
  receivers: receivers.prefault({}),
  api: z
    .strictObject({ tokens: z.array(z.strictObject({ role: z.enum(['read', 'operate']), name, token })).default([]) })
    .prefault({}),
  callbacks: z
    .strictObject({
      pagerduty: z
        .strictObject({ secrets: z.array(callbackSecret).min(1, 'must hold at least one secret') })
        .nullish()
        .transform((given) => given ?? null),
      servicenow: z
        .strictObject({ token })
        .nullish()
        .transform((given) => given ?? null),
    })
    .prefault({}),
  security: z.strictObject({ readers: z.array(name).default(['operate']) }).prefault({}),
  metrics: z.strictObject({ open: z.boolean().default(false) }).prefault({}),
  egress: z.strictObject({ allow: z.array(egressRule).default([]) }).prefault({}),
  subscriptions: z.unknown().optional(),
  azure: Azure.nullish().transform((given) => given ?? null),
  backfill: Backfill.prefault({}),
  estate: EstateSection.prefault({}),
  evidence: Evidence.nullish().transform((given) => given ?? null),
  owners: Owners.optional(),
  retention: z
    .strictObject({ raw: duration.optional(), incidents: duration.optional() })
    .prefault({})
    .transform((given) => ({ rawMs: given.raw ?? 90 * DAY_MS, incidentsMs: given.incidents ?? 400 * DAY_MS })),
  destinations: z.record(z.string(), z.unknown(), { error: 'must be a map of names and destinations' }).default({}),
  routes: z.array(route).default([]),
  default: z.array(z.string()).default([]),
  tests: z
    .string()
    .nullish()
    .transform((name) => name ?? null),
  silences: z.array(ConfigSilence).default([]),
  passThrough: z.boolean().default(false),
  deadlines: deadlinesSchema(token).prefault({}),
  coverage: Coverage.nullish().transform((given) => given ?? null),
  canary: Canary.nullish().transform((given) => given ?? null),
  heartbeat: Heartbeat.nullish().transform((given) => given ?? null),
  peer: peerSchema(token)
    .nullish()
    .transform((given) => given ?? null),
});
