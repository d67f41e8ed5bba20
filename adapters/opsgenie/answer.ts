/** What an answer of the Alert API means, at once and later (destinations 5). */
import type { HttpAnswer, HttpFailure, Outcome, Receipt } from '#src/core/adapter.ts';
import { classifyHttp, describeAnswer } from '../shared/status.ts';

export type Judged = { taken: true; requestId: string; status: number } | { taken: false; outcome: Outcome };

/** Taken is a 202 with a request id; without the id nobody can ever tell what became of it. */
export function judgeAnswer(result: HttpAnswer | HttpFailure, now: Date): Judged {
  const outcome = classifyHttp(result, { now });
  if (outcome !== null || !result.answered) {
    return { taken: false, outcome: outcome ?? { outcome: 'unknown', reason: 'unexpected' } };
  }
  const { status } = result;
  const requestId = fieldsOf(result.body)['requestId'];
  if (status === 202 && typeof requestId === 'string' && /^[\w-]{1,100}$/.test(requestId)) {
    return { taken: true, requestId, status };
  }
  return {
    taken: false,
    outcome: { outcome: 'retryable', reason: 'wrong-body', status, detail: describeAnswer(result) },
  };
}

/**
 * Reads the status of a request: `confirmed` with the alert's id, or `accepted` with `failed: true` and the vendor's
 * words where it had no effect. Null while the vendor does not know (404 until it is processed) or cannot be asked.
 */
export function confirmReceipt(receipt: Receipt, result: HttpAnswer | HttpFailure): Receipt | null {
  if (!result.answered || result.status !== 200) return null;
  const data = fieldsOf(result.body)['data'];
  if (typeof data !== 'object' || data === null) return null;
  const { isSuccess, status, alertId } = data as Record<string, unknown>;
  const vendorStatus = typeof status === 'string' ? status.slice(0, 200) : null;
  if (isSuccess === true) {
    return { ...receipt, level: 'confirmed', vendorStatus, alertId: typeof alertId === 'string' ? alertId : null };
  }
  return isSuccess === false ? { ...receipt, level: 'accepted', failed: true, vendorStatus } : null;
}

function fieldsOf(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
