/**
 * Strict stand-in of the Opsgenie Alert API and its Jira Service Management twin (destinations 5): limits are answered
 * with 422, valid calls with 202 and a request id, and only the request's status tells whether they had an effect. An
 * alias binds to the open alert; a create after the close opens a new one. Serves any base path before `/alerts`, and
 * refuses fields that the API does not know, which is stricter than the vendor.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { VendorServer, type VendorAnswer, type VendorRequest } from './vendor-server.ts';

/** Length in UTF-16 units: the strictest way to count characters. */
const upTo = (max: number) => z.string().max(max, { error: `is longer than ${max} characters` });

const DETAILS_CHARS_MAX = 8_000;

const createBody = z.strictObject({
  message: upTo(130).min(1, { error: 'cannot be empty' }),
  alias: upTo(512).optional(),
  description: upTo(15_000).optional(),
  responders: z
    .array(
      z.strictObject({
        type: z.enum(['team', 'user', 'escalation', 'schedule']),
        id: z.string().optional(),
        name: z.string().optional(),
        username: z.string().optional(),
      }),
    )
    .max(50)
    .optional(),
  tags: z.array(upTo(50)).max(20, { error: 'has more than 20 tags' }).optional(),
  details: z
    .record(z.string(), z.string())
    .refine((map) => Object.entries(map).flat().join('').length <= DETAILS_CHARS_MAX, {
      error: `are longer than ${DETAILS_CHARS_MAX} characters`,
    })
    .optional(),
  entity: upTo(512).optional(),
  source: upTo(100).optional(),
  priority: z.enum(['P1', 'P2', 'P3', 'P4', 'P5']).default('P3'),
  user: upTo(100).optional(),
  note: upTo(25_000).optional(),
});

const actionBody = z.strictObject({
  user: upTo(100).optional(),
  source: upTo(100).optional(),
  note: upTo(25_000).optional(),
});
const noteBody = actionBody.extend({ note: upTo(25_000).min(1, { error: 'cannot be empty' }) });

type CreateBody = z.infer<typeof createBody>;

type OpsgeniePriority = CreateBody['priority'];

export interface OpsgenieAlert {
  id: string;
  alias: string;
  status: 'open' | 'closed';
  acknowledged: boolean;
  /** Creates that fell on this alert, the first included. */
  count: number;
  /** Of the first create, like everything down to `responders`. */
  message: string;
  description: string;
  priority: OpsgeniePriority;
  tags: readonly string[];
  details: Readonly<Record<string, string>>;
  entity: string;
  source: string;
  responders: readonly {
    type: string;
    id?: string | undefined;
    name?: string | undefined;
    username?: string | undefined;
  }[];
  notes: string[];
}

/** What a person reads, in order. */
export interface OpsgenieEntry {
  event: 'create' | 'count' | 'note' | 'acknowledge' | 'close';
  alias: string;
  text: string;
}

export interface OpsgenieRequest {
  requestId: string;
  action: 'Create' | 'AddNote' | 'Acknowledge' | 'Close';
  isSuccess: boolean;
  status: string;
  alertId: string;
  alias: string;
}

export interface OpsgenieOptions {
  /** The key that exists; any key by default. */
  apiKey?: string;
}

export class OpsgenieServer extends VendorServer {
  readonly entries: OpsgenieEntry[] = [];
  /** Every call that was taken with 202, with what became of it. */
  readonly processed: OpsgenieRequest[] = [];
  /** Why calls were refused as invalid. */
  readonly refusals: string[] = [];
  /** How many more times the status of any request is answered with 404, as before it is processed. */
  statusUnknownTimes = 0;
  /** How many more creates are answered with 202 and then have no effect, as over the rate limit (destinations 5). */
  dropCreates = 0;
  readonly #alerts: OpsgenieAlert[] = [];
  readonly #apiKey: string | null;

