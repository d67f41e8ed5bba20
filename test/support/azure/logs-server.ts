/**
 * A strict local Log Analytics query API, for the real client of `@azure/monitor-query-logs`. No KQL is run here: a query
 * is recognised by its tables, and what it would filter and sum is done by hand, by the ids, times and bins that stand
 * in it. A table that nobody sends to this workspace is refused as the service refuses it.
 */
import { VendorServer, type VendorAnswer, type VendorRequest } from '#test/support/vendors/vendor-server.ts';
import { ACTIVITY_RESULT, activityRows, type ActivityCells } from './activity-table.ts';
import { ARM_TOKEN } from './arm-server.ts';

export interface LoggedRequest {
  /** Id of the registry, any case. */
  resource: string;
  at: string;
  region: string;
  operation: 'Pull' | 'Push' | 'Login';
  code: string;
  count?: number;
}

export interface LoggedPods {
  /** Id of a cluster, or for events the name of a registry. */
  resource: string;
  at: string;
  pods?: number;
  failed: number;
}

type Row = (string | number | null)[];
type Columns = [name: string, type: string][];

export class LogsServer extends VendorServer {
  requestsLogged: LoggedRequest[] = [];
  podsLogged: LoggedPods[] = [];
  podEvents: LoggedPods[] = [];
  activity: ActivityCells[] = [];
  /** Tables that exist; the registry's two are asked for as a union and may be missing. */
  readonly tables = new Set(['KubePodInventory', 'KubeEvents']);
  readonly workspaces = new Set<string>();
  /** The next answers hold half of their rows, and say so. */
  partial: { code: string; message: string } | null = null;
  token = ARM_TOKEN;

  constructor() {
    super((request) => this.#answer(request));
  }

  #answer(request: VendorRequest): VendorAnswer {
    const match = /^\/v1\/workspaces\/([^/]+)\/query$/.exec(new URL(request.path, this.url).pathname);
    if (request.method !== 'POST' || !match)
      return error(404, 'PathNotFoundError', 'The requested path does not exist');
    if (request.headers['authorization'] !== `Bearer ${this.token}`)
      return error(401, 'InvalidTokenError', 'The provided authentication is not valid for this resource');
    if (!this.workspaces.has(match[1]!))
      return error(403, 'InsufficientAccessError', 'The provided credentials have insufficient access');
    const { query = '', timespan } = JSON.parse(request.body) as { query?: string; timespan?: string };
    if (typeof timespan !== 'string' || !timespan.includes('/')) return error(400, 'BadArgumentError', 'timespan');
    if (!/^wait=\d+$/.test(request.headers['prefer'] ?? '')) return error(400, 'BadArgumentError', 'no server limit');
    const answer = query.startsWith('AzureActivity\n') ? this.#activity(query) : this.#binned(query);
    if (answer === null) return error(400, 'BadArgumentError', 'SYN0002: A recognition error occurred in the query.');
    if (typeof answer === 'string')
      return error(
        400,
        'BadArgumentError',
        `SEM0100: 'where' operator: Failed to resolve table or column expression named '${answer}'`,
      );
    const [columns, rows] = answer;
    const shown = this.partial ? rows.slice(0, Math.floor(rows.length / 2)) : rows;
    const tables = [{ name: 'PrimaryResult', columns: columns.map(([name, type]) => ({ name, type })), rows: shown }];
    return { status: 200, body: { tables, ...(this.partial ? { error: { ...this.partial, details: [] } } : {}) } };
  }

  #activity(query: string): [Columns, Row[]] | string | null {
    const rows = activityRows(this.activity, query);
    return Array.isArray(rows) ? [ACTIVITY_RESULT, rows] : rows;
  }

  #binned(query: string): [Columns, Row[]] | string | null {
    const bins = binsOf(query);
    return bins === null ? null : this.#rows(query, bins);
  }

  #rows(query: string, bins: Bins): [Columns, Row[]] | string {
    if (query.includes('ContainerRegistryRepositoryEvents')) {
      const groups = Map.groupBy(within(this.requestsLogged, query, bins), (one) =>
        [bins.of(one.at), one.resource.toLowerCase(), one.region, one.operation.toLowerCase(), one.code].join('\n'),
      );
      const rows = [...groups].map(([key, some]): Row => {
        const [at = '', resource = '', region = '', operation = '', code = ''] = key.split('\n');
        return [at, resource, region, operation, code, some.reduce((sum, one) => sum + (one.count ?? 1), 0)];
      });
      return [
        [
          ['at', 'datetime'],
          ['resource', 'string'],
          ['region', 'string'],
          ['operation', 'string'],
          ['code', 'string'],
          ['requests', 'long'],
        ],
        rows,
      ];
    }
    const table = query.split('\n')[0]!.trim();
    if (!this.tables.has(table)) return table;
    const rows = within(table === 'KubePodInventory' ? this.podsLogged : this.podEvents, query, bins).map(
      (one): Row => [bins.of(one.at), one.resource.toLowerCase(), one.pods ?? null, one.failed],
    );
    return [
      [
        ['at', 'datetime'],
        ['resource', 'string'],
        ['pods', 'long'],
        ['failed', 'long'],
      ],
      rows,
    ];
  }
}

interface Bins {
  fromMs: number;
  toMs: number;
  of: (at: string) => string;
}

/** `bin_at(TimeGenerated, 5m, datetime(...))` and the two bounds of time; null where one is missing. */
function binsOf(query: string): Bins | null {
  const bin = /bin_at\(TimeGenerated, (\d+)m, datetime\(([^)]+)\)\)/.exec(query);
  const bounds = /TimeGenerated >= datetime\(([^)]+)\) and TimeGenerated < datetime\(([^)]+)\)/.exec(query);
  if (!bin || !bounds) return null;
  const [width, originMs] = [Number(bin[1]) * 60_000, Date.parse(bin[2]!)];
  return {
    fromMs: Date.parse(bounds[1]!),
    toMs: Date.parse(bounds[2]!),
    of: (at) => new Date(originMs + Math.floor((Date.parse(at) - originMs) / width) * width).toISOString(),
  };
}

function within<T extends { resource: string; at: string }>(
  rows: readonly T[],
  query: string,
  { fromMs, toMs }: Bins,
): T[] {
  const named = new Set([...query.matchAll(/'([^']+)'/g)].map(([, text = '']) => text.toLowerCase()));
  return rows.filter((row) => {
    const atMs = Date.parse(row.at);
    return atMs >= fromMs && atMs < toMs && named.has(row.resource.toLowerCase());
  });
}

function error(status: number, code: string, message: string): VendorAnswer {
  return { status, body: { error: { code, message } } };
}
