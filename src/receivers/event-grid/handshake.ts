/** Event Grid asks an endpoint whether it wants the events, before it sends any (azure-signals 4.3). */
import { isGridEvent } from './grid-event.ts';
import { fieldsOf, objectOf, textOf } from '../parse/fields.ts';

/** Who may subscribe; null: any authenticated sender. */
export interface HandshakeRules {
  allowSubscriptions: readonly string[] | null;
  allowOrigins: readonly string[] | null;
}

export type Handshake =
  | { kind: 'validate'; code: string }
  /** A validation that we refuse, with the reason for the log. */
  | { kind: 'refuse'; reason: string }
  /** The event subscription is gone; its message is stored like any other. */
  | { kind: 'deleted' }
  | { kind: 'events' };

const VALIDATION = 'microsoft.eventgrid.subscriptionvalidationevent';

/**
 * What a POST is, by its header and, where a proxy has dropped that, by its only event. `headers` are
 * `aeg-event-type` and `aeg-subscription-name`.
 */
export function readHandshake(
  body: unknown,
  headers: { eventType: string | undefined; subscriptionName: string | undefined },
  rules: HandshakeRules,
): Handshake {
  const type = (headers.eventType ?? '').toLowerCase();
  if (type === 'subscriptiondeletion') return { kind: 'deleted' };
  const event = onlyEvent(body);
  const isValidation = event !== null && (textOf(event, 'eventType') ?? '').toLowerCase() === VALIDATION;
  if (type !== 'subscriptionvalidation' && !(isValidation && type === '')) return { kind: 'events' };
  const code = event === null ? null : textOf(objectOf(event, 'data'), 'validationCode');
  if (code === null) return { kind: 'refuse', reason: 'no validation code' };
  const name = headers.subscriptionName ?? '';
  if (rules.allowSubscriptions !== null && !includes(rules.allowSubscriptions, name))
    return { kind: 'refuse', reason: `event subscription ${JSON.stringify(name.slice(0, 100))} is not on the list` };
  return { kind: 'validate', code };
}

/** Headers that answer the OPTIONS request of CloudEvents; null refuses. */
export function answerOrigin(origin: string, rules: HandshakeRules): Record<string, string> | null {
  if (rules.allowOrigins !== null && !includes(rules.allowOrigins, origin)) return null;
  return { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*', allow: 'POST' };
}

function onlyEvent(body: unknown): ReturnType<typeof fieldsOf> | null {
  const [first, ...more] = Array.isArray(body) ? body : [body];
  const fields = fieldsOf(first);
  return more.length === 0 && isGridEvent(fields) ? fields : null;
}

function includes(list: readonly string[], name: string): boolean {
  return list.some((entry) => entry.toLowerCase() === name.toLowerCase());
}
