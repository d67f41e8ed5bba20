/** A ServiceNow stand-in and one delivery towards it, for the unit tests of the adapter. */
import { onTestFinished } from 'vitest';
import { servicenow } from '#adapters/servicenow/index.ts';
import { serviceNowSettings, type ServiceNowSettings } from '#adapters/servicenow/settings.ts';
import type { DeliverContext, Memo, Outcome } from '#src/core/adapter.ts';
import { makeContext, makeStep } from '#test/support/steps.ts';
import { SERVICENOW_CREDENTIALS, ServiceNowServer, type ServiceNowOptions } from '#test/support/vendors/servicenow.ts';

const { username, password } = SERVICENOW_CREDENTIALS;

export type StepOverrides = Parameters<typeof makeStep>[0];
type ContextOverrides = Partial<Omit<DeliverContext<ServiceNowSettings>, 'settings'>>;

export interface Harness {
  server: ServiceNowServer;
  settings: ServiceNowSettings;
  /** What the delivery remembers; each outcome that has a memo replaces it. */
  memo: Memo;
  deliver: (step?: StepOverrides, context?: ContextOverrides) => Promise<Outcome>;
  /** Bodies of the writes to the incident table so far, oldest first. */
  writes: () => { method: string; values: Record<string, string> }[];
  context: (overrides?: ContextOverrides) => DeliverContext<ServiceNowSettings>;
}

/** Starts a stand-in that stops with the test. `settings` are merged over a valid destination with basic auth. */
export async function startServiceNow(
  settings: Record<string, unknown> = {},
  options: ServiceNowOptions = {},
): Promise<Harness> {
  const server = await new ServiceNowServer(options).start();
  onTestFinished(() => server.stop());
  const harness: Harness = {
    server,
    settings: serviceNowSettings.parse({
      mode: 'incident',
      instanceUrl: `${server.url}/`,
      auth: { type: 'basic', username, password },
      ...settings,
    }),
    memo: {},
    async deliver(step = {}, context = {}) {
      const outcome = await servicenow.deliver(makeStep(step), harness.context(context));
      harness.memo = outcome.memo ?? harness.memo;
      return outcome;
    },
    writes: () =>
      server.requests
        .filter(({ method, path }) => method !== 'GET' && path.startsWith('/api/now/table/incident'))
        .map(({ method, body }) => ({ method, values: JSON.parse(body) as Record<string, string> })),
    context: (overrides = {}) => makeContext({ settings: harness.settings, memo: harness.memo, ...overrides }),
  };
  return harness;
}

export const RESOLVED: StepOverrides = {
  action: 'resolve',
  covers: [3, 3],
  opened: true,
  told: true,
  incident: { revision: 3, state: 'resolved', stage: 'Resolved', resolvedAt: '2026-11-23T10:40:00.000Z' },
};

export const UPDATED: StepOverrides = {
  action: 'update',
  covers: [2, 2],
  opened: true,
  told: true,
  incident: { revision: 2 },
  changes: ['Impact now includes North Europe.'],
};

export const ROOT_CAUSE: StepOverrides = {
  action: 'note',
  covers: [4, 4],
  told: true,
  incident: { revision: 4, state: 'resolved', stage: 'RCA' },
};
