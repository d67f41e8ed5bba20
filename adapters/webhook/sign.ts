/** Signatures of Standard Webhooks 1.0, symmetric scheme v1 (destinations 8). */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

export interface SignedMessage {
  /** Same on every try of a message; must not contain a dot. */
  id: string;
  /** Unix seconds of this attempt. */
  timestampSeconds: number;
  /** The body exactly as it is sent. */
  body: string;
}

/** The three headers. Every secret gives one signature, so that a receiver may hold either while one is replaced. */
export function signedHeaders(message: SignedMessage, secrets: readonly string[]): Record<string, string> {
  const { id, timestampSeconds, body } = message;
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': secrets.map((secret) => `v1,${sign(`${id}.${timestampSeconds}.${body}`, secret)}`).join(' '),
  };
}

const keys = new Map<string, KeyObject>();

function keyOf(secret: string): KeyObject {
  let key = keys.get(secret);
  if (!key) keys.set(secret, (key = createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))));
  return key;
}

function sign(text: string, secret: string): string {
  const key = keyOf(secret);
  return createHmac('sha256', key).update(text, 'utf8').digest('base64');
}
