/** Errors as RFC 9457 problem documents: a code, words for the caller, a request id; never internals. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** Thrown by handlers; everything else that is thrown is a bug and shows only its request id. */
export class Problem extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly headers: Record<string, string>;
  constructor(status: ContentfulStatusCode, code: string, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const TITLES: Record<number, string> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  500: 'Internal error',
  503: 'Unavailable',
};

/** Writes the document. */
export function problem(
  c: Context,
  {
    status,
    code,
    detail,
    requestId,
    headers,
  }: {
    status: ContentfulStatusCode;
    code: string;
    detail: string;
    requestId: string;
    headers?: Record<string, string>;
  },
): Response {
  const body = JSON.stringify({
    type: `urn:health-relay:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    code,
    detail,
    requestId,
  });
  return c.body(body, status, { 'content-type': 'application/problem+json', 'x-request-id': requestId, ...headers });
}
