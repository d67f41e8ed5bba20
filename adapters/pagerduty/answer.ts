/** What an answer of the Events API means (destinations 1.5). */
import type { HttpAnswer, HttpFailure, Outcome } from '#src/core/adapter.ts';
import { classifyHttp, describeAnswer } from '../shared/status.ts';

/** PagerDuty names no `Retry-After`; its advice is tries 30 s apart (destinations 0.2). */
const RATE_LIMITED_MS = 30_000;
const DETAIL_CHARS_MAX = 500;

/** Null where the event was taken: status 202 and a body that says success. Everything else is an outcome. */
export function judgeAnswer(result: HttpAnswer | HttpFailure, now: Date): Outcome | null {
  const outcome = classifyHttp(result, { now });
  if (!result.answered) return outcome;
  if (outcome === null) {
    if (result.status === 202 && fieldsOf(result.body)['status'] === 'success') return null;
    return { outcome: 'retryable', reason: 'wrong-body', status: result.status, detail: describeAnswer(result) };
  }
  if (result.status === 400) return { ...outcome, detail: faultsIn(result) };
  if (outcome.outcome === 'retryable' && outcome.reason === 'rate-limited') {
    return { ...outcome, retryAfterMs: outcome.retryAfterMs ?? RATE_LIMITED_MS };
  }
  return outcome;
}

/** `HTTP 400: Event object is invalid: what is wrong; what else`: the list says which field it was. */
function faultsIn(answer: HttpAnswer): string {
  const { message, errors } = fieldsOf(answer.body);
  const faults = Array.isArray(errors) ? errors.filter((entry) => typeof entry === 'string').join('; ') : '';
  const parts = [typeof message === 'string' ? message : '', faults].filter((part) => part !== '');
  if (parts.length === 0) return describeAnswer(answer);
  return Array.from(`HTTP 400: ${parts.join(': ')}`)
    .slice(0, DETAIL_CHARS_MAX)
    .join('');
}

function fieldsOf(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
