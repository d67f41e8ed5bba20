/** What a vendor's callback says, whichever vendor it is: a person did something about an incident. */

/** `acknowledged` stops a clock; the others stand on the record. */
export type CallbackEvent = 'acknowledged' | 'reassigned' | 'annotated' | 'resolved';

export interface CallbackNews {
  vendor: 'pagerduty' | 'servicenow';
  /** Equal for the same call sent again. At most 200 characters. */
  eventKey: string;
  event: CallbackEvent;
  /** Name of the person or system, as the vendor gives it. */
  actor: string | null;
  /** ISO 8601 UTC. Never later than the receipt. */
  at: string;
  /** What was written, or to whom it went. */
  text: string;
  /** Names that may lead to the incident, surest first. */
  clues: {
    /** Our own key, as the vendor keeps it. */
    vendorKey: string | null;
    /** The vendor's id of the record. */
    record: string | null;
    /** Tracking IDs found in the title, lower case. */
    trackingIds: string[];
  };
}

/** Understood, nothing for us (a ping, an event type that we do not record), or odd. */
export type CallbackReading =
  | { read: 'news'; news: CallbackNews }
  | { read: 'ignored'; why: string }
  | { read: 'odd'; why: string };

const TEXT_CHARS_MAX = 4_000;

/** A string field of a foreign object, trimmed and made safe for the store; null where it is none or empty. */
export function textField(value: unknown, charsMax: number = TEXT_CHARS_MAX): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).toWellFormed().replaceAll('\u0000', '').trim();
  return text === '' ? null : Array.from(text).slice(0, charsMax).join('');
}

/** A nested foreign object; an empty one where there is none. */
export function objectField(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** The vendor's time, or ours where it is missing, unreadable, in the future or older than a year. */
export function timeField(value: unknown, receivedAt: string): string {
  const text = textField(value, 40);
  // ServiceNow writes `2026-09-14 08:31:40` and means UTC.
  const ms =
    text === null
      ? Number.NaN
      : Date.parse(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? `${text.replace(' ', 'T')}Z` : text);
  const now = Date.parse(receivedAt);
  return ms > now - 366 * 86_400_000 && ms <= now ? new Date(ms).toISOString() : receivedAt;
}

/** Azure's tracking IDs in a title, `CNT1-0AR` for one: what stands in brackets at the end first. Lower case. */
export function trackingIdsIn(title: string | null): string[] {
  if (title === null) return [];
  const bracketed = [...title.matchAll(/\(([^()\s]{4,80})\)/g)].map((match) => match[1]!);
  const loose = [...title.matchAll(/\b[A-Z0-9]{2,8}-[A-Z0-9]{2,8}\b/gi)].map((match) => match[0]);
  return [...new Set([...bracketed.toReversed(), ...loose].map((id) => id.toLowerCase()))].slice(0, 10);
}
