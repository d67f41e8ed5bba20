/**
 * The records of the ServiceNow stand-in: columns with their widths, encoded queries and journals, as far as
 * destinations 2.3 to 2.5 tell. What is too long loses its tail silently, as in the product, so that a test can see it.
 */
export type SnRow = Record<string, string>;

export interface SnIncident {
  sysId: string;
  columns: SnRow;
  /** Oldest first. */
  workNotes: string[];
  /** Visible to the caller; nothing of ours may appear here. */
  comments: string[];
}

const WIDTHS: Readonly<Record<string, number>> = {
  sys_id: 32,
  number: 40,
  sys_created_on: 40,
  active: 40,
  state: 40,
  priority: 40,
  impact: 40,
  urgency: 40,
  short_description: 160,
  description: 4_000,
  correlation_id: 100,
  correlation_display: 100,
  close_code: 40,
  close_notes: 4_000,
  category: 40,
  subcategory: 40,
  contact_type: 40,
  assignment_group: 32,
  assigned_to: 32,
  caller_id: 32,
  cmdb_ci: 32,
};
const CUSTOM_WIDTH = 255;

export class SnTable {
  readonly rows: SnIncident[] = [];
  readonly #custom: ReadonlySet<string>;

  /** `customColumns` exist beside the delivered ones (`u_...`). */
  constructor(customColumns: readonly string[]) {
    this.#custom = new Set(customColumns);
  }

  insert(values: SnRow): SnIncident {
    const number = this.rows.length + 1;
    const sysId = number.toString(16).padStart(32, 'c0ffee00');
    const row: SnIncident = { sysId, columns: {}, workNotes: [], comments: [] };
    row.columns = {
      sys_id: sysId,
      number: `INC${String(10_000 + number).padStart(7, '0')}`,
      sys_created_on: new Date(Date.UTC(2026, 10, 23, 8, 0, number)).toISOString().slice(0, 19).replace('T', ' '),
      state: '1',
      impact: '3',
      urgency: '3',
    };
    this.rows.push(row);
    this.update(row, values);
    return row;
  }

  /** Unknown columns are ignored without a word; priority and active follow from the others. */
  update(row: SnIncident, values: SnRow): void {
    for (const [column, value] of Object.entries(values)) {
      if (column === 'work_notes' && value !== '') row.workNotes.push(value);
      else if (column === 'comments' && value !== '') row.comments.push(value);
      else if (this.has(column)) {
        row.columns[column] = Array.from(value)
          .slice(0, WIDTHS[column] ?? CUSTOM_WIDTH)
          .join('');
      }
    }
    const { impact, urgency, state } = row.columns;
    row.columns['priority'] = String(Math.min(5, Math.max(1, Number(impact) + Number(urgency) - 1)));
    row.columns['active'] = String(state !== '7' && state !== '8');
  }

  has(column: string): boolean {
    return column in WIDTHS || this.#custom.has(column);
  }

  byId(sysId: string): SnIncident | undefined {
    return this.rows.find((row) => row.sysId === sysId);
  }

  /** Rows for `sysparm_query`: a condition on a column that does not exist is dropped, so it matches everything. */
  query(encoded: string): SnIncident[] {
    return runQuery(
      this.rows.map((row) => ({ row, columns: row.columns })),
      { encoded, has: (column) => this.has(column) },
    ).map(({ row }) => row);
  }
}

/** Runs an encoded query over rows with columns; `^^` stands for a `^` within a value. */
export function runQuery<T extends { columns: SnRow }>(
  rows: readonly T[],
  { encoded, has }: { encoded: string; has: (column: string) => boolean },
): T[] {
  let result = [...rows];
  for (const term of encoded.split(/(?<!\^)\^(?!\^)/).map((part) => part.replaceAll('^^', '^'))) {
    const order = /^ORDERBY(DESC)?(\w+)$/.exec(term);
    if (order) {
      const [, descending, column = ''] = order;
      if (!has(column)) continue;
      const sign = descending === undefined ? 1 : -1;
      result.sort((a, b) => sign * compare(a.columns[column] ?? '', b.columns[column] ?? ''));
      continue;
    }
    const condition = /^([a-z_]+)(=|IN|ISNOTEMPTY)(.*)$/s.exec(term);
    if (!condition) continue;
    const [, column = '', operator, value = ''] = condition;
    if (!has(column)) continue;
    const wanted = new Set((operator === 'IN' ? value.split(',') : [value]).map((one) => one.toLowerCase()));
    result = result.filter((row) => {
      const actual = row.columns[column] ?? '';
      return operator === 'ISNOTEMPTY' ? actual !== '' : wanted.has(actual.toLowerCase());
    });
  }
  return result;
}

/** A row as the API shows it; journals are readable only as display values, newest entry first. */
export function showRow(row: SnIncident, options: { fields: readonly string[] | null; display: boolean }): SnRow {
  const stamp = `${row.columns['sys_created_on']} - Relay (Work notes)`;
  const journal = row.workNotes
    .toReversed()
    .map((note) => `${stamp}\n${note}\n\n`)
    .join('');
  const all: SnRow = { ...row.columns, work_notes: options.display ? journal : '', comments: '' };
  return options.fields === null ? all : pick(all, options.fields);
}

/** Only the columns asked for, and of those only the ones that exist. */
export function pick(row: SnRow, fields: readonly string[]): SnRow {
  return Object.fromEntries(Object.entries(row).filter(([column]) => fields.includes(column)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
