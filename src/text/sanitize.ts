/**
 * Makes Microsoft's posts harmless. They arrive as HTML with `<p><br></p>` spacers, `&nbsp;` and inline styles, in
 * older posts as plain text with entities (azure-signals 1.1). Everything that could run, load or track is taken out:
 * what comes back holds text, structure and checked links only.
 */
import sanitize from 'sanitize-html';
import { decodeEntities } from '../core/text.ts';

/** Deeper nesting means nothing to a reader and costs the stack of whoever walks the tree. */
const NESTING_MAX = 40;

/** Real posts have at most some 30,000 characters; the parser's cost grows faster than the length of a hostile one. */
const HTML_CHARS_MAX = 100_000;

const TAGS =
  'p br div strong b em i u s code pre blockquote ul ol li a table caption thead tbody tfoot tr th td h1 h2 h3 h4 h5 h6 hr sub sup dl dt dd';

const OPTIONS: sanitize.IOptions = {
  allowedTags: TAGS.split(' '),
  allowedAttributes: { a: ['href', 'rel', 'target'], td: ['colspan', 'rowspan'], th: ['colspan', 'rowspan'] },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowProtocolRelative: false,
  // Their content is code or a form's inside, no text for people.
  nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'title', 'head', 'xmp', 'template', 'svg', 'math'],
  nestingLimit: NESTING_MAX,
  parseStyleAttributes: false,
  transformTags: { a: safeLink },
};

/** Names that make a text HTML. A `<pod-name>` in an older plain post is none of them and stays readable. */
const KNOWN_TAG =
  /<(?:!--|!doctype|[/]?(?:a|abbr|article|b|big|blockquote|body|br|center|code|col|dd|div|dl|dt|em|embed|font|form|h[1-6]|head|hr|html|i|iframe|img|input|li|link|math|meta|object|ol|p|pre|s|script|section|small|span|strong|style|sub|sup|svg|table|tbody|td|tfoot|th|thead|title|tr|u|ul|video)(?=[\s/>]))/i;

/**
 * HTML that is safe in a mail and on a page: no script, style, image, event handler or frame; links only to http,
 * https and mailto, opening elsewhere without a referrer. Plain text comes back escaped, its line ends as `<br />`.
 */
export function sanitizeHtml(html: string): string {
  if (!isHtml(html)) return escapeHtml(decodePlain(html)).replaceAll('\n', '<br />\n');
  const bounded = html.length > HTML_CHARS_MAX ? `${html.slice(0, HTML_CHARS_MAX)} … [cut]` : html;
  return sanitize(bounded, OPTIONS)
    .replaceAll(/<(p|div)>(?:\s|&nbsp;|<br \/>)*<\/\1>/g, '')
    .trim();
}

/** True when the text holds at least one HTML tag or comment; else it is plain text. */
export function isHtml(text: string): boolean {
  return KNOWN_TAG.test(text);
}

/** Plain text with its entities decoded, hard spaces made soft, and line ends as `\n`. */
export function decodePlain(text: string): string {
  return decodeEntities(text).replaceAll(/\r\n?/g, '\n').replaceAll('\u00A0', ' ').trim();
}

/** Text as the content of an element or of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The URL when it may be clicked (http, https or mailto, absolute), else null. */
export function safeUrl(url: string): string | null {
  const trimmed = url.trim();
  if (!URL.canParse(trimmed)) return null;
  return ['http:', 'https:', 'mailto:'].includes(new URL(trimmed).protocol) ? trimmed : null;
}

function safeLink(_tag: string, attributes: sanitize.Attributes): sanitize.Tag {
  const href = safeUrl(attributes['href'] ?? '');
  // An anchor without a target is only its text; `b` would shout, `sub` shrink: an empty `a` does neither.
  return {
    tagName: 'a',
    attribs: href === null ? {} : { href, rel: 'noopener noreferrer nofollow', target: '_blank' },
  };
}
