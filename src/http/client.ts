/**
 * The one HTTP client of the delivery path: an undici Pool per origin (the global fetch costs four times the CPU), a
 * time-out per phase, a cap on the body, no redirects, and the egress rules in the connect hook. A call never throws:
 * what went wrong comes back as a failure that says whether the vendor may have got the request.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { buildConnector, Pool } from 'undici';
import type { HttpCall, HttpRequest } from '../core/adapter.ts';
import { checkAddress, hostOf, type EgressRules } from './egress.ts';
import { exchange, failed } from './exchange.ts';
import { EgressError, resolveAllowed } from './resolve.ts';

export type { EgressRules } from './egress.ts';

const BODY_BYTES_MAX = 256 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 30_000;
const BODY_TIMEOUT_MS = 10_000;
/** Idle connections live shortly: a reset of a stale one costs an `unknown` outcome, a new handshake only a round trip. */
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MAX_MS = 20_000;

export interface HttpClient {
  /** A call bound to one attempt: all its requests together end at `deadlineMs` from now, or when `signal` fires. */
  call(options: { signal: AbortSignal; deadlineMs: number }): HttpCall;
  /** Resolves a host for a non-HTTP protocol to an allowed address; throws an `Error` that names the rule. */
  resolveHost(host: string, options: { tls: boolean }): Promise<string>;
  /** Ends open connections at once; calls under way come back as failures. */
  close(): Promise<void>;
}

/** Makes a client under fixed egress rules; a config reload makes a new one. `bodyBytesMax` defaults to 256 KiB. */
export function createHttpClient(options: { egress: EgressRules; bodyBytesMax?: number }): HttpClient {
  const { egress, bodyBytesMax = BODY_BYTES_MAX } = options;
  const pools = new Map<string, Pool>();
  let closed = false;

  const poolFor = (url: URL): Pool => {
    let pool = pools.get(url.origin);
    if (!pool) {
      pool = createPool(url.origin, egress);
      pools.set(url.origin, pool);
    }
    return pool;
  };

  return {
    call({ signal, deadlineMs }) {
      const endsAt = performance.now() + deadlineMs;
      return async (request: HttpRequest) => {
        if (closed) return failed('aborted', false, 'the client is closed');
        const url = URL.canParse(request.url) ? new URL(request.url) : null;
        if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
          return failed('egress', false, 'the target is not an http or https URL');
        }
        const timeoutMs = Math.min(endsAt - performance.now(), request.timeoutMs ?? Infinity);
        return exchange(poolFor(url), request, { url, signal, timeoutMs, bodyBytesMax });
      };
    },
    async resolveHost(host, { tls }) {
      const bare = host.replace(/^\[|\]$/g, '');
      const addresses = await resolveAllowed(bare, { tls, egress, resolve: lookupAll });
      return addresses[0]?.address ?? bare;
    },
    async close() {
      closed = true;
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

function createPool(origin: string, egress: EgressRules): Pool {
  const tls = origin.startsWith('https:');
  const host = hostOf(new URL(origin));
  const connector = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    // HTTP/2 would put every delivery to a vendor on one connection, and lose them all with it.
    allowH2: false,
    // Node dials only what comes back from here, so no unchecked address can be reached.
    lookup: (name, { all }, done) => {
      resolveAllowed(name, { tls, egress, resolve: lookupAll }).then(
        (addresses) => (all ? done(null, addresses) : done(null, addresses[0]?.address ?? '', addresses[0]?.family)),
        (error: Error) => done(error, ''),
      );
    },
  });
  return new Pool(origin, {
    // No cap on connections: one hanging destination must not starve another at the same origin; the pipeline bounds them.
    connections: null,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
    connect(target, callback) {
      // Node asks `lookup` for names only: a literal address is judged here.
      const fault = isIP(host) === 0 ? null : checkAddress({ host, address: host, tls }, egress);
      if (fault !== null) return callback(new EgressError(fault), null);
      connector(target, callback);
    },
  });
}

function lookupAll(host: string): Promise<{ address: string; family: number }[]> {
  return lookup(host, { all: true });
}
