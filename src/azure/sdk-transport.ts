/**
 * How Azure's own clients for metrics and logs reach the network: through the relay's HTTP client, so that the egress
 * rules hold for them as for everything (docs/adr/azure-read-calls.md), with one budget and one pause for a whole round.
 * Their own repeats are off: those would sleep through any `Retry-After`, however long.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer, HttpFailure } from '#src/core/adapter.ts';
import type { HttpClient } from '#src/http/client.ts';
import { AzureError, BudgetError, errorOf, retryAfterMs } from './session.ts';
import type { TokenSource } from './token.ts';

/** What the calls of one round share. */
export interface CallBudget {
  /** Calls, repeats included. */
  readonly callsMax: number;
  calls: number;
  /** By `performance.now()`: until then nothing is asked, since somebody was answered 429. */
  pausedUntilMs: number;
}

export interface SdkOptions {
  http: HttpClient;
  token: TokenSource;
  budget: CallBudget;
  /** Ends everything. */
  signal: AbortSignal;
  /** After each answer: HTTP status, or why there was none. */
  onCall?: (outcome: string) => void;
}

/** What a client of the SDK hands over, as far as it is looked at. */
interface SdkRequest {
  url: string;
  method: string;
  headers: Iterable<[string, string]>;
  body?: unknown;
}

interface SdkHeaders extends Iterable<[string, string]> {
  get(name: string): string | undefined;
  has(name: string): boolean;
  set(name: string, value: string | number | boolean): void;
  delete(name: string): void;
  toJSON(): Record<string, string>;
}

/** What it wants back. */
interface SdkResponse<R> {
  request: R;
  status: number;
  headers: SdkHeaders;
  bodyAsText: string;
}

export interface SdkTarget {
  /** What the client is to be given: always https, since it hands no token to anything else. */
  endpoint: string;
  httpClient: { sendRequest<R extends SdkRequest>(request: R): Promise<SdkResponse<R>> };
  credential: { getToken(): Promise<{ token: string; expiresOnTimestamp: number }> };
  retryOptions: { maxRetries: 0 };
}

const TRIES = 4;
const CALL_MS = 45_000;
/** A round of evidence is worth a short wait; what asks for more is asked again in the next round. */
const PAUSE_MAX_MS = 20_000;
const BACKOFF_MS = 500;
/** The client asks for a new token this long after it was given one; ours are kept by the token source. */
const TOKEN_MS = 10 * 60_000;

/** A budget that nothing has been taken from. */
export function createBudget(callsMax: number): CallBudget {
  return { callsMax, calls: 0, pausedUntilMs: 0 };
}

/** What a client of the SDK needs to talk to `url`. Plain http is a matter of the egress rules, as everywhere. */
export function sdkTarget(url: string, options: SdkOptions): SdkTarget {
  const { origin } = new URL(url);
  return {
    endpoint: url.replace(/^http:/, 'https:'),
    httpClient: { sendRequest: (request) => send(request, origin, options) },
    credential: {
      async getToken() {
        try {
          return { token: await options.token.get(), expiresOnTimestamp: Date.now() + TOKEN_MS };
        } catch (error) {
          throw new AzureError(`no token: ${(error as Error).message.split('\n')[0]}`, null);
        }
      },
    },
    retryOptions: { maxRetries: 0 },
  };
}

/** Whatever the client throws, as the error that all of Azure's calls end with. */
export function asAzureError(error: unknown): AzureError {
  if (error instanceof AzureError) return error;
  const { message, statusCode } = error as { message?: unknown; statusCode?: unknown };
  return new AzureError(
    `the answer could not be read: ${String(message).split('\n')[0]!.slice(0, 200)}`,
    typeof statusCode === 'number' ? statusCode : null,
  );
}

async function send<R extends SdkRequest>(request: R, origin: string, options: SdkOptions): Promise<SdkResponse<R>> {
  const { budget, signal } = options;
  const asked = new URL(request.url);
  const url = `${origin}${asked.pathname}${asked.search}`;
  for (let tries = 1; ; tries++) {
    const waitMs = budget.pausedUntilMs - performance.now();
    if (waitMs > 0) await pause(waitMs, signal);
    if (budget.calls >= budget.callsMax)
      throw new BudgetError(`the budget of ${budget.callsMax} calls is used up`, null);
    budget.calls += 1;
    const result = await once(request, url, options);
    options.onCall?.(result.answered ? String(result.status) : result.reason);
    if (result.answered && result.status >= 200 && result.status < 300) return responseOf(request, result);
    if (result.answered && result.status === 401) options.token.forget();
    const delayMs = tries < TRIES ? repeatAfterMs(result, tries) : null;
    if (delayMs === null || signal.aborted) throw errorOf(result);
    if (result.answered && result.status === 429)
      budget.pausedUntilMs = Math.max(budget.pausedUntilMs, performance.now() + delayMs);
    else await pause(delayMs, signal);
  }
}

function once(request: SdkRequest, url: string, { http, signal }: SdkOptions): Promise<HttpAnswer | HttpFailure> {
  const headers = Object.fromEntries(
    // Our client does not unpack bodies.
    [...request.headers].filter(([name]) => name.toLowerCase() !== 'accept-encoding'),
  );
  return http.call({ signal, deadlineMs: CALL_MS })({
    method: request.method === 'GET' ? 'GET' : 'POST',
    url,
    headers,
    ...(typeof request.body === 'string' ? { body: request.body } : {}),
  });
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch {
    throw new AzureError('the time for this round is over', null);
  }
}

function repeatAfterMs(result: HttpAnswer | HttpFailure, tries: number): number | null {
  const backoffMs = BACKOFF_MS * 2 ** (tries - 1);
  // Who did not answer for so long will not do so now, and there are others to ask.
  if (!result.answered) return ['egress', 'aborted', 'timeout'].includes(result.reason) ? null : backoffMs;
  if (result.status !== 429 && result.status !== 408 && result.status < 500) return null;
  const askedMs = retryAfterMs(result.headers['retry-after']) ?? backoffMs;
  return askedMs <= PAUSE_MAX_MS ? Math.max(askedMs, 100) : null;
}

function responseOf<R>(request: R, answer: HttpAnswer): SdkResponse<R> {
  const headers = new Map(Object.entries(answer.headers));
  return {
    request,
    status: answer.status,
    bodyAsText: answer.body,
    headers: {
      get: (name) => headers.get(name.toLowerCase()),
      has: (name) => headers.has(name.toLowerCase()),
      set: (name, value) => void headers.set(name.toLowerCase(), String(value)),
      delete: (name) => void headers.delete(name.toLowerCase()),
      toJSON: () => Object.fromEntries(headers),
      [Symbol.iterator]: () => headers[Symbol.iterator](),
    },
  };
}
