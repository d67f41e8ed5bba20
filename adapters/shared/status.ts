/**
 * The one status table (destinations 0.2). Adapters pass only their exceptions, and judge the body of a plain 2xx
 * themselves: several vendors answer 200 to what they refused.
 */
import type { HttpAnswer, HttpFailure, Outcome, Reason } from '#src/core/adapter.ts';

const RETRY_AFTER_MIN_MS = 1_000;
/** A vendor that asks for days must not silence a page for days. */
const RETRY_AFTER_MAX_MS = 3_600_000;
const BODY_CHARS_MAX = 200;
const DETAIL_CHARS_MAX = 500;

/** What a status means where the vendor differs from the table. */
export type StatusMeaning = 'retryable' | 'permanent' | 'unknown' | 'accepted';

export interface ClassifyOptions {
  now: Date;
  exceptions?: Readonly<Record<number, StatusMeaning>>;
  /** What a request is that went out and got no answer: `unknown`, or `retryable` where a repeat does no harm. */
  ambiguous?: 'unknown' | 'retryable';
}

/** Turns an answer or failure into an outcome; null for a 2xx without exception: the adapter must check the body. */
export function classifyHttp(result: HttpAnswer | HttpFailure, options: ClassifyOptions): Outcome | null {
  if (!result.answered) return ofFailure(result, options.ambiguous ?? 'unknown');
  const { status } = result;
  const meaning = options.exceptions?.[status] ?? meaningOf(status);
  const reason = reasonOf(status);
  const detail = describeAnswer(result);
  switch (meaning) {
    case 'accepted':
      return { outcome: 'accepted', receipt: { level: 'accepted', status }, status, detail };
    case 'unknown':
      return { outcome: 'unknown', reason, status, detail };
    case 'permanent':
      return { outcome: 'permanent', reason, status, detail };
    case 'retryable': {
      const retryAfterMs = parseRetryAfter(result.headers['retry-after'], options.now);
      const base = { outcome: 'retryable', reason, status, detail } as const;
      return retryAfterMs === null ? base : { ...base, retryAfterMs };
    }
    case 'ok':
    default:
      return null;
  }
}

/**
 * Milliseconds that a `Retry-After` header asks for (whole seconds or an HTTP date, RFC 9110 10.2.3), clamped to
 * 1 s .. 1 h; null where the header is absent or means nothing.
 */
export function parseRetryAfter(header: string | undefined, now: Date): number | null {
  const text = header?.trim() ?? '';
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : dateMs(text) - now.getTime();
  if (Number.isNaN(waitMs)) return null;
  return Math.round(Math.min(RETRY_AFTER_MAX_MS, Math.max(RETRY_AFTER_MIN_MS, waitMs)));
}

/** `HTTP 503: first 200 characters of the body`, for an outcome's detail. */
export function describeAnswer(answer: HttpAnswer): string {
  const body = Array.from(
    answer.body
      .slice(0, 4 * BODY_CHARS_MAX)
      .replace(/\s+/g, ' ')
      .trim(),
  );
  return `HTTP ${answer.status}${body.length > 0 ? `: ${body.slice(0, BODY_CHARS_MAX).join('')}` : ''}`;
}

/** An HTTP date holds a comma or a time; `-5` and `soon` must not pass as one, which Date.parse would allow. */
function dateMs(text: string): number {
  if (!/[a-z]{3}.*\d{2}:\d{2}/i.test(text)) return Number.NaN;
  // The oldest of the three forms names no zone and means GMT; Date.parse would take the machine's own.
  return Date.parse(/\bGMT\b|[+-]\d{4}$|\bUTC\b/i.test(text) ? text : `${text} GMT`);
}

function ofFailure(failure: HttpFailure, ambiguous: 'unknown' | 'retryable'): Outcome {
  const outcome = failure.sent ? ambiguous : 'retryable';
  return { outcome, reason: failure.reason, status: null, detail: failure.detail.slice(0, DETAIL_CHARS_MAX) };
}

function meaningOf(status: number): StatusMeaning | 'ok' {
  if (status >= 200 && status < 300) return 'ok';
  if (status >= 300 && status < 400) return 'permanent';
  if (status === 408 || status === 425 || status === 429) return 'retryable';
  return status >= 400 && status < 500 ? 'permanent' : 'retryable';
}

function reasonOf(status: number): Reason {
  if (status >= 200 && status < 300) return 'wrong-body';
  if (status >= 300 && status < 400) return 'redirect';
  if (status >= 500 && status < 600) return 'server-error';
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not-found';
    case 408:
      return 'timeout';
    case 410:
      return 'gone';
    case 413:
      return 'too-large';
    case 425:
    case 429:
      return 'rate-limited';
    default:
      return status >= 400 && status < 500 ? 'invalid-request' : 'unexpected';
  }
}
