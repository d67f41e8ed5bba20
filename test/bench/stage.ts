/** Stores and a relay for a benchmark, all of its own and with fsync on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '#src/db/embedded/server.ts';
import { ownPort } from '#test/support/own-port.ts';
import { redisMissing, startTestRedis } from '#test/support/redis.ts';
import { startPart, startRelayProcess, type Child } from './processes.ts';

export interface Stage {
  footing: 'redis' | 'embedded';
  url: string;
  /** Path of the receiver, with the token. */
  path: string;
  relay: Child;
  sink: {
    url: string;
    counts(): Promise<SinkCounts>;
    times(): Promise<Record<string, number>>;
    reset(): Promise<void>;
  };
  databaseUrl: string | null;
  postgresPid: number | null;
  folder: string;
  stop(): Promise<void>;
}

export interface SinkCounts {
  count: number;
  keys: number;
  pages: number;
  first: number;
  last: number;
}

const TOKEN = 'bench-receiver-token-0001';
export const API_TOKEN = 'bench-api-token-000000001';
export const RECEIVER_PATH = `/v1/receivers/azure-monitor?token=${TOKEN}`;

/** Writes the config into the folder and returns its path. */
export function benchConfig(
  folder: string,
  { sinkUrl, pager = false, hub = null }: { sinkUrl: string; pager?: boolean; hub?: string | null },
): string {
  const config = join(folder, 'relay.yaml');
  const hubs = hub ? `, eventHubs: [{ name: activity, source: hub, connectionString: "${hub}" }]` : '';
  const oncall = `  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${sinkUrl}" }\n`;
  writeFileSync(
    config,
    `receivers: { tokens: [{ source: bench, token: ${TOKEN} }]${hubs} }
api: { tokens: [{ role: operate, name: ops, token: ${API_TOKEN} }] }
egress: { allow: [127.0.0.0/8] }
destinations:
  hook: { type: webhook, url: "${sinkUrl}/hook", secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", concurrency: 64 }
${pager ? oncall : ''}routes:
  - match: {}
    to: [hook${pager ? ', oncall' : ''}]
`,
  );
  return config;
}

/** Starts everything; `pager` adds a PagerDuty destination for outages, `hub` an Event Hub to read. */
export async function openStage({
  footing,
  pager = false,
  hub = null,
}: {
  footing: 'redis' | 'embedded';
  pager?: boolean;
  /** Connection string of a hub to read. */
  hub?: string | null;
}): Promise<Stage> {
  if (footing === 'redis' && redisMissing() !== null) throw new Error(redisMissing()!);
  const folder = mkdtempSync(join(tmpdir(), 'relay-bench-'));
  const sink = await startPart('sink');
  const sinkUrl = `http://127.0.0.1:${String(sink.ready['port'])}`;
  const config = benchConfig(folder, { sinkUrl, pager, hub });
  const postgres = footing === 'redis' ? await startEmbedded({ dataDir: join(folder, 'postgres') }) : null;
  const redis = footing === 'redis' ? await startTestRedis() : null;
  const port = await ownPort();
  const relay = await startRelayProcess({
    PORT: String(port),
    RELAY_CONFIG: config,
    RELAY_DATA_DIR: join(folder, 'data'),
    ...(postgres ? { DATABASE_URL: postgres.url } : {}),
    ...(redis ? { REDIS_URL: redis.url } : {}),
  });
  const ask = async <T>(path: string): Promise<T> => (await fetch(sinkUrl + path)).json() as Promise<T>;
  return {
    footing,
    url: `http://127.0.0.1:${port}`,
    path: RECEIVER_PATH,
    relay,
    sink: {
      url: sinkUrl,
      counts: () => ask<SinkCounts>('/'),
      times: () => ask<Record<string, number>>('/times'),
      reset: async () => void (await fetch(`${sinkUrl}/reset`, { method: 'POST' })),
    },
    databaseUrl: postgres?.url ?? null,
    postgresPid: postgres?.pid ?? null,
    folder,
    async stop() {
      await relay.stop();
      await sink.stop();
      await redis?.stop();
      await postgres?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the sink has seen so many keys; false when nothing moves for ten seconds. */
export async function waitForKeys(stage: Stage, keys: number): Promise<boolean> {
  let seen = -1;
  let since = performance.now();
  for (;;) {
    const { keys: now } = await stage.sink.counts();
    if (now >= keys) return true;
    if (now !== seen) since = performance.now();
    else if (performance.now() - since > 10_000) return false;
    seen = now;
    await new Promise((done) => setTimeout(done, 50));
  }
}
