/** Talks to a relay from outside: as Azure, which repeats what was not taken, and as somebody who reads the record. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

export interface Taken {
  id: string;
  incident: string | null;
  outcome: string;
}

export interface PostAnswer {
  /** 0 where the connection failed. */
  status: number;
  signals: Taken[];
  /** The whole answer. */
  text: string;
  durationMs: number;
}

export interface Delivery {
  id: string;
  destination: string;
  type: string;
  state: string;
  wantedRevision: number;
  deliveredRevision: number;
  attempts: {
    number: number;
    action: string;
    covers: [number, number];
    outcome: string | null;
    reason: string | null;
    startedAt: string;
  }[];
}

export interface TimelineEntry {
  at: string;
  kind: string;
  summary: string;
  data: Record<string, unknown>;
}

export interface Sender {
  /** One try. */
  post(body: unknown, path?: string): Promise<PostAnswer>;
  /** As Azure does: again and again until it is taken. `tries` counts. Gives up after `limitMs`. */
  deliver(body: unknown, options?: { limitMs?: number; path?: string }): Promise<PostAnswer & { tries: number }>;
  /** GET that must work; throws otherwise. */
  get<T>(path: string): Promise<T>;
  call(
    method: 'GET' | 'POST' | 'HEAD' | 'PUT' | 'DELETE' | 'OPTIONS',
    path: string,
    options?: { token?: string | null; body?: string; headers?: Record<string, string>; headOnly?: boolean },
  ): Promise<{ status: number; text: string; headers: Record<string, unknown> }>;
  incident(
    id: string,
  ): Promise<{ id: string; trackingId: string; state: string; revision: number; subscriptions: string[] }>;
  deliveries(id: string): Promise<Delivery[]>;
  timeline(id: string): Promise<TimelineEntry[]>;
  close(): Promise<void>;
}

const CALL_MS = 12_000;
/** Statuses that Azure repeats after; anything else would be lost (azure-signals 0.6). */
const REPEATED = new Set([0, 408, 429, 503, 504]);

/** Opens up to 64 connections. */
export function createSender(url: string, tokens: { receiver: string; api: string }): Sender {
  const pool = new Pool(url, { connections: 64, pipelining: 1 });

  async function post(body: unknown, path = '/v1/receivers/azure-monitor'): Promise<PostAnswer> {
    const started = performance.now();
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    try {
      const answer = await pool.request({
        method: 'POST',
        path: `${path}?token=${tokens.receiver}`,
        headers: { 'content-type': 'application/json' },
        body: text,
        signal: AbortSignal.timeout(CALL_MS),
      });
      const answered = await answer.body.text();
      const signals = answer.statusCode === 202 ? (JSON.parse(answered) as { signals: Taken[] }).signals : [];
      return { status: answer.statusCode, signals, text: answered, durationMs: performance.now() - started };
    } catch (error) {
      return { status: 0, signals: [], text: (error as Error).message, durationMs: performance.now() - started };
    }
  }

  async function get<T>(path: string): Promise<T> {
    const answer = await pool.request({
      method: 'GET',
      path,
      headers: { authorization: `Bearer ${tokens.api}` },
      signal: AbortSignal.timeout(CALL_MS),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as T;
  }

  return {
    post,
    async deliver(body, { limitMs = 30_000, path } = {}) {
      const end = performance.now() + limitMs;
      for (let tries = 1; ; tries++) {
        const answer = await post(body, path);
        if (!REPEATED.has(answer.status) || performance.now() > end) return { ...answer, tries };
        await sleep(answer.status === 0 ? 100 : 250);
      }
    },
    get,
    async call(method, path, { token = tokens.api, body, headers = {}, headOnly = false } = {}) {
      const answer = await pool.request({
        method,
        path,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(CALL_MS),
      });
      // A stream has no end.
      if (headOnly) answer.body.on('error', () => undefined).destroy();
      return { status: answer.statusCode, text: headOnly ? '' : await answer.body.text(), headers: answer.headers };
    },
    incident: async (id) =>
      (await get<{ incident: Awaited<ReturnType<Sender['incident']>> }>(`/v1/incidents/${encodeURIComponent(id)}`))
        .incident,
    deliveries: async (id) =>
      (await get<{ deliveries: Delivery[] }>(`/v1/incidents/${encodeURIComponent(id)}/deliveries`)).deliveries,
    timeline: async (id) =>
      (await get<{ timeline: TimelineEntry[] }>(`/v1/incidents/${encodeURIComponent(id)}/timeline`)).timeline,
    close: () => pool.destroy(),
  };
}
