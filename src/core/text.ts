/**
 * HTML of Microsoft's posts as plain or comparable text. Linear in the input's length whatever the input is: a body may
 * hold 1 MiB of unclosed `<`.
 */

import { memo } from './memo.ts';

/** Tags that end a line. Everything else is inline. */
const BLOCK_TAGS = new Set(
  'address article aside blockquote br dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre section table tbody td tfoot th thead tr ul'.split(
    ' ',
  ),
);

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00A0',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  sbquo: '‚',
  bdquo: '„',
  bull: '•',
  middot: '·',
  deg: '°',
  euro: '€',
  pound: '£',
  sect: '§',
  laquo: '«',
  raquo: '»',
  times: '×',
  plusmn: '±',
  le: '≤',
  ge: '≥',
  ne: '≠',
  rarr: '→',
  larr: '←',
  shy: '\u00AD',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  zwnj: '\u200C',
  zwj: '\u200D',
};

/**
 * Text for people: tags gone, entities decoded, block tags as line ends, list items as `- `. Text without tags keeps its
 * own line ends. A `<` that starts no tag stays.
 */
export const plainText = memo((html: string): string => {
  const { tagged, tail } = split(html);
  const flow = tagged === '' ? tail : (tagged.replaceAll(/\s+/g, ' ') + tail).replaceAll(TAG, lineEnd);
  const lines = decodeEntities(flow)
    .split(/\r\n|\r|\n/)
    .map((line) => line.replaceAll(/[\t \u00A0]+/g, ' ').trim());
  // Without tags an empty line is the writer's own; with tags it is a spacer of the editor.
  return lines
    .filter((line, i) => line !== '' || (tagged === '' && lines[i - 1] !== ''))
    .join('\n')
    .trim();
});

/** Decodes the entities that posts use, once; unknown ones stay as they are. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(#\d{1,7}|#x[\da-f]{1,6}|[a-z]{2,8});/gi, (whole: string, body: string) => {
    if (!body.startsWith('#'))
      return Object.hasOwn(ENTITIES, body.toLowerCase()) ? ENTITIES[body.toLowerCase()]! : whole;
    return codePoint(/^#x/i.test(body) ? Number.parseInt(body.slice(2), 16) : Number(body.slice(1)));
  });
}

function codePoint(code: number): string {
  const usable = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return usable ? String.fromCodePoint(code) : '\uFFFD';
}

/** Text for comparison: tags and white space removed, entities decoded, lower case. Equal for the same post as HTML and as plain text. */
export const normaliseText = memo((html: string): string => {
  const { tagged, tail } = split(html);
  return decodeEntities(tagged.replaceAll(TAG, '') + tail)
    .replaceAll(/[\s\u00AD\u200B-\u200D\uFEFF]+/g, '')
    .toLowerCase();
});

/** A tag, comment end or declaration. A `<` before anything else is a sign of its own (`a < b`). */
const TAG = /<(?=[a-z/!?])(\/?)([a-z\d]*)[^>]*>/gi;

function lineEnd(_tag: string, slash: string, name: string): string {
  const tag = name.toLowerCase();
  return tag === 'li' && slash === '' ? '\n- ' : BLOCK_TAGS.has(tag) ? '\n' : '';
}

/**
 * The part that may hold tags, and the rest. After the last `>` nothing can be a tag, so within the first part every `<`
 * finds its end and the pattern never searches in vain.
 */
function split(html: string): { tagged: string; tail: string } {
  if (!html.includes('<')) return { tagged: '', tail: html };
  const text = withoutSilent(html);
  const end = text.lastIndexOf('>') + 1;
  return { tagged: text.slice(0, end), tail: text.slice(end) };
}

/** Drops comments and the content of script and style: no text for people, closed or not. */
function withoutSilent(html: string): string {
  const silent = /<(?:!--|script\b|style\b)/gi;
  let kept = '';
  let position = 0;
  for (let match = silent.exec(html); match !== null; match = silent.exec(html)) {
    const isComment = match[0] === '<!--';
    const end = html.indexOf(isComment ? '-->' : '</', match.index);
    kept += html.slice(position, match.index);
    position = end === -1 ? html.length : end + (isComment ? 3 : 0);
    silent.lastIndex = position;
  }
  return position === 0 ? html : kept + html.slice(position);
}
