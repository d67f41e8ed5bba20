/** PagerDuty's webhooks, version 3: who signs them, and what they say. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { objectField, textField, timeField, trackingIdsIn, type CallbackEvent, type CallbackReading } from './news.ts';

const EVENTS: Readonly<Record<string, CallbackEvent>> = {
  'incident.acknowledged': 'acknowledged',
  'incident.resolved': 'resolved',
  'incident.annotated': 'annotated',
  'incident.reassigned': 'reassigned',
  'incident.delegated': 'reassigned',
};
/** More would only cost time: PagerDuty sends one per secret in use. */
const SIGNATURES_MAX = 20;

/**
 * True where one of the signatures in `x-pagerduty-signature` (`v1=<hex>, v1=<hex>`) is the HMAC-SHA256 of the raw body
 * under one of the secrets. All are compared, in constant time.
 */
export function isPagerDutySignature(raw: Uint8Array, header: string | undefined, secrets: readonly string[]): boolean {
  const given = (header ?? '')
    .split(',')
    .map((part) => /^\s*v1=([0-9a-f]{64})\s*$/i.exec(part)?.[1])
    .filter((hex) => hex !== undefined)
    .slice(0, SIGNATURES_MAX)
    .map((hex) => Buffer.from(hex, 'hex'));
  let valid = false;
  for (const secret of secrets) {
    const expected = createHmac('sha256', secret).update(raw).digest();
    for (const signature of given) if (timingSafeEqual(expected, signature)) valid = true;
  }
  return valid;
}

/**
 * Reads one event. The incident carries our key as `incident_key`, or its alerts do as `alert_key`; a note carries only
 * a reference to the incident, whose summary is `[#4711] title`.
 */
export function readPagerDuty(body: unknown, receivedAt: string): CallbackReading {
  const event = objectField(objectField(body)['event']);
  const type = textField(event['event_type'], 100);
  if (type === null) return { read: 'odd', why: 'no event_type' };
  const known = EVENTS[type];
  if (known === undefined) return { read: 'ignored', why: type };
  const data = objectField(event['data']);
  const incident = { ...data, ...objectField(data['incident']) };
  const record = textField(objectField(data['incident'])['id'] ?? data['id'], 100);
  const agent = objectField(event['agent']);
  const client = objectField(event['client']);
  const id = textField(event['id'], 150);
  const at = timeField(event['occurred_at'], receivedAt);
  const actor = nameOf(agent) ?? textField(client['name'], 200);
  return {
    read: 'news',
    news: {
      vendor: 'pagerduty',
      // Without an id of its own the same event is told by what it is about.
      eventKey: id ?? `${type} ${record ?? ''} ${at}`,
      event: known,
      actor,
      at,
      text: textFor(known, data) ?? '',
      clues: {
        vendorKey: keyIn(data),
        record,
        trackingIds: trackingIdsIn(textField(incident['title'] ?? incident['summary'], 2_000)),
      },
    },
  };
}

function keyIn(data: Record<string, unknown>): string | null {
  const own = textField(data['incident_key'] ?? data['alert_key'] ?? data['dedup_key'], 255);
  if (own !== null) return own;
  const alerts = Array.isArray(data['alerts']) ? data['alerts'] : [];
  return alerts.map((alert) => textField(objectField(alert)['alert_key'], 255)).find((key) => key !== null) ?? null;
}

function textFor(event: CallbackEvent, data: Record<string, unknown>): string | null {
  if (event === 'annotated') return textField(data['content'] ?? objectField(data['note'])['content']);
  if (event === 'resolved') return textField(data['resolve_reason']);
  const assignees = Array.isArray(data['assignees']) ? data['assignees'] : [];
  const names = assignees.map((assignee) => nameOf(objectField(assignee))).filter((name) => name !== null);
  return event === 'reassigned' && names.length > 0 ? `to ${names.slice(0, 10).join(', ')}` : null;
}

function nameOf(reference: Record<string, unknown>): string | null {
  return textField(reference['summary'] ?? reference['name'], 200);
}
