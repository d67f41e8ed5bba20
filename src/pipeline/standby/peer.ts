/**
 * The peer: the relay of the same `relayId` elsewhere. Looked at again and again, and asked what it has told. Whatever is
 * not a good answer means that it is missing, and that we tell (design 3.7, docs/adr/standby.md).
 */
import type { Pool } from 'pg';
import type { PeerConfig, RelayConfig } from '#src/config/types.ts';
import type { News } from '#src/core/standby.ts';
import { readStore } from '#src/db/peer.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';

export interface PeerAsk {
  identity: string;
  /** By its id. */
  destination: string;
  /** Oldest first. */
  news: readonly News[];
}

export interface PeerAnswer {
  /** How many of the news need nobody else. */
  settled: number;
  accepted: boolean;
  /** The peer holds the rest back by a wish that both share. */
  held: boolean;
}

export interface PeerState {
  /** `unknown`: the first look is not over. */
  is: 'unknown' | 'well' | 'missing';
  /** Why the last look was not good; null where it was. */
  fault: string | null;
}

export interface Peer {
  /** Null where the config names none. */
  state(): PeerState | null;
  /** The answers, one per question; null where none came in two tries, `stopping` where it was us who broke off. Takes some {@link ASK_MS} each. */
  ask(asks: readonly PeerAsk[]): Promise<PeerAnswer[] | 'stopping' | null>;
  start(): void;
  stop(): Promise<void>;
}

export interface PeerOptions {
  config(): RelayConfig;
  /** Our own store: the peer must have another. */
  pool: Pool;
  /** After each look. */
  onLook(state: PeerState, before: PeerState['is']): void;
}

/** A relay that takes longer to answer does not tell in time either. */
const ASK_MS = 3_000;
/** Between looks whether the config names a peer meanwhile. */
const IDLE_MS = 2_000;

interface Body {
  relayId: string;
  store: string;
  delivers: boolean;
  answers: PeerAnswer[];
}

type Asked = { body: Body } | { fault: string };

/** Nothing runs before `start`. */
export function createPeer(options: PeerOptions): Peer {
  let known: PeerConfig | null = null;
  let client: { http: HttpClient; allow: string } | null = null;
  let now: PeerState = { is: 'unknown', fault: null };
  let wellAt = 0;
  let ownStore: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  const stopping = new AbortController();

  /** After a reload: what was known of another peer says nothing, and it is looked at now, not after `every`. A client goes only with its rules: its calls go with it. */
  function renew(): RelayConfig {
    const current = options.config();
    const allow = current.egress.allow.join(' ');
    if (client?.allow !== allow) {
      void client?.http.close();
      client = { http: createHttpClient({ egress: current.egress }), allow };
    }
    const another = current.peer?.url !== known?.url;
    known = current.peer;
    if (another) {
      now = { is: 'unknown', fault: null };
      if (timer !== undefined && !looking) lookIn(0);
    }
    return current;
  }

  async function call(asks: readonly PeerAsk[]): Promise<Asked> {
    const { peer, relayId } = renew();
    if (peer === null) return { fault: 'the config names none' };
    try {
      ownStore ??= (await readStore(options.pool)).store;
    } catch {
      return { fault: 'our own database does not answer' };
    }
    const http = client!.http.call({ signal: stopping.signal, deadlineMs: ASK_MS });
    const answer = await http({
      method: 'POST',
      url: `${peer.url}/v1/peer`,
      headers: { authorization: `Bearer ${peer.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ asks }),
    });
    if (!answer.answered) return { fault: `no answer (${answer.reason})` };
    if (answer.status !== 200) return { fault: faultOf(answer.status) };
    const body = readBody(answer.body);
    if (body === null || body.answers.length !== asks.length) return { fault: 'its answer is not that of a relay' };
    if (body.relayId !== relayId) return { fault: 'it has another relayId: vendors do not fold what both tell' };
    if (body.store === ownStore) return { fault: 'peer.url leads to this relay itself, or to a copy of its database' };
    return body.delivers ? { body } : { fault: 'no process of it delivers' };
  }

  async function look(url: string): Promise<void> {
    const asked = await call([]).catch((error: unknown): Asked => ({ fault: (error as Error).message }));
    if (stopping.signal.aborted || known?.url !== url) return;
    const before = now.is;
    // By the end of a look, never by the clock alone: whoever was frozen must ask before it says that the other is gone.
    const at = performance.now();
    if ('body' in asked) [now, wellAt] = [{ is: 'well', fault: null }, at];
    else now = { is: before === 'well' && at - wellAt < known.missingAfterMs ? 'well' : 'missing', fault: asked.fault };
    options.onLook(now, before);
  }

  async function loop(): Promise<void> {
    looking = true;
    const { peer } = renew();
    if (peer !== null) await look(peer.url);
    looking = false;
    // The config may have named another one meanwhile.
    lookIn(known?.url === peer?.url ? (known?.everyMs ?? IDLE_MS) : 0);
  }

  function lookIn(delayMs: number): void {
    clearTimeout(timer);
    if (!stopping.signal.aborted) timer = setTimeout(() => void loop(), delayMs);
  }

  return {
    state: () => (renew().peer === null ? null : now),
    async ask(asks) {
      // Once more: a connection that was closed while it was idle is no sign of a peer that is gone.
      let asked = await call(asks).catch(() => null);
      if (now.is === 'well' && (asked === null || 'fault' in asked)) asked = await call(asks).catch(() => null);
      if (stopping.signal.aborted) return 'stopping';
      if (asked === null) return null;
      return 'body' in asked ? asked.body.answers : null;
    },
    start() {
      if (timer === undefined) lookIn(0);
    },
    async stop() {
      stopping.abort(new Error('the relay is stopping'));
      clearTimeout(timer);
      await client?.http.close();
    },
  };
}

function faultOf(status: number): string {
  if (status === 401) return 'it refuses peer.token';
  if (status === 403 || status === 404 || status === 405)
    return 'what answers there knows no peers: an older release, a worker, or no relay';
  if (status === 503) return 'its database does not answer';
  return `it answers ${status}`;
}

function readBody(text: string): Body | null {
  try {
    const body = JSON.parse(text) as Body;
    const good =
      typeof body.relayId === 'string' &&
      typeof body.store === 'string' &&
      typeof body.delivers === 'boolean' &&
      Array.isArray(body.answers) &&
      body.answers.every((one) => Number.isInteger(one?.settled) && one.settled >= 0);
    return good ? body : null;
  } catch {
    return null;
  }
}
