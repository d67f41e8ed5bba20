/** Talks to the relay from outside, as an action group and a person would: through its HTTP endpoint only. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RECEIVER_TOKEN } from './config.ts';

export interface SeenIncident {
  id: string;
  identity: string;
  trackingId: string | null;
  kind: string;
  state: string;
  stage: string | null;
  headline: string;
  startedAt: string | null;
  impacts: { service: string; region: string }[];
  subscriptions: string[];
  revision: number;
  /** Who told us of each place. */
  provenance: { source: string; schema: string }[];
}

export interface SeenImpact {
  known: boolean;
  summary: string;
  hits: { id: string }[];
}

export interface SeenEvidence {
  summary: string;
  resources: {
    name: string;
    verdict: string;
    serving: { moved: { from: string; to: string; at: string } | null } | null;
  }[];
}

export interface SeenAttempt {
  number: number;
  action: string;
  covers: [number, number];
  outcome: string | null;
  reason: string | null;
  status: number | null;
  receipt: Record<string, unknown> | null;
}

export interface SeenDelivery {
  destination: string;
  type: string;
  state: string;
  wantedRevision: number;
  deliveredRevision: number;
  attempts: SeenAttempt[];
}

export interface SeenEntry {
  at: string;
  kind: string;
  summary: string;
  data: Record<string, unknown>;
}

export interface PostAnswer {
  status: number;
  signals: { id: string; incident: string | null; outcome: string }[];
}

export interface RelayClient {
  post(body: unknown): Promise<PostAnswer>;
  incident(id: string): Promise<SeenIncident>;
  deliveries(id: string): Promise<SeenDelivery[]>;
  timeline(id: string): Promise<SeenEntry[]>;
  /** Waits until the timeline holds an entry that begins with these words. */
  said(id: string, words: string): Promise<void>;
  /** What of ours an incident hits. */
  impact(id: string): Promise<SeenImpact>;
  /** What metrics and logs say of it. */
  evidence(id: string): Promise<SeenEvidence>;
  /** Waits until our own resources have been read. */
  estateKnown(): Promise<void>;
  /** Asks the relay to compare everything with Azure, back to this time. */
  backfill(since: string): Promise<void>;
  /** Signals of a source so far, by what became of them. */
  counts(source: string): Promise<Record<string, number>>;
  /** Any page, as a browser without a token gets it. */
  page(path: string): Promise<{ status: number; text: string }>;
  /** Waits until exactly these destinations have been told everything; says what is missing when they were not in time. */
  level(id: string, destinations: readonly string[]): Promise<SeenDelivery[]>;
}

/** Far longer than any delivery of the demo takes, the two that are made to fail included. */
const LEVEL_MS = 60_000;

/** Every call ends when the signal fires. */
export function createRelayClient(url: string, signal: AbortSignal): RelayClient {
  async function get<T>(path: string): Promise<T> {
    const answer = await fetch(url + path, { signal });
    if (!answer.ok) throw new Error(`GET ${path} was answered with ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  const incident = async (id: string): Promise<SeenIncident> =>
    (await get<{ incident: SeenIncident }>(`/v1/incidents/${id}`)).incident;
  const deliveries = async (id: string): Promise<SeenDelivery[]> =>
    (await get<{ deliveries: SeenDelivery[] }>(`/v1/incidents/${id}/deliveries`)).deliveries;
  return {
    incident,
    deliveries,
    timeline: async (id) => (await get<{ timeline: SeenEntry[] }>(`/v1/incidents/${id}/timeline`)).timeline,
    async said(id, words) {
      const until = performance.now() + LEVEL_MS;
      for (;;) {
        const { timeline } = await get<{ timeline: SeenEntry[] }>(`/v1/incidents/${id}/timeline`);
        if (timeline.some((entry) => entry.summary.startsWith(words))) return;
        if (performance.now() > until) throw new Error(`nothing on the timeline of ${id} began with "${words}"`);
        await sleep(40, undefined, { signal });
      }
    },
    impact: async (id) => (await get<{ impact: SeenImpact }>(`/v1/incidents/${id}/impact`)).impact,
    evidence: async (id) => (await get<{ evidence: SeenEvidence }>(`/v1/incidents/${id}/evidence`)).evidence,
    async estateKnown() {
      const until = performance.now() + LEVEL_MS;
      for (;;) {
        if ((await get<{ estate: { known: boolean } }>('/v1/estate')).estate.known) return;
        if (performance.now() > until) throw new Error(`the estate was not read within ${LEVEL_MS / 1000} s`);
        await sleep(40, undefined, { signal });
      }
    },
    async backfill(since) {
      const answer = await fetch(`${url}/v1/backfill`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ since }),
        signal,
      });
      if (answer.status !== 202) throw new Error(`POST /v1/backfill was answered with ${answer.status}`);
    },
    async counts(source) {
      const text = await (await fetch(`${url}/metrics`, { signal })).text();
      const counts: Record<string, number> = {};
      for (const [, labels = '', value] of text.matchAll(/^relay_signals_total\{(.+)\} (\d+)$/gm)) {
        const outcome = /outcome="([^"]+)"/.exec(labels)?.[1] ?? '';
        if (labels.includes(`source="${source}"`)) counts[outcome] = (counts[outcome] ?? 0) + Number(value);
      }
      return counts;
    },
    async page(path) {
      const answer = await fetch(url + path, { signal, redirect: 'manual' });
      return { status: answer.status, text: await answer.text() };
    },
    async post(body) {
      const answer = await fetch(`${url}/v1/receivers/azure-monitor?token=${RECEIVER_TOKEN}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify(body),
        signal,
      });
      const text = await answer.text();
      if (answer.status !== 202) return { status: answer.status, signals: [] };
      return { status: answer.status, signals: (JSON.parse(text) as Pick<PostAnswer, 'signals'>).signals };
    },
    async level(id, destinations) {
      const until = performance.now() + LEVEL_MS;
      let seen: SeenDelivery[] = [];
      while (performance.now() < until) {
        const { revision } = await incident(id);
        seen = await deliveries(id);
        const told = seen.filter((one) => one.state === 'delivered' && one.deliveredRevision === revision);
        if (told.length === seen.length && sameNames(told, destinations)) return seen;
        await sleep(40, undefined, { signal });
      }
      const states = seen.map(
        (one) => `${one.destination} ${one.state} ${one.deliveredRevision}/${one.wantedRevision}`,
      );
      throw new Error(`not delivered within ${LEVEL_MS / 1000} s: ${states.join(', ') || 'no delivery at all'}`);
    },
  };
}

function sameNames(told: readonly SeenDelivery[], wanted: readonly string[]): boolean {
  return (
    told.length === wanted.length &&
    told
      .map((one) => one.destination)
      .sort()
      .join() === [...wanted].sort().join()
  );
}
