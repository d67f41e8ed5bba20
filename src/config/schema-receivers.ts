/** The section `receivers`: who may send, and by which door. */
import { z } from 'zod';
import { name, token, webAddress } from './schema-common.ts';
import type { EntraConfig, EventHubConfig } from './types.ts';

/** Azure's action groups call with this application (azure-signals 5, secure webhook). */
const ACTION_GROUPS_APP_ID = '461e8683-5575-4561-ac7f-899cc907d62a';

const subscription = z
  .string()
  .nullish()
  .transform((id) => (id === null || id === undefined || id === '' ? null : id.toLowerCase()))
  .describe('Id of the subscription that is assumed where a message names none.');

const eventHub = z
  .strictObject({
    name: name.describe('Name of this hub in logs, metrics and `/readyz`.'),
    source: name.describe('Name of the sender in matches, metrics and on the timeline.'),
    subscription,
    consumerGroup: z.string().min(1).default('$Default').describe('Give the relay one of its own.'),
    connectionString: z
      .string()
      .regex(/(^|;)\s*Endpoint=/i, 'is not an Event Hubs connection string (Endpoint=sb://...;SharedAccessKeyName=...)')
      .optional()
      .describe('A secret that may listen: `Endpoint=sb://...`. Either this, or `namespace` and `hub`.'),
    namespace: z
      .string()
      .regex(/^[A-Za-z0-9.-]+$/, 'must be a namespace such as contoso or contoso.servicebus.windows.net')
      .optional()
      .describe('Read by managed identity; short (`contoso`) or the full host name.'),
    hub: z
      .string()
      .min(1)
      .optional()
      .describe('Name of the Event Hub. Needed with `namespace`, and where the connection string has no `EntityPath`.'),
    maxRecords: z
      .int()
      .min(100, 'must be at least 100')
      .max(100_000, 'must be at most 100000')
      .default(2000)
      .describe('Events of this hub in memory at any time, over all its partitions; at least three per partition.'),
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
    tenant: z.string().min(1).describe('Id of the tenant that issues the tokens.'),
    audience: z
      .array(z.string().min(1))
      .min(1, 'must name at least one audience')
      .describe('Audiences of which a token must have one, such as `api://<client id>`.'),
    appId: z
      .string()
      .default(ACTION_GROUPS_APP_ID)
      .describe("Application that may call; unless set that of Azure's action groups."),
    role: z.string().min(1).optional().describe('App role that the token must carry; without it none is asked for.'),
    authority: webAddress
      .default('https://login.microsoftonline.com')
      .describe('Who signs the tokens, in another cloud.'),
    source: name.default('entra').describe('Name of the sender in matches, metrics and on the timeline.'),
  })
  .transform((given): EntraConfig => ({
    ...given,
    authority: given.authority.replace(/\/+$/, ''),
    role: given.role ?? null,
  }));

const eventGrid = z
  .strictObject({
    allowSubscriptions: z
      .array(z.string())
      .optional()
      .describe('Event subscriptions whose handshake is answered; left out: any that holds a token.'),
    allowOrigins: z
      .array(z.string())
      .optional()
      .describe('Origins whose CloudEvents handshake is answered; left out: any that holds a token.'),
  })
  .prefault({})
  .transform((given) => ({
    allowSubscriptions: given.allowSubscriptions ?? null,
    allowOrigins: given.allowOrigins ?? null,
  }));

const callerToken = z.strictObject({
  source: name.describe('Name of the sender; several tokens may share one while one replaces the other.'),
  token: token.describe('What the caller sends as `?token=` or `Authorization: Bearer`; printable ASCII, no blanks.'),
  subscription,
});

export const Receivers = z.strictObject({
  tokens: z
    .array(callerToken)
    .default([])
    .describe('Who may post; a token may stand only once, and never for a receiver and the API both.'),
  eventHubs: z.array(eventHub).default([]).describe('Hubs that the relay reads.'),
  eventGrid: eventGrid.describe('Whose handshakes of Event Grid are answered.'),
  entra: entra
    .nullish()
    .transform((given) => given ?? null)
    .describe('Secure webhooks: action groups that sign in with Microsoft Entra.'),
});
