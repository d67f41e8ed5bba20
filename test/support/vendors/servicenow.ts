/**
 * Strict stand-in of a ServiceNow instance: Table API over incidents and choices, OAuth, rate rules, data policies and
 * the odd answers of destinations 2.5. Slow creates that succeed after the client gave up come from the base's faults.
 */
import { SnEvents } from './servicenow-events.ts';
import { pick, runQuery, showRow, SnTable, type SnIncident, type SnRow } from './servicenow-table.ts';
import { VendorServer, type VendorAnswer, type VendorRequest } from './vendor-server.ts';

export interface ServiceNowOptions {
  closeCodes?: readonly string[];
  /** Columns that a new record must have, by data policy and dictionary. */
  mandatory?: readonly string[];
  customColumns?: readonly string[];
  /** Tables that answer 403. */
  forbiddenTables?: readonly string[];
  tokenLifeSeconds?: number;
}

/** What this instance takes for credentials. */
export const SERVICENOW_CREDENTIALS = {
  username: 'svc.relay',
  password: 'servicenow-password-81',
  clientId: 'relay-client',
  clientSecret: 'servicenow-client-secret-92',
  apiKey: 'servicenow-api-key-73',
} as const;

const CLOSE_CODES = ['Solution provided', 'Resolved by request', 'Workaround provided', 'No resolution provided'];

/** What was written, in order: the ticket as a person reads it. */
export interface ServiceNowEntry {
  sysId: string;
  kind: 'created' | 'note' | 'resolved' | 'reopened' | 'changed';
  text: string;
}

export class ServiceNowServer extends VendorServer {
  readonly entries: ServiceNowEntry[] = [];
  readonly events = new SnEvents();
  /** Why requests were refused as invalid. */
  readonly refusals: string[] = [];
  creates = 0;
  /** Records that were put back from resolved to work. */
  reopens = 0;
  tokensIssued = 0;
  /** A sleeping or signed-out instance: every call gets a page with 200. */
  hibernating = false;
  readonly #table: SnTable;
  readonly #options: Required<ServiceNowOptions>;
  readonly #tokens = new Map<string, number>();
  #limited: { left: number; retryAfterSeconds: number } = { left: 0, retryAfterSeconds: 0 };

