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

export interface ProblemFacts {
  status: ContentfulStatusCode;
  code: string;
  detail: string;
  requestId: string;
}

export const PROBLEM_TYPE = 'application/problem+json';

/** Text of the document. */
export function problemText({ status, code, detail, requestId }: ProblemFacts): string {
  const title = TITLES[status] ?? 'Error';
  return JSON.stringify({ type: `urn:health-relay:${code}`, title, status, code, detail, requestId });
}

/** Answers with the document. */
export function problem(
  c: Context,
  { headers, ...facts }: ProblemFacts & { headers?: Record<string, string> },
): Response {
  return c.body(problemText(facts), facts.status, {
    'content-type': PROBLEM_TYPE,
    'x-request-id': facts.requestId,
    // A must with 401 (RFC 9110, 11.6.1). No browser asks for a password because of it.
    ...(facts.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...headers,
  });
}

/** `limit: must be ...`: where a given value is wrong, and why. */
export function issueInWords(issue: { path: readonly PropertyKey[]; message: string } | undefined): string {
  if (issue === undefined) return 'malformed';
  const place = issue.path.map(String).join('.');
  return place === '' ? `the body: ${issue.message}` : `${place}: ${issue.message}`;
}
