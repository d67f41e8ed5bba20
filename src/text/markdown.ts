/**
 * The Markdown subset of Adaptive Cards: bold, italic, lists and links, no HTML, no code, no tables (destinations 3.3).
 * Text and markup are kept apart by marks from the private use area until the end, so that nothing that Microsoft or
 * an attacker wrote can become markup by being joined with its neighbour.
 */

/** Marks that stand for markup until `finishMarkdown`. */
export const MARKS = {
  boldStart: '\uE001',
  boldEnd: '\uE002',
  italicStart: '\uE003',
  italicEnd: '\uE004',
  /** Followed by the text, `linkMiddle`, the target as `hexOf` gives it, `linkEnd`. */
  linkStart: '\uE005',
  linkMiddle: '\uE006',
  linkEnd: '\uE007',
} as const;

const ANY_MARK = /[\uE001-\uE007]/g;

/** Text without the characters that `MARKS` uses; to be applied to what comes from outside. */
export function withoutMarks(text: string): string {
  return text.replaceAll(ANY_MARK, '');
}

/** Text that shows as it is: nothing in it is read as bold, italic or a link. Brackets and underscores within words stay bare. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\\`*]/g, String.raw`\$&`)
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\_`)
    .replaceAll(/\](?=[([:])/g, String.raw`\]`)
    .replaceAll(/<(?=[a-z/!])/gi, String.raw`\<`)
    .replaceAll(/^([#>])/gm, String.raw`\$1`);
}

/** A Markdown link. Characters that would end the target early are percent-encoded. */
export function markdownLink(text: string, url: string): string {
  const target = url.replaceAll(/[\s()<>\\]/g, (char) =>
    char === '(' ? '%28' : char === ')' ? '%29' : encodeURIComponent(char),
  );
  return `[${text.replaceAll(/[[\]]/g, String.raw`\$&`)}](${target})`;
}

/** A link's target in a form that no escaping of text touches. */
export function hexOf(url: string): string {
  return Buffer.from(url, 'utf8').toString('hex');
}

/** Turns marked text into Markdown: escapes the text, then sets the markup. */
export function finishMarkdown(marked: string): string {
  const escaped = escapeMarkdown(marked);
  const bold = emphasise(escaped, /\uE001([^\uE001\uE002]*)\uE002/g, '**');
  const italic = emphasise(bold, /\uE003([^\uE003\uE004]*)\uE004/g, '_');
  const linked = italic.replaceAll(
    /\uE005([^\uE005-\uE007]*)\uE006([\da-f]*)\uE007/g,
    (_whole, text: string, hex: string) =>
      markdownLink(
        text.replaceAll(/\s+/g, ' ').replaceAll(String.raw`\]`, ']'),
        Buffer.from(hex, 'hex').toString('utf8'),
      ),
  );
  return paragraphs(linked.replaceAll(ANY_MARK, ''));
}

/** Delimiters must touch the text that they enclose, within one line, and a word must not touch them from outside. */
function emphasise(text: string, pattern: RegExp, delimiter: string): string {
  return text.replaceAll(pattern, (whole, inner: string, offset: number) => {
    const content = inner.trim();
    if (content === '' || content.includes('\n')) return inner;
    const start = /^\s/.test(inner) || /[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, offset - 2), offset)) ? ' ' : '';
    const after = text.slice(offset + whole.length, offset + whole.length + 2);
    const end = /\s$/.test(inner) || /^[\p{L}\p{N}]/u.test(after) ? ' ' : '';
    return `${start}${delimiter}${content}${delimiter}${end}`;
  });
}

/** A single line end is a space to Teams: lines of text become paragraphs, lines of a list stay together. */
function paragraphs(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  let result = '';
  let before = '';
  for (const line of lines) {
    if (line.trim() === '') continue;
    const listed = isItem(line) && isItem(before);
    result += result === '' ? line : `${listed ? '\n' : '\n\n'}${line}`;
    before = line;
  }
  return result;
}

function isItem(line: string): boolean {
  return /^\s*(?:- |\d+\. )/.test(line);
}