  constructor(options: ServiceNowOptions = {}) {
    super((request) => this.#receive(request));
    const defaults = {
      closeCodes: CLOSE_CODES,
      mandatory: [],
      customColumns: [],
      forbiddenTables: [],
      tokenLifeSeconds: 1800,
    };
    this.#options = { ...defaults, ...options };
    this.#table = new SnTable(this.#options.customColumns);
  }

  /** All incidents, oldest first. */
  incidents(): readonly SnIncident[] {
    return this.#table.rows;
  }

  byCorrelation(key: string): SnIncident[] {
    return this.#table.rows.filter((row) => row.columns['correlation_id'] === key);
  }

  /** Something that people or other tools do at the instance, past every policy. */
  plant(values: SnRow): SnIncident {
    return this.#table.insert(values);
  }

  setState(sysId: string, state: string): void {
    const row = this.#table.byId(sysId);
    if (row) this.#table.update(row, { state });
  }

  remove(sysId: string): void {
    this.#table.rows.splice(0, Infinity, ...this.#table.rows.filter((row) => row.sysId !== sysId));
  }

  /** Tokens given out so far are worth nothing any more. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /** The next calls meet an hourly rate rule. */
  limitNext(times: number, retryAfterSeconds: number): void {
    this.#limited = { left: times, retryAfterSeconds };
  }

  #receive(request: VendorRequest): VendorAnswer {
    if (this.hibernating) return page();
    const url = new URL(request.path, 'http://stand-in');
    if (url.pathname === '/oauth_token.do') return this.#issueToken(request);
    if (url.pathname === '/api/global/em/jsonv2')
      return this.#authenticated(request) ? this.events.receive(request.body) : unauthenticated();
    const route = /^\/api\/now\/(?:v2\/)?table\/(\w+)(?:\/(\w+))?$/.exec(url.pathname);
    if (!route) return page(404);
    const [, table = '', sysId = null] = route;
    if (this.#limited.left-- > 0) return this.#rateLimited();
    if (!this.#authenticated(request)) return unauthenticated();
    const json = (name: string) => (request.headers[name] ?? '').startsWith('application/json');
    if (!json('accept') || (request.method !== 'GET' && !json('content-type'))) {
      return this.#refuse(400, 'Exception while processing request', 'only JSON in both directions');
    }
    if (this.#options.forbiddenTables.includes(table))
      return failure(403, 'User Not Authorized', `no read access to ${table}`);
    if (table === 'sys_choice' || table === 'sys_dictionary') return this.#meta(table, url.searchParams);
    if (table !== 'incident') return failure(400, 'Invalid table', table);
    if (request.method === 'GET')
      return sysId === null ? this.#list(url.searchParams) : this.#read(sysId, url.searchParams);
    const body = parseBody(request.body);
    if (body === null) return this.#refuse(400, 'Exception while reading request', 'the payload is not valid JSON');
    if (request.method === 'POST' && sysId === null) return this.#create(body);
    if (request.method === 'PATCH' && sysId !== null) return this.#update(sysId, body);
    return failure(405, 'Method not supported', request.method);
  }

  #list(parameters: URLSearchParams): VendorAnswer {
    const rows = this.#table.query(parameters.get('sysparm_query') ?? '');
    return ok(
      rows.slice(0, Number(parameters.get('sysparm_limit') ?? 10_000)).map((row) => showRow(row, view(parameters))),
    );
  }

  #read(sysId: string, parameters: URLSearchParams): VendorAnswer {
    const row = this.#table.byId(sysId);
    return row ? ok(showRow(row, view(parameters))) : noRecord();
  }

  #create(values: SnRow): VendorAnswer {
    const missing = this.#options.mandatory.filter((column) => (values[column] ?? '') === '');
    if (missing.length > 0) return this.#policy(`The following fields are mandatory: ${missing.join(', ')}`);
    const fault = this.#stateFault(values, values);
    if (fault !== null) return this.#policy(fault);
    const row = this.#table.insert(values);
    this.creates++;
    const { short_description: title, description } = row.columns;
    this.entries.push({ sysId: row.sysId, kind: 'created', text: `${title ?? ''}\n${description ?? ''}` });
    const location = `${this.url}/api/now/table/incident/${row.sysId}`;
    return {
      status: 201,
      headers: { location, ...COOKIE },
      body: { result: showRow(row, { fields: null, display: false }) },
    };
  }

