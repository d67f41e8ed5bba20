/**
 * Wires the canary: its built-in destination, which is the webhook adapter and this process's own callback, the watch that sends, audits and
 * beats, and what `/readyz` and the metrics say of it.
 */
import { randomBytes } from 'node:crypto';
import { webhook } from '#adapters/webhook/index.ts';
import { CANARY_PATH } from './api/canary.ts';
import type { CanaryDoor } from './api/deps.ts';
import type { Part } from './api/deps.ts';
import type { ConfigHolder } from './config/holder.ts';
import type { Destination, RelayConfig } from './config/types.ts';
import type { Adapter } from './core/adapter.ts';
import { CANARY_DESTINATION } from './core/canary.ts';
import { recordReturn } from './db/canary.ts';
import type { Pools } from './db/pools.ts';
import { createHttpClient, type HttpClient } from './http/client.ts';
import { hostOf } from './http/egress.ts';
import { newId } from './ids.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { FINDINGS } from './pipeline/canary/audit.ts';
import { whyNotWell } from './pipeline/canary/verdict.ts';
import { createCanary, type CanaryTimes } from './pipeline/canary/watch.ts';

export interface CanarySink {
  /** The config with the built-in destination, where a canary is to go there. The same object for the same config. */
  addedTo(config: RelayConfig): RelayConfig;
  /** This process listens: from now on the destination can be called. */
  listensAt(url: string): void;
  own(): string | null;
  token: string;
  close(): Promise<void>;
}

/** Short: the next canary is soon there, and an old one says nothing. */
const RETRY = { scheduleMs: [1_000, 2_000, 5_000], giveUpAfterMs: 60_000 };

/** The built-in destination of one process. */
export function createCanarySink(): CanarySink {
  const token = randomBytes(24).toString('hex');
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const known = new WeakMap<RelayConfig, RelayConfig>();
  let url: string | null = null;
  let http: HttpClient | null = null;

  const adapter: Adapter = {
    ...webhook,
    kind: 'canary',
    accountKey: () => CANARY_DESTINATION,
    secrets: () => [token, secret],
    async deliver(step, context) {
      if (url === null) return { outcome: 'retryable', reason: 'connect', detail: 'this process does not listen yet' };
      // Loopback, and nothing but loopback: the config need not allow it to any other destination.
      http ??= createHttpClient({ egress: { allow: [hostOf(new URL(url))] } });
      const settings = { url: `${url}${CANARY_PATH}?token=${token}`, secret };
      const call = http.call({ signal: context.signal, deadlineMs: webhook.deadlineMs });
      return webhook.deliver(step, { ...context, settings, http: call });
    },
  };
  const destination: Destination = {
    name: CANARY_DESTINATION,
    id: CANARY_DESTINATION,
    type: 'canary',
    adapter,
    settings: {},
    updates: { policy: 'each' },
    concurrency: 4,
    rate: null,
    retry: RETRY,
    failOpen: false,
    fallback: null,
    sensitive: 'full',
    timezone: 'UTC',
    // No route, no default and no "every destination" may lead here; canaries come by a way of their own (pipeline/routing.ts).
    retired: true,
    standby: false,
  };
  return {
    token,
    own: () => url,
    listensAt(address) {
      url = address;
    },
    addedTo(config) {
      if (config.canary === null || config.canary.destination !== null) return config;
      let made = known.get(config);
      if (!made) known.set(config, (made = { ...config, destinations: [...config.destinations, destination] }));
      return made;
    },
    close: async () => http?.close(),
  };
}

export interface CanaryParts {
  door: CanaryDoor;
  /** This process listens there. */
  start(at: { host: string; port: number }): void;
  stop(): Promise<void>;
  parts(): Part[];
  refreshMetrics(): void;
}

export interface CanaryPartsOptions {
  sink: CanarySink;
  holder: ConfigHolder;
  /** A worker sends none: it has no receivers. */
  role: 'all' | 'api' | 'worker';
  pools: Pools;
  metrics: Metrics;
  log: Log;
  onError: (error: Error, context: Record<string, unknown>) => void;
  now: () => Date;
  times?: Partial<CanaryTimes>;
}

/** Nothing runs before `start`. */
export function createCanaryParts(options: CanaryPartsOptions): CanaryParts {
  const { sink, holder, pools, metrics, log } = options;
  const config = (): RelayConfig => sink.addedTo(holder.current());
  const canary = createCanary({
    pool: pools.read,
    config,
    process: newId('wrk'),
    own: () => sink.own(),
    now: options.now,
    onRun({ receiver, broken, fault, tookMs }) {
      metrics.canaryRuns.inc({ receiver, result: broken ?? 'ok' });
      if (broken === null) log.info({ receiver, tookMs }, 'canary.returned');
      else log.error({ receiver, hop: broken, fault, tookMs }, 'canary.lost');
    },
    onAudit(findings) {
      if (FINDINGS.some((kind) => findings[kind].length > 0)) log.error({ ...findings }, 'audit.found');
    },
    onBeat(result, detail) {
      metrics.heartbeats.inc({ result });
      if (result !== 'sent') log.warn({ result, detail }, 'heartbeat.missed');
    },
    onError: options.onError,
    ...(options.times ? { times: options.times } : {}),
  });
  holder.onChange(() => canary.renew());
  const fault = (): string | null => {
    const section = config().canary;
    const watch = canary.view();
    if (section === null) return null;
    return canary.fault() ?? (watch === null ? 'pending' : whyNotWell(watch, section));
  };
  return {
    door: {
      token: sink.token,
      heard: (run) => recordReturn(pools.read, run),
      view() {
        const watch = canary.view();
        return watch === null ? null : { ...watch, fault: fault() };
      },
    },
    start(at) {
      sink.listensAt(ownUrl(at));
      if (options.role !== 'worker') canary.start();
    },
    async stop() {
      await canary.stop();
      await sink.close();
    },
    parts() {
      const { canary: section, heartbeat } = config();
      if (section === null || options.role === 'worker') return [];
      const why = fault();
      const parts = [part('canary', why === 'pending' ? null : why)];
      if (heartbeat !== null) parts.push(part('heartbeat', canary.view()?.beatFault ?? null));
      return parts;
    },
    refreshMetrics() {
      const watch = canary.view();
      for (const gauge of [metrics.canaryAge, metrics.canaryHop, metrics.auditFindings]) gauge.reset();
      metrics.auditAge.set(watch?.auditAgeS ?? Number.NaN);
      const beats = watch !== null && config().heartbeat !== null;
      metrics.heartbeatAge.set(beats ? (watch.beatAgeS ?? watch.sinceS) : Number.NaN);
      if (watch === null) return;
      for (const { receiver, hop, ageS, tookMs } of watch.hops) {
        metrics.canaryAge.set({ receiver, hop }, ageS);
        if (tookMs !== null) metrics.canaryHop.set({ receiver, hop }, tookMs / 1000);
      }
      for (const finding of FINDINGS) metrics.auditFindings.set({ finding }, watch.findings[finding]?.length ?? 0);
    },
  };
}

function part(name: string, detail: string | null): Part {
  return { name, status: detail === null ? 'ok' : 'degraded', ...(detail === null ? {} : { detail }) };
}

/** A process that listens on every address is reached over loopback. */
function ownUrl({ host, port }: { host: string; port: number }): string {
  const known: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const name = known[host] ?? host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
