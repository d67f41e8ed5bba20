/**
 * The size of a card. The service takes 28,672 bytes *after* it has written the JSON anew, and its writer escapes what
 * ours leaves bare: 24,453 bytes sent became 28,897 (destinations 3.3). So what counts is the body as the most careful
 * writer would write it; as sent it is never longer.
 */
import { cutBytes, utf8Bytes } from '../shared/cut.ts';

/** As it may be written anew. Too large a card is lost behind a 202, so this stays far below the limit (destinations 3.3). */
export const ENCODED_BYTES_MAX = 20_000;
/** No text is cut below this. */
const TEXT_BYTES_MIN = 80;

/** Texts by place; what a cut may shorten. */
export type Texts = Record<string, string>;

/**
 * Renders with the texts as they are and, while the body is over the budget, shortens the longest text, down to the next
 * longest at most. Cuts are visible, and markup is not left half open.
 */
export function renderWithin(texts: Readonly<Texts>, render: (texts: Readonly<Texts>) => string): string {
  const current: Texts = { ...texts };
  let body = render(current);
  for (let over = overBytes(body); over > 0; over = overBytes(body)) {
    const [longest, next] = Object.entries(current).sort(([, a], [, b]) => utf8Bytes(b) - utf8Bytes(a));
    const longestBytes = longest === undefined ? 0 : utf8Bytes(longest[1]);
    if (longest === undefined || longestBytes <= TEXT_BYTES_MIN) break;
    const nextBytes = next === undefined ? 0 : utf8Bytes(next[1]);
    // Several of about the same length go down together, an eighth at a time.
    const floor = nextBytes > (longestBytes * 7) / 8 ? Math.floor((longestBytes * 7) / 8) : nextBytes;
    // What is too much is counted as written anew, where this text is so many times longer.
    const growth = (encodedBytes(JSON.stringify(longest[1])) - 2) / longestBytes;
    const target = Math.max(TEXT_BYTES_MIN, floor, longestBytes - Math.ceil(over / growth));
    current[longest[0]] = cutMarkdown(longest[1], target);
    body = render(current);
  }
  return body;
}

/** ASCII that careful writers escape as well: `"` (behind a backslash), `&`, `'`, `+`, `<`, `>` and the backtick. */
const ESCAPED = new Set([0x26, 0x27, 0x2b, 0x3c, 0x3e, 0x60]);

/** Bytes of our JSON text as a writer would write it that leaves ASCII only and escapes what means something to HTML. */
export function encodedBytes(json: string): number {
  let bytes = 0;
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i);
    const isPair = unit === 0x5c && i + 1 < json.length;
    // An escape is read as one: `\"` becomes `\u0022`, `\\` and `\n` stay as they are.
    if (isPair) bytes += json.charCodeAt(++i) === 0x22 ? 6 : 2;
    else bytes += unit > 0x7e || ESCAPED.has(unit) ? 6 : 1;
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

function overBytes(body: string): number {
  return encodedBytes(body) - ENCODED_BYTES_MAX;
}
