/**
 * Strict stand-in of PagerDuty's Events API v2 (destinations 1): enforces the limits that the vendor answers with 400,
 * keeps alerts per routing key and dedup key, and has its surprises: a resolve without an open alert is taken and
 * dropped, a trigger after the resolve opens a new alert, and the title of an open one never changes. Fields that the
 * API does not know are refused, which is stricter than the vendor.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { VendorServer, type VendorAnswer, type VendorRequest } from './vendor-server.ts';

const SUMMARY_CHARS_MAX = 1_024;
const DEDUP_KEY_CHARS_MAX = 255;
const BODY_BYTES_MAX = 512 * 1_024;

const routingKey = z.string().regex(/^[A-Za-z0-9]{32}$/, { error: 'must be 32 alphanumeric characters' });
const summary = z
  .string()
  .min(1, { error: 'cannot be empty' })
  .refine((text) => Array.from(text).length <= SUMMARY_CHARS_MAX, {
    error: `is too long (maximum is ${SUMMARY_CHARS_MAX} characters)`,
  });
const timestamp = z.iso.datetime({ offset: true }).optional();
const details = z.record(z.string(), z.unknown()).optional();
const links = z.array(z.strictObject({ href: z.url(), text: z.string().optional() })).optional();

const alertPayload = z.strictObject({
  summary,
  source: z.string().min(1, { error: 'cannot be empty' }),
  severity: z.enum(['critical', 'error', 'warning', 'info']),
  timestamp,
  component: z.string().optional(),
  group: z.string().optional(),
  class: z.string().optional(),
  custom_details: details,
});

const alertEvent = z
  .strictObject({
    routing_key: routingKey,
    event_action: z.enum(['trigger', 'acknowledge', 'resolve']),
    dedup_key: z
      .string()
      .min(1, { error: 'cannot be empty' })
      .max(DEDUP_KEY_CHARS_MAX, { error: `is too long (maximum is ${DEDUP_KEY_CHARS_MAX} characters)` })
      .optional(),
    client: z.string().optional(),
    client_url: z.url().optional(),
    links,
    images: z.array(z.looseObject({ src: z.url({ protocol: /^https$/ }) })).optional(),
    payload: alertPayload.optional(),
  })
  .refine((event) => event.event_action !== 'trigger' || event.payload !== undefined, {
    path: ['payload'],
    error: 'is required on trigger',
  })
  .refine((event) => event.event_action === 'trigger' || event.dedup_key !== undefined, {
    path: ['dedup_key'],
    error: 'is required on acknowledge and resolve',
  });

const changeEvent = z.strictObject({
  routing_key: routingKey,
  links,
  payload: z.strictObject({ summary, source: z.string().optional(), timestamp, custom_details: details }),
});

type AlertEvent = z.infer<typeof alertEvent>;

type PagerDutySeverity = 'critical' | 'error' | 'warning' | 'info';

interface PagerDutyLink {
  href: string;
  text?: string | undefined;
}

/** What a person reads in the log of an alert, or in the list of changes. */
export interface PagerDutyEntry {
  event: 'trigger' | 'acknowledge' | 'resolve' | 'change';
  /** Null for a change event. */
  dedupKey: string | null;
  routingKey: string;
  /** Empty where the event had no payload. */
  summary: string;
  severity: PagerDutySeverity | null;
  details: Readonly<Record<string, unknown>>;
  links: readonly PagerDutyLink[];
  /** Unix milliseconds of receipt. */
  at: number;
}

export interface PagerDutyAlert {
  dedupKey: string;
  routingKey: string;
  /** Of the first trigger, for ever. */
  title: string;
  status: 'open' | 'resolved';
  acknowledged: boolean;
  severity: PagerDutySeverity;
  source: string;
  component: string | null;
  group: string | null;
  class: string | null;
  clientUrl: string | null;
  log: PagerDutyEntry[];
}

export interface PagerDutyOptions {
  /** Keys that exist; any well-formed key by default. */
  routingKeys?: readonly string[];
}

export class PagerDutyServer extends VendorServer {
  /** Everything that was taken and had an effect, oldest first. */
  readonly entries: PagerDutyEntry[] = [];
  readonly changeEvents: PagerDutyEntry[] = [];
  /** Taken with 202, without any effect: no alert was open under that key. */
  readonly dropped: { event: 'acknowledge' | 'resolve'; dedupKey: string; routingKey: string }[] = [];
  /** The `errors` of every 400. */
  readonly refusals: string[][] = [];
  readonly #alerts: PagerDutyAlert[] = [];
  readonly #routingKeys: readonly string[] | null;

