/** Names, teams and environments of subscriptions: written in the config or read from a CSV file. */
import { reportIssues } from './issues.ts';
import { quoted, type Report } from './fault.ts';
import { besideConfig } from './interpolate.ts';
import { Subscriptions } from './schema.ts';
import type { SubscriptionInfo } from './types.ts';

export interface SubscriptionsOptions {
  readFile: (path: string) => string;
  /** Folder of the config. */
  folder: string;
  report: Report;
}

const PATH = ['subscriptions'];
const HEADER = 'the first line must be id,name,team,environment';

/** By lower-cased id; Azure writes ids in both cases. */
export function readSubscriptions(value: unknown, options: SubscriptionsOptions): Map<string, SubscriptionInfo> {
  const found = new Map<string, SubscriptionInfo>();
  if (value === undefined || value === null) return found;
  const parsed = Subscriptions.safeParse(value);
  if (!parsed.success) {
    reportIssues(parsed.error, { report: options.report, base: PATH, schema: Subscriptions, value });
    return found;
  }
  if (typeof parsed.data['file'] === 'string') return readCsv(parsed.data['file'], options);
  for (const [id, info] of Object.entries(parsed.data)) {
    if (typeof info === 'string') continue;
    if (found.has(id.toLowerCase())) {
      options.report.fault([...PATH, id], 'this subscription stands here twice', {
        hint: 'ids are the same in upper and lower case',
        at: 'key',
      });
    }
    found.set(id.toLowerCase(), {
      name: info.name ?? null,
      team: info.team ?? null,
      environment: info.environment ?? null,
    });
  }
  return found;
}

function readCsv(file: string, { readFile, folder, report }: SubscriptionsOptions): Map<string, SubscriptionInfo> {
  const found = new Map<string, SubscriptionInfo>();
  const path = [...PATH, 'file'];
  let text: string;
  try {
    text = readFile(besideConfig(file, folder));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    report.fault(path, `cannot read ${quoted(file)} (${code})`, { hint: 'paths start from the folder of the config' });
    return found;
  }
  const [header, ...rows] = parseCsv(text);
  const names = (header?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  if (!names.includes('id')) {
    report.fault(path, `${file} has no column id`, { hint: HEADER });
    return found;
  }
  for (const { cells, line } of rows) {
    const cell = (column: string): string | null => cells[names.indexOf(column)]?.trim() || null;
    const id = cell('id')?.toLowerCase() ?? null;
    if (id === null) report.fault(path, `${file} line ${line} has no id`, { hint: HEADER });
    else if (found.has(id))
      report.fault(path, `${file} line ${line} names a subscription a second time: ${quoted(id)}`);
    else found.set(id, { name: cell('name'), team: cell('team'), environment: cell('environment') });
  }
  return found;
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
