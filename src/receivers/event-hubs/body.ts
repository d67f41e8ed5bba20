/** From the body of an event to JSON. Azure's own senders write one data section; other clients write what they like. */
import { parseBody } from '../body.ts';

export type EventBody = { ok: true; value: unknown } | { ok: false; value: unknown; reason: string };

/** Never throws. A body that is no JSON comes back as its text, with the reason. */
export function readEventBody(body: unknown): EventBody {
  const bytes = bytesOf(body);
  if (bytes === null) return { ok: true, value: body ?? null };
  const parsed = parseBody(bytes);
  return parsed.ok ? parsed : { ok: false, value: Buffer.from(bytes).toString('utf8'), reason: parsed.reason };
}

/** The bytes of a data section, of several ones, or of a text; null for a value that AMQP has decoded already. */
function bytesOf(body: unknown): Uint8Array | null {
  if (body instanceof Uint8Array) return body;
  if (typeof body === 'string') return Buffer.from(body);
  if (Array.isArray(body) && body.length > 0 && body.every((part) => part instanceof Uint8Array))
    return Buffer.concat(body);
  return null;
}
