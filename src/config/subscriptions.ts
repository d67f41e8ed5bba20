/** Names, teams and environments of subscriptions: written in the config or read from a CSV file. */
import { readCsvFile, type CsvSource } from './csv.ts';
import { reportIssues } from './issues.ts';
import { quoted } from './fault.ts';
import { Subscriptions } from './schema.ts';
import type { SubscriptionInfo } from './types.ts';

export type SubscriptionsOptions = CsvSource;

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
  const { data } = parsed;
  if (typeof data === 'string') return readCsv(data, PATH, options);
  if (typeof data['file'] === 'string') return readCsv(data['file'], [...PATH, 'file'], options);
  for (const [id, info] of Object.entries(data)) {
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

function readCsv(file: string, path: string[], options: SubscriptionsOptions): Map<string, SubscriptionInfo> {
  const found = new Map<string, SubscriptionInfo>();
  const { report } = options;
  const table = readCsvFile(file, { ...options, path });
  if (table === null) return found;
  const { names, rows } = table;
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
