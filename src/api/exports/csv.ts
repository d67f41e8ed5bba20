/** CSV (RFC 4180) of a timeline. */
import type { IncidentRecord } from '../incidents-record.ts';

const COLUMNS = ['at', 'recordedAt', 'kind', 'revision', 'voice', 'who', 'summary', 'changes', 'text'] as const;

/** One line per entry, oldest first, times in UTC. */
export function csvOf(record: Pick<IncidentRecord, 'timeline'>): string {
  const rows = record.timeline.map((entry) => [
    entry.at,
    entry.recordedAt,
    entry.kind,
    String(entry.revision),
    entry.voice,
    entry.who,
    entry.summary,
    (entry.changes ?? []).join(' '),
    typeof entry.data['text'] === 'string' ? entry.data['text'] : '',
  ]);
  return csvText([COLUMNS, ...rows]);
}

/** Lines of fields as CSV text. */
export function csvText(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

/** A leading = + - @ would be a formula in a sheet, after blanks as well. */
function field(text: string): string {
  const safe = /^\s*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
