/**
 * Event Management of the ServiceNow stand-in (destinations 2.2): alerts by message key. A clearing event closes, any
 * other one opens, updates or opens again. Stricter than the product: what it would cut or ignore is refused.
 */
import { z } from 'zod';
import type { VendorAnswer } from './vendor-server.ts';

const upTo = (max: number) =>
  z
    .string()
    .min(1)
    .max(max, { error: `is wider than ${max}` });

const record = z
  .strictObject({
    source: upTo(100),
    event_class: upTo(100).optional(),
    node: upTo(100).optional(),
    type: upTo(100).optional(),
    resource: upTo(100).optional(),
    metric_name: upTo(100).optional(),
    message_key: upTo(1_024).optional(),
    // 5 is "OK" and creates an alert: nothing that wants to clear may send it.
    severity: z.enum(['0', '1', '2', '3', '4']),
    resolution_state: z.enum(['New', 'Closing']).optional(),
    time_of_event: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    description: upTo(4_000),
    additional_info: z.string().refine(holdsTexts, { error: 'is not JSON with texts as values' }),
  })
  .refine(({ node, event_class: eventClass }) => (node ?? eventClass) !== undefined, {
    error: 'without node an event needs event_class',
  });
const bodySchema = z.strictObject({ records: z.array(record).min(1) });

export type SnEvent = z.infer<typeof record>;

export interface SnAlert {
  messageKey: string;
  open: boolean;
  /** How often it was opened. */
  openings: number;
  /** Of the newest event that was no clearing one. */
  severity: string;
  description: string;
  events: SnEvent[];
}

export class SnEvents {
  /** Oldest first. */
  readonly alerts: SnAlert[] = [];
  /** Why events were refused. */
  readonly refusals: string[] = [];

  receive(body: string): VendorAnswer {
    const parsed = bodySchema.safeParse(parse(body));
    if (!parsed.success) {
      this.refusals.push(z.prettifyError(parsed.error));
      return { status: 400, body: { error: { message: 'invalid event', detail: this.refusals.at(-1) } } };
    }
    for (const event of parsed.data.records) this.#apply(event);
    return {
      status: 200,
      body: { result: { 'Default Bulk Endpoint': `${parsed.data.records.length} events were inserted` } },
    };
  }

  #apply(event: SnEvent): void {
    const { source, node = '', type = '', resource = '', metric_name: metric = '' } = event;
    const messageKey = event.message_key ?? source + node + type + resource + metric;
    const clears = event.severity === '0' || event.resolution_state === 'Closing';
    let alert = this.alerts.find((one) => one.messageKey === messageKey);
    // A clearing event that finds no alert has no effect.
    if (!alert && clears) return;
    if (!alert) {
      alert = { messageKey, open: false, openings: 0, severity: '', description: '', events: [] };
      this.alerts.push(alert);
    }
    alert.events.push(event);
    if (!clears && !alert.open) alert.openings++;
    if (!clears) Object.assign(alert, { severity: event.severity, description: event.description });
    alert.open = !clears;
  }
}

function holdsTexts(text: string): boolean {
  return z.record(z.string(), z.string()).safeParse(parse(text)).success;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
