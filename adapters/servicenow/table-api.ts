/**
 * The Table API (destinations 2.3, 2.5): no trust in a 2xx without `result`, as a hibernating instance and a login page
 * answer 200 with HTML.
 */
import type { DeliverContext, HttpRequest, Outcome } from '#src/core/adapter.ts';
import { callInstance, WRITE_TIMEOUT_MS } from './call.ts';
import type { EncodedQuery } from './correlation.ts';
import { baseUrl, type ServiceNowSettings } from './settings.ts';

/** A record as the API sends it; read values with `textOf`. */
export type Row = Readonly<Record<string, unknown>>;

type Reply<T> = { ok: true; status: number; result: T } | { ok: false; outcome: Outcome };

/** A read has no effect and can be given up early. */
const READ_TIMEOUT_MS = 10_000;

interface ListOptions {
  query: EncodedQuery | null;
  fields: readonly string[];
  limit: number;
}

export interface TableApi {
  /** Records that match; an empty list where none does. */
  list(table: string, options: ListOptions): Promise<Reply<Row[]>>;
  /** One record. `display` gives labels in place of values, and the only readable form of a journal. */
  read(table: string, sysId: string, options: { fields: readonly string[]; display?: boolean }): Promise<Reply<Row>>;
  create(table: string, values: Readonly<Record<string, string>>): Promise<Reply<Row>>;
  update(table: string, sysId: string, values: Readonly<Record<string, string>>): Promise<Reply<Row>>;
}

/** Binds the API to one delivery's client, clock and credentials. */
export function tableApi(context: DeliverContext<ServiceNowSettings>): TableApi {
  const root = `${baseUrl(context.settings)}/api/now/table`;
  const read = async (path: string, parameters: Record<string, string>): Promise<Reply<unknown>> => {
    const url = `${root}/${path}?${new URLSearchParams(parameters).toString()}`;
    return call({ method: 'GET', url, timeoutMs: READ_TIMEOUT_MS }, context);
  };
  const write = (method: 'POST' | 'PATCH', path: string, values: object): Promise<Reply<unknown>> =>
    call({ method, url: `${root}/${path}`, body: JSON.stringify(values), timeoutMs: WRITE_TIMEOUT_MS }, context);

  return {
    async list(table, { query, fields, limit }) {
      const reply = await read(table, {
        ...(query === null ? {} : { sysparm_query: query }),
        sysparm_fields: fields.join(','),
        sysparm_limit: String(limit),
        sysparm_display_value: 'false',
      });
      // Old releases answer 404 "No Record found" to a query that matches nothing.
      if (!reply.ok && reply.outcome.status === 404 && /no record/i.test(reply.outcome.detail ?? '')) {
        return { ok: true, status: 404, result: [] };
      }
      if (reply.ok && !Array.isArray(reply.result)) return wrongBody(reply.status, 'a list was expected');
      return reply as Reply<Row[]>;
    },
    async read(table, sysId, { fields, display = false }) {
      const parameters = { sysparm_fields: fields.join(','), sysparm_display_value: String(display) };
      return asRow(await read(`${table}/${encodeURIComponent(sysId)}`, parameters));
    },
    create: async (table, values) => asRow(await write('POST', table, values)),
    update: async (table, sysId, values) =>
      asRow(await write('PATCH', `${table}/${encodeURIComponent(sysId)}`, values)),
  };
}

/** A column's value; references come as an object with `value`, missing columns as null. */
export function textOf(row: Row, column: string): string | null {
  const value = row[column];
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'object' && value !== null && 'value' in value) return String(value.value);
  return null;
}

async function call(request: HttpRequest, context: DeliverContext<ServiceNowSettings>): Promise<Reply<unknown>> {
  const reply = await callInstance(request, context);
  if (!reply.ok) return reply;
  const { status, json } = reply;
  if (typeof json !== 'object' || json === null || !('result' in json)) {
    return wrongBody(status, 'no JSON with a result: a login page, a hibernating instance or maintenance');
  }
  return { ok: true, status, result: json.result };
}

function asRow(reply: Reply<unknown>): Reply<Row> {
  if (!reply.ok) return reply;
  const { result, status } = reply;
  const isRow = typeof result === 'object' && result !== null && !Array.isArray(result);
  return isRow ? { ok: true, status, result: result as Row } : wrongBody(status, 'a record was expected');
}

/** 201 says that something was created even where the body does not show it; any other 2xx without a result is no success. */
function wrongBody(status: number, what: string): { ok: false; outcome: Outcome } {
  const outcome = status === 201 ? 'unknown' : 'retryable';
  return { ok: false, outcome: { outcome, reason: 'wrong-body', status, detail: `HTTP ${status}, but ${what}` } };
}
