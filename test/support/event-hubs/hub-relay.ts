/** A relay that reads local hubs, with short times, and a webhook receiver that hears what it tells. */
import { expect } from 'vitest';
import type { App } from '#src/app.ts';
import type { HubState } from '#src/receivers/event-hubs/hub-receiver.ts';
import type { HubTuning } from '#src/receivers/event-hubs/tuning.ts';
import { TOKEN } from '../relay.ts';
import type { WebhookServer } from '../vendors/webhook.ts';
import { getFrom, startWithReceivers } from './start.ts';

/** Times that a test can wait for. */
export const FAST: Partial<HubTuning> = {
  updateIntervalMs: 200,
  renewMs: 300,
  ownershipExpiryMs: 1500,
  maxWaitS: 0.2,
  watchMs: 200,
  stallMs: 1500,
  closeMs: 1500,
  retryMs: [50, 400],
  reconnectMs: [100, 400],
  sdkRetry: { maxRetries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 200, timeoutInMs: 3000 },
};

export const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

export interface HubRelayOptions {
  databaseUrl: string;
  /** Connection strings by the name of the hub in the config. */
  hubs: Record<string, string>;
  hook: WebhookServer;
  maxRecords?: number;
  tuning?: Partial<HubTuning>;
}

export interface HubRelay {
  app: App;
  /** JSON of an API answer. */
  // Answers are asserted on by path.
  // oxlint-disable-next-line typescript/no-explicit-any
  get(path: string): Promise<any>;
  post(body: unknown): Promise<void>;
  hub(name: string): Promise<HubState>;
  /** Waits until nothing is left to read in a hub. */
  level(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** One destination that hears everything. */
export function hookConfig(hook: WebhookServer): string {
  return `destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms, 200ms] } }
routes: [{ match: {}, to: [hook] }]
`;
}

/** Starts a relay with one webhook destination and the given hubs. */
export async function startHubRelay(options: HubRelayOptions): Promise<HubRelay> {
  const hubs = Object.entries(options.hubs).map(
    ([name, connectionString]) =>
      `{ name: ${name}, source: ${name}, connectionString: "${connectionString}", maxRecords: ${options.maxRecords ?? 600} }`,
  );
  const app = await startWithReceivers({
    databaseUrl: options.databaseUrl,
    receivers: `eventHubs: [${hubs.join(', ')}]`,
    config: hookConfig(options.hook),
    tuning: { ...FAST, ...options.tuning },
  });
  const get: HubRelay['get'] = (path) => getFrom(app, path);

  async function hub(name: string): Promise<HubState> {
    const { sources } = (await get('/v1/sources')) as { sources: { hubs: HubState[] }[] };
    return sources.flatMap((source) => source.hubs).find((one) => one.name === name)!;
  }

  return {
    app,
    get,
    hub,
    async post(body) {
      const response = await fetch(`${app.url}/v1/receivers/azure-monitor`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(202);
    },
    async level(name) {
      await expect
        .poll(async () => (await hub(name)).partitions.map((one) => one.lag), { timeout: 20_000, interval: 50 })
        .toSatisfy((lags: number[]) => lags.length > 0 && lags.every((lag) => lag === 0));
    },
    stop: () => app.stop(),
  };
}
