/**
 * Cutting text to a vendor's limit in the vendor's own unit (destinations 0, fact 5): by code point or by UTF-8 byte,
 * never inside a surrogate pair, and at a grapheme border where one is near, so that no emoji falls apart.
 */

const MARK = ' … [cut]';
/** Below this the long mark would eat the text. */
const SHORT_LIMIT = 24;
/** A grapheme longer than this is decoration (stacked accents) and may be split between code points. */
const GRAPHEME_UNITS_MAX = 64;

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Shortens `text` to at most `max` code points, mark included. Text within the limit comes back unchanged. */
export function cutCodePoints(text: string, max: number): string {
  // A string never has more code points than UTF-16 units: spares counting almost always.
  if (text.length <= max || codePoints(text) <= max) return text;
  const mark = markFor(max);
  return headByUnits(text, unitsOfCodePoints(text, max - codePoints(mark))) + mark;
}

/** Shortens `text` to at most `maxBytes` bytes of UTF-8, mark included. Text within the limit comes back unchanged. */
export function cutBytes(text: string, maxBytes: number): string {
  if (utf8Bytes(text) <= maxBytes) return text;
  const mark = markFor(maxBytes);
  return headByUnits(text, unitsOfBytes(text, maxBytes - utf8Bytes(mark))) + mark;
}

/** How many code points (what most vendors call characters) the text has. */
export function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += unitsAt(text, i)) count++;
  return count;
}

/** How many bytes the text takes in UTF-8. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function markFor(max: number): string {
  if (max >= SHORT_LIMIT) return MARK;
  return max >= 3 ? '…' : '';
}

function unitsAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}

function unitsOfCodePoints(text: string, max: number): number {
  let units = 0;
  for (let count = 0; count < max && units < text.length; count++) units += unitsAt(text, units);
  return units;
}

function unitsOfBytes(text: string, maxBytes: number): number {
  let units = 0;
  let bytes = 0;
  while (units < text.length) {
    const point = text.codePointAt(units) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) break;
    units += point > 0xffff ? 2 : 1;
  }
  return units;
}

/** The first `units` UTF-16 units, moved back to a grapheme border unless that costs more than decoration is worth. */
function headByUnits(text: string, units: number): string {
  if (units <= 0) return '';
  const window = text.slice(0, units + GRAPHEME_UNITS_MAX);
  const border = graphemes.segment(window).containing(units)?.index ?? units;
  return withoutHalfAddress(text, units - border > GRAPHEME_UNITS_MAX ? units : border).trimEnd();
}

/** Half an address leads astray: one that the cut goes through is left out whole. */
function withoutHalfAddress(text: string, end: number): string {
  const head = text.slice(0, end);
  if (!/[^\s)"'<>]/.test(text.charAt(end))) return head;
  const word = head.slice(Math.max(head.lastIndexOf(' '), head.lastIndexOf('\n')) + 1);
  const at = word.search(/https?:\/\//);
  return at === -1 ? head : head.slice(0, head.length - word.length + at);
}
