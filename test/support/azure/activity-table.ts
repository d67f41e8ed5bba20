/**
 * The table `AzureActivity` of the local Log Analytics: columns as documented, values as sent, casing included. No KQL is
 * run here: the one query that the relay makes is checked against the columns, and done by hand.
 */

/** A row by column; what is not given is empty. */
export type ActivityCells = Partial<Record<ActivityColumn, unknown>> & { TimeGenerated: string };

const COLUMNS = [
  'TimeGenerated',
  'CategoryValue',
  'OperationNameValue',
  'ActivityStatusValue',
  'Level',
  'SubscriptionId',
  'EventDataId',
  'CorrelationId',
  'Properties',
  'Properties_d',
  '_ResourceId',
  'Caller',
  'CallerIpAddress',
] as const;
type ActivityColumn = (typeof COLUMNS)[number];

export const ACTIVITY_RESULT = [
  ['tracking', 'string'],
  ['communication', 'string'],
  ['stage', 'string'],
  ['alone', 'string'],
  ['TimeGenerated', 'datetime'],
  ['OperationNameValue', 'string'],
  ['ActivityStatusValue', 'string'],
  ['Level', 'string'],
  ['EventDataId', 'string'],
  ['CorrelationId', 'string'],
  ['text', 'string'],
  ['subscriptions', 'dynamic'],
] as [name: string, type: string][];

/** What must stand in the query, since it is done by hand below. */
const PARTS = [
  "CategoryValue =~ 'ServiceHealth'",
  "column_ifexists('Properties_d', dynamic(null))",
  "column_ifexists('Properties', '')",
  'isempty(tracking) or isempty(communication)',
  'arg_min(TimeGenerated, OperationNameValue, ActivityStatusValue, Level, EventDataId, CorrelationId, text)',
  'make_set(subscription, 1000) by tracking, communication, stage, alone',
];

/** Rows of the answer; a text where the query names a column that is not there, null where it is another query. */
export function activityRows(cells: readonly ActivityCells[], query: string): (string | null)[][] | string | null {
  const names = [...query.replaceAll(/'[^']*'/g, '').matchAll(/\b_?[A-Z]\w*\b/g)].map(([name]) => name);
  const unknown = names.find((name) => name !== 'AzureActivity' && !COLUMNS.includes(name as ActivityColumn));
  if (unknown !== undefined && !/^T\d|Z$/.test(unknown)) return unknown;
  const bounds = /TimeGenerated >= datetime\(([^)]+)\) and TimeGenerated < datetime\(([^)]+)\)/.exec(query);
  const top = /\| top (\d+) by TimeGenerated asc$/.exec(query);
  if (!bounds || !top || PARTS.some((part) => !query.includes(part))) return null;
  const [from, to] = [Date.parse(bounds[1]!), Date.parse(bounds[2]!)];
  const read = cells
    .filter(({ TimeGenerated }) => Date.parse(TimeGenerated) >= from && Date.parse(TimeGenerated) < to)
    .filter((row) => textOf(row.CategoryValue).toLowerCase() === 'servicehealth')
    .map(readCells);
  const groups = Map.groupBy(read, ({ key }) => key.join('\n'));
  return [...groups.values()]
    .map((rows) => {
      const first = rows.reduce((a, b) => (b.row.TimeGenerated < a.row.TimeGenerated ? b : a));
      const { TimeGenerated, OperationNameValue, ActivityStatusValue, Level, EventDataId, CorrelationId } = first.row;
      const told = [TimeGenerated, OperationNameValue, ActivityStatusValue, Level, EventDataId, CorrelationId].map(
        textOf,
      );
      const subscriptions = [...new Set(rows.map((one) => one.subscription).filter((id) => id !== ''))];
      return [...first.key, ...told, first.text, JSON.stringify(subscriptions)];
    })
    .sort((a, b) => (a[4]! < b[4]! ? -1 : 1))
    .slice(0, Number(top[1]));
}

/** Kusto's names are exact: a `trackingid` is not a `trackingId`. */
function readCells(
  row: ActivityCells,
  index: number,
): { row: ActivityCells; key: string[]; text: string; subscription: string } {
  const bag = row.Properties_d as { eventProperties?: unknown } | undefined;
  const text = [textOf(bag?.eventProperties), textOf(row.Properties), textOf(bag)].find((one) => one !== '') ?? '';
  const whole = objectOf(text);
  const told = textOf(whole['eventProperties']) === '' ? whole : objectOf(textOf(whole['eventProperties']));
  const resource = /\/subscriptions\/([^/]+)/.exec(textOf(row._ResourceId).toLowerCase())?.[1] ?? '';
  const subscription = textOf(row.SubscriptionId).toLowerCase() || resource;
  const [tracking, communication] = [textOf(told['trackingId']).toLowerCase(), textOf(told['communicationId'])];
  const alone = tracking === '' || communication === '' ? `${subscription}/${textOf(row.EventDataId)}/${index}` : '';
  return { row, key: [tracking, communication, textOf(told['stage']).toLowerCase(), alone], text, subscription };
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
