/** Plain text for people: columns that line up, and nothing that a terminal would obey. */

const GAP = '  ';
/** Wider cells of a column in the middle are cut, so that one long title does not push the rest off the screen. */
const CELL_CHARS_MAX = 100;

/** Left-aligned columns; the last one is never cut. Without a header only rows. Ends with a line end. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = (header.length > 0 ? [header, ...rows] : rows).map((cells) => cells.map(plain));
  const columns = Math.max(0, ...lines.map((cells) => cells.length));
  const shown = lines.map((cells) => cells.map((cell, index) => (index === columns - 1 ? cell : cut(cell))));
  const widths = Array.from({ length: columns }, (_, index) =>
    Math.max(...shown.map((cells) => (cells[index] ?? '').length)),
  );
  return shown
    .map((cells) =>
      cells
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n')
    .concat('\n');
}

/** Foreign text on one line: line ends become blanks, and what could move the cursor or the reading direction goes. */
export function plain(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/[\u202A-\u202E\u2066-\u2069]/g, '')
    .trimEnd();
}

/** Foreign text over several lines, without control characters other than the line end. */
export function plainLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.replaceAll(/\p{Cc}/gu, ' ').replaceAll(/[\u202A-\u202E\u2066-\u2069]/g, ''))
    .join('\n');
}

/** Foreign text in lines of at most `width` characters, broken at blanks; a longer word stays whole. Never empty. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of plain(text).split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Every line of a text moved to the right. */
export function indent(text: string, by = GAP): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n');
}

function cut(text: string): string {
  return text.length > CELL_CHARS_MAX ? `${text.slice(0, CELL_CHARS_MAX - 3).toWellFormed()}...` : text;
}
