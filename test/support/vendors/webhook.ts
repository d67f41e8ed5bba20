/**
 * Strict stand-in of a Standard Webhooks receiver: checks signature and age with the reference library, keeps state by
 * `webhook-id`, records duplicates without applying them, and refuses bodies over 20 KB.
 */
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { VendorServer, type VendorAnswer, type VendorRequest } from './vendor-server.ts';

const BODY_BYTES_MAX = 20_000;

const bodySchema = z.object({
  type: z.enum(['incident.opened', 'incident.updated', 'incident.resolved', 'incident.test']),
  timestamp: z.iso.datetime(),
  data: z.object({
    vendorKey: z.string(),
    action: z.enum(['open', 'update', 'resolve', 'note', 'retract']),
    repeat: z.boolean(),
    remark: z.object({ word: z.string(), sentence: z.string() }).optional(),
    incident: z.looseObject({ headline: z.string(), state: z.string() }),
    communication: z
      .object({ id: z.string().nullable(), title: z.string(), at: z.string(), text: z.string() })
      .nullable(),
    changes: z.array(z.string()),
    links: z.object({ timeline: z.string().nullable(), portal: z.string().nullable() }),
    route: z.looseObject({ runbook: z.string().nullable() }),
  }),
});

export type WebhookBody = z.infer<typeof bodySchema>;

export interface WebhookEvent {
  id: string;
  body: WebhookBody;
}

export class WebhookServer extends VendorServer {
  /** Applied, oldest first; never two with the same id. */
  readonly events: WebhookEvent[] = [];
  /** Ids that came again. */
  readonly duplicates: string[] = [];
  /** Why requests were refused. */
  readonly refusals: string[] = [];
  /** Vendor keys that stand open. */
  readonly open = new Set<string>();
  /** How often something was opened that was not open. */
  openings = 0;

  /** `secret` is the one that this receiver knows: `whsec_` and base64. */
  constructor(secret: string) {
    super((request) => this.#receive(request));
    this.#verifier = new Webhook(secret);
  }

  readonly #verifier: Webhook;

  #receive(request: VendorRequest): VendorAnswer {
    if (request.method !== 'POST') return this.#refuse(405, 'only POST');
    if (Buffer.byteLength(request.body) > BODY_BYTES_MAX) return this.#refuse(413, 'body over 20 KB');
    if (request.headers['content-type'] !== 'application/json') return this.#refuse(415, 'not JSON');
    try {
      this.#verifier.verify(request.body, { ...request.headers });
    } catch (error) {
      return this.#refuse(401, String(error));
    }
    const parsed = bodySchema.safeParse(JSON.parse(request.body));
    if (!parsed.success) return this.#refuse(422, z.prettifyError(parsed.error));
    const id = request.headers['webhook-id'] ?? '';
    if (this.events.some((event) => event.id === id)) this.duplicates.push(id);
    else this.#apply({ id, body: parsed.data });
    return { status: 204 };
  }

  #apply(event: WebhookEvent): void {
    this.events.push(event);
    const { type, data } = event.body;
    if (type === 'incident.opened') {
      if (!this.open.has(data.vendorKey)) this.openings++;
      this.open.add(data.vendorKey);
    }
    if (type === 'incident.resolved') this.open.delete(data.vendorKey);
  }

  #refuse(status: number, reason: string): VendorAnswer {
    this.refusals.push(reason);
    return { status, body: { error: reason } };
  }
}
