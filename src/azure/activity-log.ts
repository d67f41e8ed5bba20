/**
 * Service Health in the table `AzureActivity` of a Log Analytics workspace: the activity log itself, with the ids and
 * stages that the events API leaves out (azure-signals 4.2, 7.1). Rows come 3 to 20 minutes after the event, hours after
 * it while Log Analytics has an outage of its own, and are kept for 90 days.
 */
import { listOf, textOf, timeOf, type Fields } from './fields.ts';
import type { LogsReader } from './logs.ts';
import { AzureError } from './session.ts';

/** One communication, as the first of its subscriptions has it. */
export interface ActivityRow {
  /** In the form of the export to an Event Hub, which a parser reads already; its `properties` as sent, mostly a JSON text. */
  record: Readonly<Record<string, unknown>>;
  /** Lower-cased ids of all subscriptions that have the communication in this workspace, sorted. */
  subscriptions: readonly string[];
}

export interface ActivityAnswer {
  rows: ActivityRow[];
  /** Why only a part came; null when all of it did. */
  partial: string | null;
  /** Why an answer did not come at all; `rows` hold those of the pages before it. */
  error: AzureError | null;
}

/** A row of two services and 36 regions has some 50 kB with its texts: a page stays far below the 32 MB that are read of an answer. */
const PAGE_ROWS = 200;
/** `make_set` keeps no more, and a signal names no more. */
const SUBSCRIPTIONS_MAX = 1000;
/** What the table keeps (azure-signals 7.1). */
const KEPT_MS = 90 * 86_400_000;

/** All pages of a span, ISO 8601 UTC, cut to what the table keeps. */
export async function readActivity(
  reader: LogsReader,
  workspace: string,
  span: { from: string; to: string },
): Promise<ActivityAnswer> {
  const rows: ActivityRow[] = [];
  const keptFrom = new Date(Date.parse(span.to) - KEPT_MS).toISOString();
  try {
    for (let from = span.from > keptFrom ? span.from : keptFrom; ;) {
      const page = { from, to: span.to };
      const answer = await reader.query(workspace, activityQuery(page), page);
      rows.push(...answer.rows.map(readRow));
      const { partial } = answer;
      if (partial !== null || answer.rows.length < PAGE_ROWS) return { rows, partial, error: null };
      // There is no other way to a next page. What began on this one and goes on after it comes twice.
      const next = timeOfRow(answer.rows.at(-1)!);
      if (next === null || next <= from)
        return { rows, partial: `more than ${PAGE_ROWS} communications at one time`, error: null };
      from = next;
    }
  } catch (error) {
    if (!(error instanceof AzureError)) throw error;
    return { rows, partial: null, error };
  }
}

/**
 * One row for each communication and stage, whatever the number of subscriptions: 500 of them would be as many megabytes.
 * Where the names inside `Properties` are spelt otherwise, Kusto cannot group, and each row stays alone.
 */
function activityQuery({ from, to }: { from: string; to: string }): string {
  return `AzureActivity
| where TimeGenerated >= datetime(${from}) and TimeGenerated < datetime(${to})
| where CategoryValue =~ 'ServiceHealth' or OperationNameValue startswith 'Microsoft.ServiceHealth/'
| extend bag = column_ifexists('Properties_d', dynamic(null)), plain = tostring(column_ifexists('Properties', ''))
| extend inner = tostring(bag.eventProperties)
| extend text = case(isnotempty(inner), inner, isnotempty(plain), plain, tostring(bag))
| extend whole = todynamic(text)
| extend told = iff(isempty(tostring(whole.eventProperties)), whole, todynamic(tostring(whole.eventProperties)))
| extend tracking = tolower(tostring(told.trackingId)), communication = tostring(told.communicationId), stage = tolower(tostring(told.stage))
| extend subscription = tolower(iff(isempty(SubscriptionId), extract(@'/subscriptions/([^/]+)', 1, tolower(_ResourceId)), SubscriptionId))
| extend alone = iff(isempty(tracking) or isempty(communication), strcat(subscription, '/', EventDataId, '/', tostring(hash(text))), '')
| summarize arg_min(TimeGenerated, OperationNameValue, ActivityStatusValue, Level, EventDataId, CorrelationId, text), subscriptions = make_set(subscription, ${SUBSCRIPTIONS_MAX}) by tracking, communication, stage, alone
| top ${PAGE_ROWS} by TimeGenerated asc`;
}

function readRow(row: Fields): ActivityRow {
  const named = listOf(row, 'subscriptions').filter((id) => typeof id === 'string' && id.trim() !== '') as string[];
  const subscriptions = [...new Set(named.map((id) => id.trim().toLowerCase()))].sort();
  const record = {
    time: timeOfRow(row),
    category: 'ServiceHealth',
    // Some operation must stand there, or the record would not be known as one of the activity log.
    operationName: textOf(row, 'OperationNameValue') ?? 'Microsoft.ServiceHealth/event/action',
    resultType: textOf(row, 'ActivityStatusValue'),
    level: textOf(row, 'Level'),
    eventDataId: textOf(row, 'EventDataId'),
    correlationId: textOf(row, 'CorrelationId'),
    properties: row['text'] ?? null,
  };
  return { record, subscriptions };
}

/** ISO 8601 UTC with milliseconds; the client makes dates of `datetime` cells. */
function timeOfRow(row: Fields): string | null {
  const value = row['timegenerated'];
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return timeOf(row, 'TimeGenerated');
}