  #update(sysId: string, values: SnRow): VendorAnswer {
    const row = this.#table.byId(sysId);
    if (!row) return noRecord();
    const before = row.columns['state'];
    if (before === '7') return this.#policy('Closed incidents are read only without itil_admin');
    const fault = this.#stateFault(values, { ...row.columns, ...values });
    if (fault !== null) return this.#policy(fault);
    this.#table.update(row, values);
    const after = row.columns['state'];
    const note = values['work_notes'] ?? '';
    if (after === '6' && before !== '6') {
      this.entries.push({ sysId, kind: 'resolved', text: row.columns['close_notes'] ?? '' });
    } else if (before === '6' && after !== '6') {
      this.reopens++;
      this.entries.push({ sysId, kind: 'reopened', text: note });
    } else this.entries.push({ sysId, kind: note === '' ? 'changed' : 'note', text: note });
    return ok(showRow(row, { fields: null, display: false }));
  }

  /** 6 wants a valid code and notes (data policy), 7 a role that integrations do not have (destinations 2.3). */
  #stateFault(values: SnRow, whole: SnRow): string | null {
    if (values['state'] === '7') return 'Closing needs itil_admin';
    if (values['state'] !== '6') return null;
    const code = whole['close_code'] ?? '';
    if (code === '' || (whole['close_notes'] ?? '') === '') {
      return 'Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes';
    }
    return this.#options.closeCodes.includes(code)
      ? null
      : 'Data Policy Exception: Resolution code is not a valid choice';
  }

  #meta(table: 'sys_choice' | 'sys_dictionary', parameters: URLSearchParams): VendorAnswer {
    const choice = (element: string, value: string): SnRow => ({
      name: 'incident',
      element,
      value,
      label: value,
      inactive: 'false',
    });
    const rows: SnRow[] =
      table === 'sys_choice'
        ? [choice('state', '6'), ...this.#options.closeCodes.map((code) => choice('close_code', code))]
        : this.#options.mandatory.map((element) => ({ name: 'incident', element, mandatory: 'true' }));
    const encoded = parameters.get('sysparm_query') ?? '';
    const has = (column: string) => rows.some((row) => column in row);
    const matched = runQuery(
      rows.map((columns) => ({ columns })),
      { encoded, has },
    );
    const { fields } = view(parameters);
    return ok(matched.map(({ columns }) => (fields === null ? columns : pick(columns, fields))));
  }

  #authenticated({ headers }: VendorRequest): boolean {
    // A stale session is refused whatever else is sent (destinations 2.5).
    if (headers['cookie'] !== undefined) return false;
    const { username, password, apiKey } = SERVICENOW_CREDENTIALS;
    if (headers['x-sn-apikey'] === apiKey) return true;
    const [scheme, value = ''] = (headers['authorization'] ?? '').split(' ');
    if (scheme === 'Basic') return Buffer.from(value, 'base64').toString('utf8') === `${username}:${password}`;
    return scheme === 'Bearer' && (this.#tokens.get(value) ?? 0) > Date.now();
  }

  #issueToken(request: VendorRequest): VendorAnswer {
    const form = new URLSearchParams(request.body);
    const { clientId, clientSecret } = SERVICENOW_CREDENTIALS;
    if (request.method !== 'POST' || form.get('grant_type') !== 'client_credentials') {
      return { status: 400, body: { error: 'unsupported_grant_type' } };
    }
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) {
      return { status: 401, body: { error: 'server_error', error_description: 'access_denied' } };
    }
    const token = `sn-access-token-${++this.tokensIssued}-5e1b`;
    this.#tokens.set(token, Date.now() + this.#options.tokenLifeSeconds * 1_000);
    const body = {
      access_token: token,
      expires_in: this.#options.tokenLifeSeconds,
      token_type: 'Bearer',
      scope: 'useraccount',
    };
    return { status: 200, body };
  }

  #rateLimited(): VendorAnswer {
    const { retryAfterSeconds } = this.#limited;
    const headers = {
      'retry-after': String(retryAfterSeconds),
      'x-ratelimit-limit': '600',
      'x-ratelimit-reset': String(Math.ceil(Date.now() / 1_000) + retryAfterSeconds),
      'x-ratelimit-rule': 'relay per hour',
    };
    return { ...failure(429, 'Rate limit exceeded', 'Rate limit exceeded for the rule'), headers };
  }

  #policy(detail: string): VendorAnswer {
    return this.#refuse(403, 'Operation Failed', detail);
  }

  #refuse(status: number, message: string, detail: string): VendorAnswer {
    this.refusals.push(detail);
    return failure(status, message, detail);
  }
}

const COOKIE = { 'set-cookie': 'JSESSIONID=stale-session-0a1b; Path=/' };

function ok(result: unknown): VendorAnswer {
  return { status: 200, headers: { ...COOKIE }, body: { result } };
}

function failure(status: number, message: string, detail: string): VendorAnswer {
  return { status, body: { error: { message, detail }, status: 'failure' } };
}

function unauthenticated(): VendorAnswer {
  return failure(401, 'User Not Authenticated', 'Required to provide Auth information');
}

function noRecord(): VendorAnswer {
  return failure(404, 'No Record found', 'Record does not exist or ACL restricts the record retrieval');
}

function page(status = 200): VendorAnswer {
  return {
    status,
    headers: { 'content-type': 'text/html' },
    body: '<html><body>Your instance is hibernating</body></html>',
  };
}

function view(parameters: URLSearchParams): { fields: string[] | null; display: boolean } {
  const display = parameters.get('sysparm_display_value') === 'true';
  return { fields: parameters.get('sysparm_fields')?.split(',') ?? null, display };
}

function parseBody(body: string): SnRow | null {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
    return Object.fromEntries(Object.entries(json).map(([column, value]) => [column, String(value)]));
  } catch {
    return null;
  }
}
