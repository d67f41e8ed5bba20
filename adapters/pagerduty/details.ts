/** The table that PagerDuty shows beside an alert (`custom_details`), and how it is brought under the size limit. */
import type { CommunicationView } from '#src/core/adapter.ts';
import { htmlToText } from '#src/text/html.ts';
import { cutBytes, utf8Bytes } from '../shared/cut.ts';
import type { MessageParts } from '../shared/message.ts';

/** A detail shorter than this is never cut: it would stop making sense. */
const DETAIL_BYTES_MIN = 256;
/** Cut a little more than needed: a rest of a few bytes would cost the next detail a cut of its own. */
const SLACK_BYTES = 64;

/** Label and text in display order. Labels are unique; no text is empty. */
export function detailsOf(parts: MessageParts): Record<string, string> {
  const { communication } = parts;
  const pairs: [string, string][] = [
    ['Stage', parts.stageLine],
    ['Notice', parts.notices.join(' ')],
    ...parts.facts.map(({ label, value }): [string, string] => [label, value]),
    ['What changed', parts.changes.join('\n')],
    ['Note', parts.note ?? ''],
    ['Runbook', parts.runbook ?? ''],
    ['Message from Microsoft', communication ? messageOf(communication) : ''],
  ];
  const details = new Map<string, string>();
  for (const [label, text] of pairs) if (text !== '') details.set(unused(label, details), text);
  return Object.fromEntries(details);
}

/**
 * Cuts the largest detail first, visibly, until `compose` of them is at most `bytesMax` bytes of UTF-8: the text that
 * is too long goes, the facts stay (destinations 1.5: others drop every detail at once).
 */
export function fitDetails(
  details: Readonly<Record<string, string>>,
  options: { bytesMax: number; compose: (details: Readonly<Record<string, string>>) => string },
): string {
  const { bytesMax, compose } = options;
  const left = { ...details };
  for (;;) {
    const body = compose(left);
    const over = utf8Bytes(body) - bytesMax;
    const largest = Object.entries(left).sort(([, a], [, b]) => jsonBytes(b) - jsonBytes(a))[0];
    if (over <= 0 || largest === undefined) return body;
    const [label, text] = largest;
    const keep = keptBytes(text, over + SLACK_BYTES);
    if (keep < DETAIL_BYTES_MIN) delete left[label];
    else left[label] = cutBytes(text, keep);
  }
}

/** Bytes of text to keep so that its JSON shrinks by `over`: escapes make JSON up to six times longer than the text. */
function keptBytes(text: string, over: number): number {
  const json = jsonBytes(text);
  // Never grows, and one byte less than before at least, so that the loop ends.
  return Math.min(Math.floor((utf8Bytes(text) * (json - over)) / json), utf8Bytes(text) - 1);
}

function messageOf({ title, html }: CommunicationView): string {
  return [title, htmlToText(html)].filter((part) => part !== '').join('\n\n');
}

function jsonBytes(text: string): number {
  return utf8Bytes(JSON.stringify(text));
}

function unused(label: string, taken: ReadonlyMap<string, string>): string {
  for (let i = 2, name = label; ; name = `${label} (${i++})`) if (!taken.has(name)) return name;
}
