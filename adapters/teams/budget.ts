/**
 * The size of a card. The service takes 28,672 bytes *after* it has written the JSON anew, and its writer escapes what
 * ours leaves bare: 24,453 bytes sent became 28,897 (destinations 3.3). So a body has two budgets, as sent and as the
 * most careful writer would write it.
 */
import { cutBytes, utf8Bytes } from '../shared/cut.ts';

/** As we send it, bytes of UTF-8. */
export const BODY_BYTES_MAX = 20_000;
/** As it may be written anew; 672 bytes below the limit for what the flow adds. */
export const ENCODED_BYTES_MAX = 28_000;
/** No text is cut below this. */
const TEXT_BYTES_MIN = 80;

/** Texts by place; what a cut may shorten. */
export type Texts = Record<string, string>;

/**
 * Renders with the texts as they are and, while the body is over a budget, shortens the longest text, down to the next
 * longest at most. Cuts are visible, and markup is not left half open.
 */
export function renderWithin(texts: Readonly<Texts>, render: (texts: Readonly<Texts>) => string): string {
  const current: Texts = { ...texts };
  let body = render(current);
  for (let excess = excessBytes(body); excess > 0; excess = excessBytes(body)) {
    const [longest, next] = Object.entries(current).sort(([, a], [, b]) => utf8Bytes(b) - utf8Bytes(a));
    const longestBytes = longest === undefined ? 0 : utf8Bytes(longest[1]);
    if (longest === undefined || longestBytes <= TEXT_BYTES_MIN) break;
    const nextBytes = next === undefined ? 0 : utf8Bytes(next[1]);
    // Several of about the same length go down together, an eighth at a time.
    const floor = nextBytes > (longestBytes * 7) / 8 ? Math.floor((longestBytes * 7) / 8) : nextBytes;
    const target = Math.max(TEXT_BYTES_MIN, floor, longestBytes - excess);
    current[longest[0]] = cutMarkdown(longest[1], target);
    body = render(current);
  }
  return body;
}

/** Bytes of JSON text as a writer would write it that leaves ASCII only, and escapes `<`, `>`, `&`, `'` and `+` as well. */
export function encodedBytes(json: string): number {
  let bytes = 0;
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i);
    bytes += unit > 0x7e || unit === 0x3c || unit === 0x3e || unit === 0x26 || unit === 0x27 || unit === 0x2b ? 6 : 1;
  }
  return bytes;
}

/** Shortens Markdown to `maxBytes`, and takes out a link or emphasis that the cut would leave open. */
export function cutMarkdown(text: string, maxBytes: number): string {
  const cut = cutBytes(text, maxBytes);
  if (cut === text) return text;
  const line = cut.slice(cut.lastIndexOf('\n') + 1);
  const closed = closeLine(line);
  return closed === line ? cut : `${cut.slice(0, cut.length - line.length)}${closed}`;
}

function closeLine(line: string): string {
  const link = /(?<!\\)\[(?!cut\]$)[^\]]*(?:\](?:\([^)]*)?)?$/.exec(line);
  const open = link !== null && !link[0].endsWith(')') ? `${line.slice(0, link.index).trimEnd()} … [cut]` : line;
  const bolds = open.split('**').length - 1;
  const at = open.lastIndexOf('**');
  return bolds % 2 === 0 ? open : open.slice(0, at) + open.slice(at + 2);
}

function excessBytes(body: string): number {
  const encoded = encodedBytes(body);
  // What is too much in the encoded form is at most six times too much in ours; halves converge without overshooting far.
  return Math.max(utf8Bytes(body) - BODY_BYTES_MAX, Math.ceil((encoded - ENCODED_BYTES_MAX) / 2));
}
