/**
 * One request and its answer on an undici pool. What matters is `sent`: undici calls `onRequestStart` directly before
 * it writes the head of the request, so until then a failure is certainly without effect, and from then on it is not.
 */
import type { Dispatcher } from 'undici';
import type { HttpAnswer, HttpFailure, HttpRequest, Reason } from '../core/adapter.ts';

export interface ExchangeOptions {
  url: URL;
  signal: AbortSignal;
  /** Limit on the whole exchange. */
  timeoutMs: number;
  /** The body is cut beyond. */
  bodyBytesMax: number;
}

type Result = HttpAnswer | HttpFailure;

/** Sends the request once. Never throws and never follows a redirect. */
export function exchange(pool: Dispatcher, request: HttpRequest, options: ExchangeOptions): Promise<Result> {
  const { url, signal, timeoutMs, bodyBytesMax } = options;
  if (signal.aborted) return Promise.resolve(failed('aborted', false, 'aborted before the request was sent'));
  if (timeoutMs <= 0) return Promise.resolve(failed('timeout', false, 'no time left before the request was sent'));

  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | null = null;
    let head: { status: number; headers: Record<string, string> } | null = null;
    const chunks: Buffer[] = [];
    let bodyBytes = 0;
    let settled = false;

    const settle = (result: Result): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const answer = (): HttpAnswer => ({
      answered: true,
      status: head?.status ?? 0,
      headers: head?.headers ?? {},
      // A cut in the middle of a character becomes a replacement character.
      body: Buffer.concat(chunks).toString('utf8'),
    });
    /** A refusal counts even where its body went missing; a success does not, since its body may take it back. */
    const fail = (reason: Reason, detail: string): void => {
      settle(head !== null && head.status >= 300 ? answer() : failed(reason, controller !== null, detail));
    };
    const stop = (reason: Reason, detail: string): void => {
      fail(reason, detail);
      controller?.abort(new Error(detail));
    };
    const onAbort = (): void => stop('aborted', 'aborted by the relay');
    const timer = setTimeout(() => stop('timeout', `no answer within ${Math.round(timeoutMs)} ms`), timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        // Given up while waiting for a connection: nothing is written.
        if (settled) return started.abort(new Error('given up'));
        controller = started;
      },
      onResponseStart(_controller, status, headers) {
        // 1xx are interim answers.
        if (status >= 200) head = { status, headers: flatten(headers) };
      },
      onResponseData(_controller, chunk) {
        const room = bodyBytesMax - bodyBytes;
        // A copy: a chunk of one byte may hold on to the whole buffer that it was read into.
        chunks.push(Buffer.from(chunk.length > room ? chunk.subarray(0, room) : chunk));
        bodyBytes += chunk.length;
        if (bodyBytes <= bodyBytesMax) return;
        settle(answer());
        controller?.abort(new Error('body over the limit'));
      },
      onResponseEnd: () => settle(answer()),
      onResponseError: (_controller, error) => fail(reasonOf(error, controller !== null), describeError(error)),
    };
    try {
      pool.dispatch(
        {
          path: url.pathname + url.search,
          method: request.method,
          headers: { 'user-agent': 'health-relay', ...request.headers },
          body: request.body ?? null,
          // A vendor that is known to be slow (ServiceNow kills at 60 s, destinations 2.5) names its own limit.
          ...(request.timeoutMs === undefined ? {} : { headersTimeout: request.timeoutMs }),
        },
        handler,
      );
    } catch (error) {
      // Bad header names or values, a closed pool: found before anything was written.
      fail('unexpected', describeError(error));
    }
  });
}

/** A failure; `sent` false means certainly without effect at the vendor. */
export function failed(reason: Reason, sent: boolean, detail: string): HttpFailure {
  return { answered: false, sent, reason, detail };
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
  return Object.fromEntries(flat) as Record<string, string>;
}

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
const TIMEOUT_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);
const RESET_CODES = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET']);

function reasonOf(error: Error, sent: boolean): Reason {
  const code = codeOf(error);
  if (error.name === 'EgressError') return 'egress';
  if (DNS_CODES.has(code)) return 'dns';
  if (TIMEOUT_CODES.has(code)) return 'timeout';
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_OSSL|EPROTO)/.test(code)) return 'tls';
  if (code === 'UND_ERR_INVALID_ARG') return 'unexpected';
  if (!sent) return code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED' ? 'aborted' : 'connect';
  if (RESET_CODES.has(code)) return 'reset';
  return code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_ABORTED' ? 'aborted' : 'unexpected';
}

/** An AggregateError of several addresses carries its code in the first of them. */
function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return code;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return first instanceof Error ? codeOf(first) : '';
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected error';
  const code = codeOf(error);
  const message = error.message === '' ? error.name : error.message;
  return (code === '' || message.includes(code) ? message : `${code}: ${message}`).slice(0, 300);
}
