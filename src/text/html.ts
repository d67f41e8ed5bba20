/**
 * Microsoft's posts for each kind of reader: HTML for mail and page, plain text for tickets and pages, Markdown for
 * cards. All three go through the same sanitiser, so that what is hidden or hostile in HTML is gone everywhere.
 */
import {
  compile,
  type DomNode,
  type FormatCallback,
  type HtmlToTextOptions,
  type SelectorDefinition,
} from 'html-to-text';
import { finishMarkdown, hexOf, MARKS, withoutMarks } from './markdown.ts';
import { decodePlain, isHtml, sanitizeHtml } from './sanitize.ts';

export { sanitizeHtml } from './sanitize.ts';

/** HTML or plain text as plain text for people: list items as `- `, links as `text (url)`, table rows as `a | b`. */
export function htmlToText(html: string): string {
  if (!isHtml(html)) return tidy(decodePlain(html));
  return tidy(toText(softSpaces(sanitizeHtml(html))));
}

/** HTML or plain text as the Markdown subset that Adaptive Cards show. Text is escaped, lists and links are kept. */
export function htmlToMarkdown(html: string): string {
  const clean = withoutMarks(html);
  if (!isHtml(clean)) return finishMarkdown(decodePlain(clean));
  // A numeric entity may spell a mark too; the sanitiser writes those as characters.
  return finishMarkdown(toMarked(withoutMarks(softSpaces(sanitizeHtml(clean)))));
}

/** The editor of these posts writes hard spaces between sentences; kept, they would not wrap on a phone. */
function softSpaces(text: string): string {
  return text.replaceAll('\u00A0', ' ');
}

function tidy(text: string): string {
  return text
    .replaceAll(/[\t ]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

const around =
  (start: string, end: string): FormatCallback =>
  (element, walk, builder) => {
    builder.addLiteral(start);
    walk(element.children, builder);
    builder.addLiteral(end);
  };

const lines: FormatCallback = (element, walk, builder, options) => {
  builder.openBlock({ leadingLineBreaks: options.leadingLineBreaks ?? 1 });
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: options.trailingLineBreaks ?? 1 });
};

/** Cells in one line: aligned columns break on a phone. */
const cell: FormatCallback = (element, walk, builder) => {
  if (!isFirstCell(element)) builder.addInline(' | ');
  walk(element.children, builder);
};

/** Looks back to the nearest cell only: a row may hold a hundred thousand of them. */
function isFirstCell(element: DomNode): boolean {
  let before = siblingBefore(element);
  while (before && before.name !== 'td' && before.name !== 'th') before = siblingBefore(before);
  return before === null;
}

function siblingBefore(element: DomNode): DomNode | null {
  return (element as DomNode & { prev?: DomNode | null }).prev ?? null;
}

const boldBlock: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 2 });
  around(MARKS.boldStart, MARKS.boldEnd)(element, walk, builder, {});
  builder.closeBlock({ trailingLineBreaks: 2 });
};

const markedLink: FormatCallback = (element, walk, builder) => {
  const attributes = element.attribs as Record<string, string> | undefined;
  const href = attributes?.['href'];
  if (href === undefined) return walk(element.children, builder);
  around(MARKS.linkStart, `${MARKS.linkMiddle}${hexOf(href)}${MARKS.linkEnd}`)(element, walk, builder, {});
};

const SELECTORS: SelectorDefinition[] = [
  { selector: 'table', format: 'lines', options: { leadingLineBreaks: 2, trailingLineBreaks: 2 } },
  ...['caption', 'tr', 'dt', 'dd', 'hr'].map((selector) => ({ selector, format: 'lines' })),
  ...['td', 'th'].map((selector) => ({ selector, format: 'cell' })),
  { selector: 'ul', options: { itemPrefix: '- ', leadingLineBreaks: 1, trailingLineBreaks: 2 } },
  { selector: 'ol', options: { leadingLineBreaks: 1, trailingLineBreaks: 2 } },
];
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

const SHARED: HtmlToTextOptions = { wordwrap: false, limits: { maxDepth: 100, maxChildNodes: 20_000 } };

const toText = compile({
  ...SHARED,
  formatters: { lines, cell },
  selectors: [
    ...SELECTORS,
    ...HEADINGS.map((selector) => ({ selector, options: { uppercase: false, leadingLineBreaks: 2 } })),
    { selector: 'a', options: { linkBrackets: ['(', ')'], hideLinkHrefIfSameAsText: true } },
  ],
});

const toMarked = compile({
  ...SHARED,
  formatters: {
    lines,
    cell,
    boldBlock,
    markedLink,
    bold: around(MARKS.boldStart, MARKS.boldEnd),
    italic: around(MARKS.italicStart, MARKS.italicEnd),
  },
  selectors: [
    ...SELECTORS,
    ...HEADINGS.map((selector) => ({ selector, format: 'boldBlock' })),
    { selector: 'a', format: 'markedLink' },
    ...['strong', 'b'].map((selector) => ({ selector, format: 'bold' })),
    ...['em', 'i'].map((selector) => ({ selector, format: 'italic' })),
  ],
});
