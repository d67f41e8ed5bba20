/** CSV files that a config names. */
import { quoted, type Report } from './fault.ts';
import { besideConfig } from './interpolate.ts';

export interface CsvSource {
  readFile: (path: string) => string;
  /** Folder of the config. */
  folder: string;
  report: Report;
}

/** Column names in lower case, and the rows below them; null, with a fault at `path`, where the file cannot be read. */
export function readCsvFile(
  file: string,
  { readFile, folder, report, path }: CsvSource & { path: string[] },
): { names: string[]; rows: ReturnType<typeof parseCsv> } | null {
  let text: string;
  try {
    text = readFile(besideConfig(file, folder));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    report.fault(path, `cannot read ${quoted(file)} (${code})`, { hint: 'paths start from the folder of the config' });
    return null;
  }
  const [header, ...rows] = parseCsv(text);
  return { names: (header?.cells ?? []).map((cell) => cell.trim().toLowerCase()), rows };
}

/** Rows of an RFC 4180 text with the line each starts on; quoted cells may hold commas, line ends and doubled quotes. */
export function parseCsv(text: string): { cells: string[]; line: number }[] {
  const rows: { cells: string[]; line: number }[] = [];
  let cells: string[] = [];
  let line = 1;
  let start = 1;
  // One token: a cell, quoted or plain, and what ends it.
  for (const [whole, inQuotes, plain = '', end] of text
    .replace(/^\uFEFF/, '')
    .matchAll(/(?:"((?:[^"]|"")*)"[^\S\r\n]*|([^,\r\n]*))(,|\r?\n|\r|$)/g)) {
    cells.push(inQuotes === undefined ? plain : inQuotes.replaceAll('""', '"'));
    line += whole.split('\n').length - 1;
    if (end === ',') continue;
    if (cells.some((cell) => cell.trim() !== '')) rows.push({ cells, line: start });
    cells = [];
    start = line;
  }
  return rows;
}
