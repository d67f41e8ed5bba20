/** From the bytes of a request or an Event Hub event to JSON. */
import { parseJson } from './parse/json.ts';

export type ParsedBody = { ok: true; value: unknown } | { ok: false; reason: string };

const DECODER = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false });

/**
 * Parses a body. A byte order mark is dropped and invalid UTF-8 becomes U+FFFD: half-broken news is better than none.
 * Never throws. The reason holds nothing of the body. The caller limits the size.
 */
export function parseBody(bytes: Uint8Array): ParsedBody {
  if (bytes.byteLength === 0) return { ok: false, reason: 'the body is empty' };
  const text = decode(bytes);
  if (text.trim() === '') return { ok: false, reason: 'the body is empty' };
  try {
    return { ok: true, value: parseJson(text) };
  } catch {
    return { ok: false, reason: 'the body is not JSON' };
  }
}

/** Azure sends UTF-8; some relays in between send UTF-16 with its mark. */
function decode(bytes: Uint8Array): string {
  const [first, second] = [bytes[0], bytes[1]];
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return DECODER.decode(bytes);
}
