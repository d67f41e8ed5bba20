/** Receipts and memos: what the instance answered, and what finds the record again. */
import type { Accepted, DeliverContext, Memo, Outcome, Receipt } from '#src/core/adapter.ts';
import type { Severity } from '#src/core/signal.ts';
import type { IncidentRecord } from './records.ts';
import { baseUrl, type ServiceNowSettings } from './settings.ts';

export interface ReceiptNotes {
  level?: 'accepted' | 'confirmed';
  status?: number;
  created?: boolean;
  reopened?: boolean;
  note?: string;
  /** Further open records under the same key. */
  duplicates?: readonly string[];
  /** Route fields that the relay does not set. */
  ignoredFields?: readonly string[];
  /** Columns that the instance does not have, or hides from us. */
  notTaken?: readonly string[];
  /** The severity that impact and urgency now stand for. */
  severity?: Severity;
  /** The record replaces one that is gone. */
  recreated?: boolean;
}

type Context = DeliverContext<ServiceNowSettings>;

/** Accepted; with a record also the memo that finds it. */
export function accepted(context: Context, record: IncidentRecord | null, notes: ReceiptNotes): Accepted {
  const { level = 'confirmed', status = null, severity, recreated, duplicates = [], ignoredFields = [] } = notes;
  const { notTaken = [] } = notes;
  const receipt: Receipt = {
    level,
    ...(record === null ? {} : { number: record.number, sysId: record.sysId, state: record.state }),
    ...(record === null ? {} : { url: recordUrl(context.settings, record.sysId) }),
    ...(notes.created === true ? { created: true } : {}),
    ...(notes.reopened === true ? { reopened: true } : {}),
    ...(notes.note === undefined ? {} : { note: notes.note }),
    ...(duplicates.length === 0 ? {} : { duplicates: [...duplicates] }),
    ...(ignoredFields.length === 0 ? {} : { ignoredFields: [...ignoredFields] }),
    ...(notTaken.length === 0 ? {} : { notTaken: [...notTaken] }),
  };
  if (record === null) return { outcome: 'accepted', receipt, status };
  const memo = memoFor(context.memo, record, { severity, recreated });
  return { outcome: 'accepted', receipt, status, memo };
}

/** An outcome that is no success, with the record's id kept for the next try. */
export function keep(context: Context, record: IncidentRecord, outcome: Outcome): Outcome {
  return { ...outcome, memo: memoFor(context.memo, record, {}) };
}

function memoFor(
  memo: Memo,
  record: IncidentRecord,
  { severity, recreated }: { severity?: Severity | undefined; recreated?: boolean | undefined },
): Memo {
  const { createPending: _settled, ...rest } = memo;
  return {
    ...rest,
    sysId: record.sysId,
    number: record.number,
    ...(severity === undefined ? {} : { severity }),
    ...(recreated === true ? { recreated: true } : {}),
  };
}

function recordUrl(settings: ServiceNowSettings, sysId: string): string {
  return `${baseUrl(settings)}/incident.do?sys_id=${encodeURIComponent(sysId)}`;
}