  constructor(options: PagerDutyOptions = {}) {
    super((request) => this.#receive(request));
    this.#routingKeys = options.routingKeys ?? null;
  }

  /** Every alert that was ever opened, oldest first. */
  alerts(): readonly PagerDutyAlert[] {
    return this.#alerts;
  }

  /** How often somebody was woken: alerts ever opened. */
  get pages(): number {
    return this.#alerts.length;
  }

  pagesFor(dedupKey: string): number {
    return this.#alerts.filter((alert) => alert.dedupKey === dedupKey).length;
  }

  #receive(request: VendorRequest): VendorAnswer {
    const path = request.path.split('?')[0];
    if (path !== '/v2/enqueue' && path !== '/v2/change/enqueue') return { status: 404 };
    if (request.method !== 'POST') return { status: 405 };
    if (Buffer.byteLength(request.body) > BODY_BYTES_MAX) return this.#refuse(['event is too big (maximum is 512 KB)']);
    const body = parse(request.body);
    if (body === undefined) return this.#refuse(['body is not JSON']);
    return path === '/v2/enqueue' ? this.#enqueue(body, request.at) : this.#change(body, request.at);
  }

  #enqueue(body: unknown, at: number): VendorAnswer {
    const parsed = alertEvent.safeParse(body);
    if (!parsed.success) return this.#refuse(faultsOf(parsed.error));
    const event = parsed.data;
    if (!this.#knows(event.routing_key)) return this.#refuse(['Invalid routing key']);
    const dedupKey = event.dedup_key ?? randomUUID().replaceAll('-', '');
    const entry: PagerDutyEntry = {
      event: event.event_action,
      dedupKey,
      routingKey: event.routing_key,
      summary: event.payload?.summary ?? '',
      severity: event.payload?.severity ?? null,
      details: event.payload?.custom_details ?? {},
      links: event.links ?? [],
      at,
    };
    this.#apply(event, entry);
    return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: dedupKey } };
  }

  #apply(event: AlertEvent, entry: PagerDutyEntry): void {
    const { routing_key: key, event_action: action } = event;
    const dedupKey = entry.dedupKey ?? '';
    const open = this.#alerts.find((a) => a.routingKey === key && a.dedupKey === dedupKey && a.status === 'open');
    if (action !== 'trigger' && !open) {
      this.dropped.push({ event: action, dedupKey, routingKey: key });
      return;
    }
    const alert = open ?? this.#open(event, dedupKey);
    alert.log.push(entry);
    this.entries.push(entry);
    if (action === 'resolve') alert.status = 'resolved';
    if (action === 'acknowledge') alert.acknowledged = true;
  }

  #open(event: AlertEvent, dedupKey: string): PagerDutyAlert {
    const { payload } = event;
    const alert: PagerDutyAlert = {
      dedupKey,
      routingKey: event.routing_key,
      title: payload?.summary ?? '',
      status: 'open',
      acknowledged: false,
      severity: payload?.severity ?? 'info',
      source: payload?.source ?? '',
      component: payload?.component ?? null,
      group: payload?.group ?? null,
      class: payload?.class ?? null,
      clientUrl: event.client_url ?? null,
      log: [],
    };
    this.#alerts.push(alert);
    return alert;
  }

  #change(body: unknown, at: number): VendorAnswer {
    const parsed = changeEvent.safeParse(body);
    if (!parsed.success) return this.#refuse(faultsOf(parsed.error));
    const { routing_key: key, payload, links: given } = parsed.data;
    // Keys of a ruleset take no change events (destinations 1.1).
    if (!this.#knows(key) || key.startsWith('R')) return this.#refuse(['Invalid routing key']);
    const entry: PagerDutyEntry = {
      event: 'change',
      dedupKey: null,
      routingKey: key,
      summary: payload.summary,
      severity: null,
      details: payload.custom_details ?? {},
      links: given ?? [],
      at,
    };
    this.changeEvents.push(entry);
    this.entries.push(entry);
    return { status: 202, body: { status: 'success', message: 'Change event processed' } };
  }

  #knows(key: string): boolean {
    return this.#routingKeys === null || this.#routingKeys.includes(key);
  }

  #refuse(errors: string[]): VendorAnswer {
    this.refusals.push(errors);
    return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors } };
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function faultsOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `'${issue.path.join('.')}' ${issue.message}`);
}
