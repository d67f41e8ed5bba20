/** The sections that read Azure: `azure`, `backfill`, `estate`, `evidence`, `owners` (design 3.7, section 4). */
import { z } from 'zod';
import { duration } from './duration.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CALLS_MAX = 2000;
const ARM_URL = 'https://management.azure.com';

const subscriptionId = z
  .string()
  .min(1)
  .transform((id) => id.toLowerCase());

export const Azure = z
  .strictObject({
    tenant: z.string().min(1).optional(),
    subscriptions: z
      .union([z.literal('all'), z.array(subscriptionId).min(1, 'must name at least one subscription, or be: all')])
      .default('all'),
    armUrl: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).default(ARM_URL),
    clientId: z.string().min(1).optional(),
    accessToken: z.string().min(1).optional(),
    maxCalls: z.int().min(10, 'must be at least 10').max(100_000, 'must be at most 100000').default(CALLS_MAX),
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
const logsUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).default(LOGS_URL);
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
      .max(20, 'must name at most 20 workspaces'),
    maxCalls: z.int().min(1, 'must be at least 1').max(1000, 'must be at most 1000').default(ACTIVITY_LOG_CALLS_MAX),
    logsUrl,
    logsScope: z.string().min(1).optional(),
  })
  .transform((given) => ({
    workspaces: [...new Set(given.workspaces)],
    callsMax: given.maxCalls,
    ...logsTarget(given),
  }));

export const Backfill = z
  .strictObject({
    enabled: z.boolean().default(true),
    every: duration.optional(),
    lookback: duration.optional(),
    grace: duration.optional(),
    activityLog: ActivityLog.nullish(),
  })
  .transform((given) => ({
    enabled: given.enabled,
    everyMs: given.every ?? 5 * MINUTE_MS,
    lookbackMs: given.lookback ?? HOUR_MS,
    graceMs: given.grace ?? 5 * MINUTE_MS,
    activityLog: given.activityLog ?? null,
  }));

export const EstateSection = z
  .strictObject({
    every: duration.optional(),
    file: z.string().min(1).optional(),
    staleAfter: duration.optional(),
    enabled: z.boolean().default(true),
  })
  .transform((given) => ({
    enabled: given.enabled,
    file: given.file ?? null,
    everyMs: given.every ?? HOUR_MS,
    // A file that somebody keeps by hand is as good as its keeper: it grows stale only where the config says so.
    staleAfterMs: given.staleAfter ?? (given.file === undefined ? 24 * HOUR_MS : null),
  }));

/** Addresses and audiences of the public cloud (azure-local 3). */
const METRICS_URL = 'https://{region}.metrics.monitor.azure.com';
const METRICS_SCOPE = 'https://metrics.monitor.azure.com/.default';
const EVIDENCE_CALLS_MAX = 200;

export const Evidence = z
  .strictObject({
    metrics: z.boolean().default(true),
    workspaces: z.array(workspace).max(20, 'must name at most 20 workspaces').default([]),
    every: duration.optional(),
    maxCalls: z.int().min(5, 'must be at least 5').max(10_000, 'must be at most 10000').default(EVIDENCE_CALLS_MAX),
    metricsUrl: z
      .string()
      .regex(/^https?:\/\/\S+$/, 'must be an http or https address; {region} stands for the region of a resource')
      .default(METRICS_URL),
    metricsScope: z.string().min(1).default(METRICS_SCOPE),
    logsUrl,
    logsScope: z.string().min(1).optional(),
  })
  .superRefine((given, context) => {
    if (!given.metrics && given.workspaces.length === 0)
      context.addIssue({ code: 'custom', message: 'asks nothing: turn metrics on, or name workspaces' });
  })
  .transform((given) => ({
    metrics: given.metrics,
    workspaces: [...new Set(given.workspaces)],
    everyMs: given.every ?? 5 * MINUTE_MS,
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
  tag: z.string().min(1).optional(),
  file: z.string().min(1).optional(),
  destinations: z.record(z.string(), names, { error: 'must be a map of owners and destinations' }).default({}),
  default: z.array(z.string()).default([]),
});