  constructor(options: OpsgenieOptions = {}) {
    super((request) => this.#receive(request));
    this.#apiKey = options.apiKey ?? null;
  }

  /** What goes into `apiUrl`. */
  get apiUrl(): string {
    return `${this.url}/v2`;
  }

  /** Every alert that was ever opened, oldest first. */
  alerts(): readonly OpsgenieAlert[] {
    return this.#alerts;
  }

  /** How often somebody was woken: alerts ever opened. */
  get pages(): number {
    return this.#alerts.length;
  }

  pagesFor(alias: string): number {
    return this.#alerts.filter((alert) => alert.alias === alias).length;
  }

  /** Calls that were taken and had no effect. */
  get dropped(): OpsgenieRequest[] {
    return this.processed.filter(({ isSuccess }) => !isSuccess);
  }

  #receive(request: VendorRequest): VendorAnswer {
    const url = new URL(request.path, 'http://stand-in');
    const [, rest] = /\/alerts(\/.*)?$/.exec(url.pathname) ?? [null, null];
    if (rest === null) return answer(404, 'No such resource');
    const given = /^GenieKey (\S+)$/.exec(request.headers['authorization'] ?? '')?.[1];
    if (given === undefined || (this.#apiKey !== null && given !== this.#apiKey)) {
      return answer(401, 'Could not authenticate');
    }
    const parts = (rest ?? '').split('/').slice(1).map(decodeURIComponent);
    if (request.method === 'GET' && parts.length === 2 && parts[0] === 'requests') return this.#status(parts[1] ?? '');
    if (request.method !== 'POST') return answer(405, 'Method not allowed');
    const body = parse(request.body);
    if (body === undefined) return this.#refuse(400, 'Body is not valid JSON');
    if (parts.length === 0) return this.#create(body);
    const [identifier = '', verb] = parts;
    const type = url.searchParams.get('identifierType') ?? 'id';
    const find = () => this.#find(identifier, type);
    if (verb === 'notes') return this.#act('AddNote', { body, find });
    if (verb === 'close') return this.#act('Close', { body, find });
    if (verb === 'acknowledge') return this.#act('Acknowledge', { body, find });
    return answer(404, 'No such resource');
  }

  #create(body: unknown): VendorAnswer {
    const parsed = createBody.safeParse(body);
    if (!parsed.success) return this.#refuse(422, z.prettifyError(parsed.error));
    const alias = parsed.data.alias ?? randomUUID();
    if (this.dropCreates > 0) {
      this.dropCreates--;
      return this.#taken('Create', { alert: null, status: 'Throttled' });
    }
    const open = this.#alerts.find((alert) => alert.alias === alias && alert.status === 'open');
    if (open) open.count++;
    const alert = open ?? this.#open(parsed.data, alias);
    const { message, description = '', note } = parsed.data;
    if (note !== undefined) alert.notes.push(note);
    this.entries.push({ event: open ? 'count' : 'create', alias, text: `${message}\n${description}` });
    return this.#taken('Create', { alert, status: open ? 'Increased count of alert' : 'Created alert' });
  }

  #open(body: CreateBody, alias: string): OpsgenieAlert {
    const alert: OpsgenieAlert = {
      id: randomUUID(),
      alias,
      status: 'open',
      acknowledged: false,
      count: 1,
      message: body.message,
      description: body.description ?? '',
      priority: body.priority,
      tags: body.tags ?? [],
      details: body.details ?? {},
      entity: body.entity ?? '',
      source: body.source ?? '',
      responders: body.responders ?? [],
      notes: [],
    };
    this.#alerts.push(alert);
    return alert;
  }

  #act(
    action: 'AddNote' | 'Close' | 'Acknowledge',
    { body, find }: { body: unknown; find: () => OpsgenieAlert | undefined },
  ): VendorAnswer {
    const parsed = (action === 'AddNote' ? noteBody : actionBody).safeParse(body);
    if (!parsed.success) return this.#refuse(422, z.prettifyError(parsed.error));
    const alert = find();
    if (!alert) return this.#taken(action, { alert: null, status: 'Alert does not exist' });
    const { note = '' } = parsed.data;
    if (action !== 'AddNote' && alert.status === 'closed') {
      return this.#taken(action, { alert: null, status: 'Alert is already closed' });
    }
    if (note !== '') alert.notes.push(note);
    if (action === 'Close') alert.status = 'closed';
    if (action === 'Acknowledge') alert.acknowledged = true;
    const event = action === 'AddNote' ? 'note' : action === 'Close' ? 'close' : 'acknowledge';
    this.entries.push({ event, alias: alert.alias, text: note });
    return this.#taken(action, { alert, status: `${action} done` });
  }

  /** By alias: the open alert, else the one that was closed last. */
  #find(identifier: string, type: string): OpsgenieAlert | undefined {
    if (type === 'id') return this.#alerts.find((alert) => alert.id === identifier);
    const known = this.#alerts.filter((alert) => alert.alias === identifier && type === 'alias');
    return known.find((alert) => alert.status === 'open') ?? known.at(-1);
  }

  #taken(
    action: OpsgenieRequest['action'],
    { alert, status }: { alert: OpsgenieAlert | null; status: string },
  ): VendorAnswer {
    const requestId = randomUUID();
    const [alertId, alias] = [alert?.id ?? '', alert?.alias ?? ''];
    this.processed.push({ requestId, action, isSuccess: alert !== null, status, alertId, alias });
    return { status: 202, body: { result: 'Request will be processed', took: 0.03, requestId } };
  }

  #status(requestId: string): VendorAnswer {
    const known = this.processed.find((request) => request.requestId === requestId);
    const waits = this.statusUnknownTimes > 0;
    if (waits) this.statusUnknownTimes--;
    if (!known || waits) return answer(404, 'Request not found. It might not be processed, yet.');
    const { isSuccess, ...data } = known;
    const processedAt = new Date().toISOString();
    return {
      status: 200,
      body: { data: { ...data, success: isSuccess, isSuccess, processedAt }, took: 0.02, requestId },
    };
  }

  #refuse(status: number, reason: string): VendorAnswer {
    this.refusals.push(reason);
    return answer(status, reason);
  }
}

function answer(status: number, message: string): VendorAnswer {
  return { status, body: { message, took: 0.001, requestId: randomUUID() } };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
