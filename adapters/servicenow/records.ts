/**
 * Finding our record again (destinations 2.4): by the remembered sys_id, else by correlation id. `correlation_id` is
 * not unique and a query may match more than it says, so every row is checked before anything is done with it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { DeliverContext, Outcome } from '#src/core/adapter.ts';
import { byCorrelation, type CorrelationKey } from './correlation.ts';
import type { ServiceNowSettings } from './settings.ts';
import { textOf, type Row, type TableApi } from './table-api.ts';

/** `resolved` can still take notes and be reopened; `closed` (or canceled) is left alone. */
type Phase = 'open' | 'resolved' | 'closed';

export interface IncidentRecord {
  sysId: string;
  number: string | null;
  state: string | null;
  phase: Phase;
}

export interface Located {
  ok: true;
  record: IncidentRecord | null;
  /** We once had a record and it is deleted, or hidden by an access rule: 404 means either (destinations 2.5). */
  gone: boolean;
  /** Numbers of further open records under the same key. */
  duplicates: string[];
}

export interface LocateOptions {
  key: CorrelationKey;
  api: TableApi;
  /** The record is about to be opened: one that is over is not the end of the search. */
  opening: boolean;
  /** A create may be under way still: look twice. */
  twice: boolean;
}

const FIELDS = ['sys_id', 'number', 'state', 'active', 'correlation_id', 'sys_created_on'];
/** More under one key than a handful is no duplicate of ours but a query that matched everything. */
const ROWS_MAX = 10;
/** A create that the instance finishes after we gave up shows within moments, or not at all. */
const PAUSE_MS = 2_000;

/** Where the record of this delivery is now. */
export async function locate(
  context: DeliverContext<ServiceNowSettings>,
  options: LocateOptions,
): Promise<Located | { ok: false; outcome: Outcome }> {
  const sysId = context.memo['sysId'];
  let remembered: IncidentRecord | null = null;
  if (typeof sysId === 'string' && sysId !== '') {
    const reply = await options.api.read('incident', sysId, { fields: FIELDS });
    if (!reply.ok && reply.outcome.status !== 404) return reply;
    // The id is the record's own: its correlation id need not be readable, but another record must not pass for it.
    if (reply.ok && textOf(reply.result, 'sys_id') === sysId) remembered = recordOf(reply.result, context.settings);
    if (remembered !== null && (remembered.phase === 'open' || !options.opening)) return found(remembered);
  }
  let rows = await lookUp(context, options);
  if (Array.isArray(rows) && options.twice && !rows.some((row) => fits(row, context.settings, options))) {
    await pause(PAUSE_MS, undefined, { signal: context.signal }).catch(() => undefined);
    rows = await lookUp(context, options);
  }
  if (!Array.isArray(rows)) return rows;
  const open = rows.filter((row) => row.phase === 'open');
  const record = open[0] ?? rows.findLast((row) => row.phase === 'resolved') ?? rows.at(-1) ?? remembered;
  const duplicates = open.slice(1).map((row) => row.number ?? row.sysId);
  return { ok: true, record, gone: record === null && typeof sysId === 'string', duplicates };
}

/** A record as the API shows it; null without a sys_id. */
export function recordOf(row: Row, settings: ServiceNowSettings): IncidentRecord | null {
  const sysId = textOf(row, 'sys_id');
  if (sysId === null || sysId === '') return null;
  const state = textOf(row, 'state');
  return { sysId, number: textOf(row, 'number'), state, phase: phaseOf(state, textOf(row, 'active'), settings) };
}

function phaseOf(state: string | null, active: string | null, settings: ServiceNowSettings): Phase {
  const { resolved, closed, canceled } = settings.states;
  if (state === closed || state === canceled) return 'closed';
  if (state === resolved) return 'resolved';
  return active === 'false' ? 'closed' : 'open';
}

/** The record makes a second look needless: nothing would be created. */
function fits(record: IncidentRecord, settings: ServiceNowSettings, { opening }: LocateOptions): boolean {
  if (!opening || record.phase === 'open') return true;
  return record.phase === 'resolved' && settings.reopen === 'reopen';
}

function found(record: IncidentRecord): Located {
  return { ok: true, record, gone: false, duplicates: [] };
}

/** Records that really carry the key, oldest first. */
async function lookUp(
  context: DeliverContext<ServiceNowSettings>,
  { api, key }: LocateOptions,
): Promise<IncidentRecord[] | { ok: false; outcome: Outcome }> {
  const reply = await api.list('incident', { query: byCorrelation(key), fields: FIELDS, limit: ROWS_MAX });
  if (!reply.ok) return reply;
  const ours = reply.result.filter((row) => textOf(row, 'correlation_id') === key);
  if (ours.length < reply.result.length) {
    // An instance drops a condition on a column that it does not know and then returns everything (destinations 2.5).
    context.log.warn({ rows: reply.result.length, ours: ours.length }, 'the look-up matched records of other keys');
  }
  return ours.map((row) => recordOf(row, context.settings)).filter((record) => record !== null);
}
