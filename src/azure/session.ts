/**
 * Calls of Azure Resource Manager within one round of work: counted against a budget, paced by what Azure says about
 * throttling, repeated where that can help. Read calls only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer, HttpFailure } from '#src/core/adapter.ts';
import { safeText } from '#src/core/safe.ts';
import type { HttpClient } from '#src/http/client.ts';
import type { TokenSource } from './token.ts';

export interface AzureSessionOptions {
  /** Origin, without a slash at the end. */
  armUrl: string;
  http: HttpClient;
  token: TokenSource;
  /** Calls, repeats included, that this session may make. */
  callsMax: number;
  /** Ends everything. */
  signal: AbortSignal;
  /** Who wants to be left alone, kept over the rounds; this session reads and adds to it. */
  heldOff?: HeldOff | undefined;
  /** After each answer: HTTP status, or why there was none. */
  onCall?: (outcome: string) => void;
}

/** Until when, milliseconds since 1970: by subscription, and for the rest by its own service. */
export type HeldOff = Map<string, number>;

export interface AzureSession {
  /** JSON of one answer. `path` is absolute below the origin, or a `nextLink` of the same origin. Rejects with {@link AzureError}. */
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  readonly calls: number;
}

/** Why Azure did not answer as asked. `status` is null where no answer came, `retryAfterMs` where it named no pause. */
export class AzureError extends Error {
  override readonly name: string = 'AzureError';
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  constructor(message: string, status: number | null, { retryAfterMs = null }: { retryAfterMs?: number | null } = {}) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The budget of the round is used up: the rest is for the next round. */
export class BudgetError extends AzureError {
  override readonly name = 'BudgetError';
}

const TRIES = 5;
const CALL_MS = 30_000;
/** A longer pause is not worth waiting for: the next round comes by itself. */
const PAUSE_MAX_MS = 60_000;
/** Whoever asks for a longer pause is asked again after this. */
const HELD_OFF_MAX_MS = 3_600_000;
const BACKOFF_MS = 500;

/** Opens a session. Throttling that one call meets holds back all calls of the session. */
export function openSession(options: AzureSessionOptions): AzureSession {
  const { signal } = options;
  const origin = new URL(options.armUrl).origin;
  let calls = 0;
  let pausedUntilMs = 0;

  const pause = (delayMs: number): void => void (pausedUntilMs = Math.max(pausedUntilMs, performance.now() + delayMs));

  async function send(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const url = new URL(path, options.armUrl);
    // A nextLink may not carry our token elsewhere.
    if (url.origin !== origin) throw new AzureError(`refused to follow a link to ${url.origin}`, null);
    const place = placeOf(url.pathname);
    for (let tries = 1; ; tries++) {
      const leftMs = (options.heldOff?.get(place) ?? 0) - Date.now();
      if (leftMs > 0)
        throw new AzureError(`429 before: not asked for another ${Math.ceil(leftMs / 1000)} s`, 429, {
          retryAfterMs: leftMs,
        });
      const waitMs = pausedUntilMs - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      if (calls >= options.callsMax) throw new BudgetError(`the budget of ${options.callsMax} calls is used up`, null);
      calls += 1;
      const result = await once(method, url.href, body);
      options.onCall?.(result.answered ? String(result.status) : result.reason);
      if (result.answered && result.status >= 200 && result.status < 300) {
        heedQuota(result);
        return parse(result);
      }
      const delayMs = tries < TRIES ? repeatAfterMs(result, tries) : null;
      if (delayMs === null || signal.aborted) {
        holdOff(place, result);
        throw errorOf(result);
      }
      if (result.answered && result.status === 429) pause(delayMs);
      else await sleep(delayMs, undefined, { signal });
    }
  }

  /** A pause that is too long to be waited for here holds for the rounds to come. */
  function holdOff(place: string, result: HttpAnswer | HttpFailure): void {
    if (!result.answered || result.status !== 429) return;
    const askedMs = retryAfterMs(result.headers['retry-after']) ?? quotaResetMs(result);
    if (askedMs !== null) options.heldOff?.set(place, Date.now() + Math.min(askedMs, HELD_OFF_MAX_MS));
  }

  async function once(method: 'GET' | 'POST', url: string, body: unknown): Promise<HttpAnswer | HttpFailure> {
    let token: string;
    try {
      token = await options.token.get();
    } catch (error) {
      throw new AzureError(`no token: ${(error as Error).message.split('\n')[0]}`, null);
    }
    return options.http.call({ signal, deadlineMs: CALL_MS })({
      method,
      url,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  function repeatAfterMs(result: HttpAnswer | HttpFailure, tries: number): number | null {
    const backoffMs = BACKOFF_MS * 2 ** (tries - 1);
    if (!result.answered) return result.reason === 'egress' || result.reason === 'aborted' ? null : backoffMs;
    if (result.status === 401 && tries === 1) {
      options.token.forget();
      return 0;
    }
    if (result.status !== 429 && result.status !== 408 && result.status < 500) return null;
    const askedMs = retryAfterMs(result.headers['retry-after']) ?? quotaResetMs(result) ?? backoffMs;
    return askedMs <= PAUSE_MAX_MS ? Math.max(askedMs, 100) : null;
  }

  /** Resource Graph says how many queries are left in its window of seconds. */
  function heedQuota(answer: HttpAnswer): void {
    if (answer.headers['x-ms-user-quota-remaining'] === '0') pause(Math.min(quotaResetMs(answer) ?? 0, PAUSE_MAX_MS));
  }

  return {
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    get calls() {
      return calls;
    },
  };
}

/** Azure counts calls by subscription, and those of the tenant and of Resource Graph apart from them. */
function placeOf(path: string): string {
  return /^\/subscriptions\/[^/]+/i.exec(path)?.[0].toLowerCase() ?? path.toLowerCase();
}

/** 500 subscriptions are one page, a year of events is a few: beyond this a list has no end, and would eat the budget of all. */
export const PAGES_MAX = 200;

/** Every element of a list that comes in pages of `value` and `nextLink`. `method` is that of the first page. */
export async function listAll(session: AzureSession, path: string, method: 'GET' | 'POST' = 'GET'): Promise<unknown[]> {
  const found: unknown[] = [];
  const seen = new Set<string>();
  for (let next: string | null = path; next !== null;) {
    // Taken for the end, it would count as read whole.
    if (seen.has(next)) throw new AzureError('a page of the list leads back to one before', 200);
    if (seen.size >= PAGES_MAX) throw new AzureError(`the list has more than ${PAGES_MAX} pages`, 200);
    seen.add(next);
    const answer = method === 'POST' && next === path ? session.post(path, {}) : session.get(next);
    const page = (await answer) as { value?: unknown; nextLink?: unknown } | null;
    if (!Array.isArray(page?.value)) throw new AzureError('the answer is no list', 200);
    found.push(...(page.value as unknown[]));
    next = typeof page.nextLink === 'string' && page.nextLink !== '' ? page.nextLink : null;
  }
  return found;
}

function parse(answer: HttpAnswer): unknown {
  try {
    // What Postgres cannot store must not end every reading: whoever may write one tag could see to that.
    const odd = /\\u(?:0000|d[89a-f])/i.test(answer.body);
    return (odd ? JSON.parse(answer.body, storable) : JSON.parse(answer.body)) as unknown;
  } catch {
    throw new AzureError('the answer is not JSON, or longer than we read', answer.status);
  }
}

function storable(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return safeText(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [safeText(key), item as unknown]));
}

/** Why a call did not bring what was asked, in Azure's own words where it has some. */
export function errorOf(result: HttpAnswer | HttpFailure): AzureError {
  if (!result.answered) return new AzureError(`no answer: ${result.detail}`, null);
  let said = '';
  try {
    const { error } = JSON.parse(result.body) as { error?: { code?: unknown; message?: unknown } };
    said = [error?.code, error?.message].filter((part) => typeof part === 'string').join(': ');
  } catch {
    // The status has to do.
  }
  return new AzureError(`${result.status}${said === '' ? '' : ` ${said.slice(0, 200)}`}`, result.status, {
    retryAfterMs: retryAfterMs(result.headers['retry-after']),
  });
}

/** Milliseconds from `Retry-After`: seconds or an HTTP date; null where it says neither. */
export function retryAfterMs(value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

/** `hh:mm:ss` until the quota of Resource Graph is whole again. */
function quotaResetMs(answer: HttpAnswer): number | null {
  const parts = /^(\d+):(\d\d):(\d\d)$/.exec(answer.headers['x-ms-user-quota-resets-after'] ?? '');
  return parts ? (Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3])) * 1000 : null;
}
