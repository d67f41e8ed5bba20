/** Queries of Log Analytics workspaces, through `@azure/monitor-query-logs`; the only file that knows it (azure-local 3). */
import type { LogsQueryResult, LogsTable } from '@azure/monitor-query-logs';
import { safeText } from '#src/core/safe.ts';
import { fieldsOf, type Fields } from './fields.ts';
import { asAzureError, sdkTarget, type SdkOptions } from './sdk-transport.ts';

export interface LogsAnswer {
  /** Cells by lower-cased column name. */
  rows: Fields[];
  /** Why only a part came; null when all of it did. */
  partial: string | null;
}

export interface LogsReader {
  /** Rejects with AzureError. Times in ISO 8601 UTC. */
  query(workspace: string, text: string, span: { from: string; to: string }): Promise<LogsAnswer>;
}

/** The server gives up before our own call does, and then says why. */
const SERVER_LIMIT_S = 40;

/** `url` is an origin; the library is loaded here (32 MB). */
export async function openLogs(url: string, scope: string, options: SdkOptions): Promise<LogsReader> {
  const { LogsQueryClient } = await import('@azure/monitor-query-logs');
  // Taken to the letter, and without a version the service answers 404.
  const { endpoint, credential, ...target } = sdkTarget(`${url}/v1`, options);
  const client = new LogsQueryClient(credential, { ...target, endpoint, credentials: { scopes: [scope] } });
  return {
    async query(workspace, text, { from, to }) {
      try {
        const timespan = { startTime: new Date(from), endTime: new Date(to) };
        return answerOf(
          await client.queryWorkspace(workspace, text, timespan, { serverTimeoutInSeconds: SERVER_LIMIT_S }),
        );
      } catch (error) {
        throw asAzureError(error);
      }
    },
  };
}

function answerOf(result: LogsQueryResult): LogsAnswer {
  if ('partialTables' in result) {
    const { code, message, innererror } = result.partialError;
    const words = [code, message, innererror?.message].filter((part) => typeof part === 'string' && part !== '');
    return { rows: rowsOf(result.partialTables), partial: words.join(': ').slice(0, 200) };
  }
  return { rows: rowsOf(result.tables), partial: null };
}

function rowsOf(tables: readonly LogsTable[]): Fields[] {
  return tables.flatMap(({ columnDescriptors, rows }) =>
    rows.map((row) =>
      fieldsOf(Object.fromEntries(columnDescriptors.map(({ name }, index) => [name, storable(row[index])]))),
    ),
  );
}

/** Whoever may write a log may write what Postgres cannot store. */
function storable(cell: unknown): unknown {
  return typeof cell === 'string' ? safeText(cell) : cell;
}
