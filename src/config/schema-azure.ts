/** The sections that read Azure: `azure`, `backfill`, `estate`, `evidence`, `owners` (design 3.7, section 4). */
import { z } from 'zod';
import { duration } from './duration.ts';

import { webAddress } from './schema-common.ts';

const HOUR_MS = 3_600_000;
const CALLS_MAX = 2000;
const ARM_URL = 'https://management.azure.com';

const subscriptionId = z
  .string()
  .min(1)
  .transform((id) => id.toLowerCase());

export const Azure = z
  .strictObject({
    tenant: z.string().min(1).optional().describe('Tenant of the identity, where that is not plain.'),
    subscriptions: z
      .union([z.literal('all'), z.array(subscriptionId).min(1, 'must name at least one subscription, or be: all')])
      .prefault('all')
      .describe('`all`: those that the identity can see; or a list of ids.'),
    armUrl: webAddress.default(ARM_URL).describe('Azure Resource Manager of another cloud, or a stand-in.'),
    clientId: z.string().min(1).optional().describe('Client id of a user-assigned managed identity.'),
    accessToken: z
      .string()
      .min(1)
      .optional()
      .describe('A token in place of an identity, for a try-out of an hour: `az account get-access-token`.'),
    maxCalls: z
      .int()
      .min(10, 'must be at least 10')
      .max(100_000, 'must be at most 100000')
      .default(CALLS_MAX)
      .describe('Calls of one round of back-fill; what is left comes in the next.'),
  })
  .transform((given) => ({
    tenant: given.tenant ?? null,
    subscriptions: given.subscriptions,
    armUrl: given.armUrl.replace(/\/+$/, ''),
    clientId: given.clientId ?? null,
    accessToken: given.accessToken ?? null,
    callsMax: given.maxCalls,
  }));

const workspace = z
  .string()
  .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be the id of a Log Analytics workspace, a GUID')
  .transform((id) => id.toLowerCase());

/** Of the public cloud (azure-local 3). */
const LOGS_URL = 'https://api.loganalytics.io';
const logsUrl = webAddress.default(LOGS_URL).describe('Log Analytics of another cloud, or a stand-in.');
const logsScope = z
  .string()
  .min(1)
  .optional()
  .describe('What the token for logs is asked for; unless set `logsUrl` and `/.default`.');
const ACTIVITY_LOG_CALLS_MAX = 20;

/** Where the log API is, and what its token is asked for. */
function logsTarget(given: { logsUrl: string; logsScope?: string | undefined }): {
  logsUrl: string;
  logsScope: string;
} {
  const url = given.logsUrl.replace(/\/+$/, '');
  return { logsUrl: url, logsScope: given.logsScope ?? `${url}/.default` };
}

const ActivityLog = z
  .strictObject({
    workspaces: z
      .array(workspace)
      .min(1, 'must name at least one workspace')
      .max(20, 'must name at most 20 workspaces')
      .describe('Ids of the Log Analytics workspaces to which the activity logs go.'),
    maxCalls: z
      .int()
      .min(1, 'must be at least 1')
      .max(1000, 'must be at most 1000')
      .default(ACTIVITY_LOG_CALLS_MAX)
      .describe('Calls of one round, beside `azure.maxCalls`; each brings 200 communications.'),
    logsUrl,
    logsScope,
  })
  .transform((given) => ({
    workspaces: [...new Set(given.workspaces)],
    callsMax: given.maxCalls,
    ...logsTarget(given),
  }));

export const Backfill = z
  .strictObject({
    enabled: z.boolean().default(true).describe('`false`: nothing is fetched.'),
    every: duration.prefault('5m').describe('Between rounds.'),
    lookback: duration.prefault('1h').describe('How far before the last whole round the next one looks.'),
    grace: duration.prefault('5m').describe('Younger posts may still come by push, and are left to it.'),
    activityLog: ActivityLog.nullish().describe(
      'Asks the activity log in Log Analytics as well; without it that is not asked.',
    ),
  })
  .transform((given) => ({
    enabled: given.enabled,
    everyMs: given.every,
    lookbackMs: given.lookback,
    graceMs: given.grace,
    activityLog: given.activityLog ?? null,
  }));

export const EstateSection = z
  .strictObject({
    every: duration.prefault('1h').describe('Between readings of Resource Graph.'),
    file: z.string().min(1).optional().describe('Path of a JSON file in place of Resource Graph.'),
    staleAfter: duration
      .optional()
      .describe('Older knowledge decides nothing; unless set `24h`, and never for a file.'),
    enabled: z.boolean().default(true).describe('`false`: no estate is read.'),
  })
  .transform((given) => ({
    enabled: given.enabled,
    file: given.file ?? null,
    everyMs: given.every,
    // A file that somebody keeps by hand is as good as its keeper: it grows stale only where the config says so.
    staleAfterMs: given.staleAfter ?? (given.file === undefined ? 24 * HOUR_MS : null),
  }));

/** Addresses and audiences of the public cloud (azure-local 3). */
const METRICS_URL = 'https://{region}.metrics.monitor.azure.com';
const METRICS_SCOPE = 'https://metrics.monitor.azure.com/.default';
const EVIDENCE_CALLS_MAX = 200;

export const Evidence = z
  .strictObject({
    metrics: z.boolean().default(true).describe('Pulls, pushes and nodes by platform metrics.'),
    workspaces: z
      .array(workspace)
      .max(20, 'must name at most 20 workspaces')
      .default([])
      .describe('Ids of Log Analytics workspaces that hold logs of registries and clusters.'),
    every: duration.prefault('5m').describe('Between looks at an active incident.'),
    maxCalls: z
      .int()
      .min(5, 'must be at least 5')
      .max(10_000, 'must be at most 10000')
      .default(EVIDENCE_CALLS_MAX)
      .describe('Calls of one round of looks.'),
    metricsUrl: z
      .string()
      .regex(/^https?:\/\/\S+$/, 'must be an http or https address; {region} stands for the region of a resource')
      .default(METRICS_URL)
      .describe('Metrics of another cloud, or a stand-in; `{region}` is that of the resource.'),
    metricsScope: z.string().min(1).default(METRICS_SCOPE).describe('What the token for metrics is asked for.'),
    logsUrl,
    logsScope,
  })
  .superRefine((given, context) => {
    if (!given.metrics && given.workspaces.length === 0)
      context.addIssue({ code: 'custom', message: 'asks nothing: turn metrics on, or name workspaces' });
  })
  .transform((given) => ({
    metrics: given.metrics,
    workspaces: [...new Set(given.workspaces)],
    everyMs: given.every,
    callsMax: given.maxCalls,
    metricsUrl: given.metricsUrl.replace(/\/+$/, ''),
    metricsScope: given.metricsScope,
    ...logsTarget(given),
  }));

const names = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], { error: 'must be a destination or a list of them' })
  .transform((given): readonly string[] => [given].flat());

/** `file` is read beside the config: see config/owners.ts. */
export const Owners = z.strictObject({
  tag: z.string().min(1).optional().describe('Tag whose value is the owner, on the resource or its subscription.'),
  file: z
    .string()
    .min(1)
    .optional()
    .describe('Path of a CSV file `scope,owner`; scope is a subscription id or a resource id.'),
  destinations: z
    .record(z.string(), names, { error: 'must be a map of owners and destinations' })
    .default({})
    .describe('Destinations by owner; an owner that is not here may be the name of a destination.'),
  default: z.array(z.string()).default([]).describe('Destinations for resources whose owner is unknown.'),
});
