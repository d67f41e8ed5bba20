/** Hashes by which signals and posts are told apart. The only place of the core that touches `node:crypto`. */
import { hash } from 'node:crypto';
import { normaliseText } from './text.ts';

/** sha256 of the text's UTF-8, 64 hex characters. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}

/** A hash over several values that cannot be confused with one over other values: the parts are quoted before they are joined. */
export function hashParts(parts: readonly (string | null)[]): string {
  return sha256Hex(JSON.stringify(parts));
}

/**
 * What makes two Service Health posts the same where no communication id tells (azure-signals 8): stage and text,
 * whatever the mark-up, white space or case. Independent of subscription, channel and tracking ID.
 */
export function postHash(stage: string | null, html: string): string {
  return hashParts(['post', stageKey(stage), normaliseText(html)]);
}

/** A stage or status for comparison: the export writes `Activated` and `In Progress` where the webhook writes `Active` and `InProgress` (azure-signals 4.2). */
export function stageKey(stage: string | null): string {
  const word = (stage ?? '').replaceAll(/[\s_-]+/g, '').toLowerCase();
  return word === 'activated' ? 'active' : word;
}
