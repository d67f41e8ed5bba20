/** A relay in this process, on a footing of choice, and the words to talk to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { adapters, startApp, type App, type AppOptions } from '#src/app.ts';
import { readEnvironment } from '#src/config/env.ts';
import { formatFaults } from '#src/config/fault.ts';
import { loadConfig } from '#src/config/load.ts';
import { createLog } from '#src/log.ts';
import { startTestPostgres, type TestPostgres } from './postgres.ts';
import { redisMissing, startTestRedis, type TestRedis } from './redis.ts';

export const TOKEN = 'test-receiver-token-0001';
export const API_TOKEN = 'test-api-token-00000001';
export const READ_TOKEN = 'test-read-token-0000001';

export type FootingName = 'embedded' | 'postgres' | 'redis';

/** Footings that can run here; those that cannot are named with the reason by the suites that use them. */
export const FOOTINGS: readonly FootingName[] =
  redisMissing() === null ? ['embedded', 'postgres', 'redis'] : ['embedded', 'postgres'];

export interface Stores {
  footing: FootingName;
  /** Environment of a relay on a store that nobody else uses. */
  environment(): Promise<Record<string, string>>;
  redis: TestRedis | null;
  stop(): Promise<void>;
}

/** Opens the stores of a footing; one per test file. */
export async function openStores(footing: FootingName): Promise<Stores> {
  const folders: string[] = [];
  const postgres: TestPostgres | null = footing === 'embedded' ? null : await startTestPostgres();
  const redis = footing === 'redis' ? await startTestRedis() : null;
  return {
    footing,
    redis,
    async environment(): Promise<Record<string, string>> {
      if (!postgres) {
        const dir = mkdtempSync(join(tmpdir(), 'relay-test-'));
        folders.push(dir);
        return { RELAY_DATA_DIR: join(dir, 'data') };
      }
      return { DATABASE_URL: await postgres.freshDatabase(), ...(redis ? { REDIS_URL: redis.url } : {}) };
    },
    async stop() {
      await redis?.stop();
      await postgres?.stop();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  status: number;
  // Answers are asserted on by path; a type per route would only repeat the assertions.
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
  text: string;
  headers: Headers;
}

export interface TestRelay {
  app: App;
  url: string;
  post(body: unknown, path?: string, token?: string): Promise<Answer>;
  get(path: string, options?: { token?: string; accept?: string }): Promise<Answer>;
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** Waits until every delivery of the incident is level and returns them. */
  level(trackingId: string, count: number): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** The usual head of a test config: one receiver token, an operator, a reader, loopback allowed. */
export const CONFIG_HEAD = `receivers: { tokens: [{ source: test, token: ${TOKEN} }] }
api: { tokens: [{ role: operate, name: ops, token: ${API_TOKEN} }, { role: read, name: eyes, token: ${READ_TOKEN} }] }
egress: { allow: [127.0.0.0/8] }
`;

/** Starts a relay; `config` is YAML below {@link CONFIG_HEAD}. */
export async function startRelay(
  stores: Stores,
  config: string,
  environment?: Record<string, string>,
  more: Pick<AppOptions, 'azureTimes'> = {},
): Promise<TestRelay> {
  const variables = environment ?? (await stores.environment());
  const env = readEnvironment({ PORT: '0', LOG_LEVEL: process.env['TEST_LOG'] ?? 'silent', ...variables });
  if (!env.ok) throw new Error(JSON.stringify(env.faults));
  const loaded = loadConfig(CONFIG_HEAD + config, { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults, 'relay.yaml'));
  const { log } = await createLog({ level: env.value.logLevel, pretty: false });
  const app = await startApp({ env: env.value, config: loaded.config, log, ...more });

  async function call(
    method: string,
    path: string,
    body?: unknown,
    token: string = API_TOKEN,
    accept = 'application/json',
  ): Promise<Answer> {
    const response = await fetch(app.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let json: unknown = null;
    try {
      json = JSON.parse(text);
    } catch {
      // not every answer is JSON
    }
    return { status: response.status, json, text, headers: response.headers };
  }

  return {
    app,
    url: app.url,
    call,
    post: (body, path = '/v1/receivers/azure-monitor', token = TOKEN) => call('POST', path, body, token),
    get: (path, { token = READ_TOKEN, accept = 'application/json' } = {}) =>
      call('GET', path, undefined, token, accept),
    async level(trackingId, count) {
      let deliveries: Record<string, unknown>[] = [];
      await expect
        .poll(
          async () => {
            deliveries =
              (await call('GET', `/v1/incidents/${encodeURIComponent(trackingId)}/deliveries`)).json?.deliveries ?? [];
            return deliveries.filter(
              (d) => d['state'] === 'delivered' && d['wantedRevision'] === d['deliveredRevision'],
            ).length;
          },
          { timeout: 15_000, interval: 50 },
        )
        .toBe(count);
      return deliveries;
    },
    stop: () => app.stop(),
  };
}
