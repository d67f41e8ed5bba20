/** Log search alerts: V2, simple log alerts and the old V1, also in its classic form (azure-signals 3, 4.4). */
import type { Draft } from '../parse/draft.ts';
import { fieldsOf, listOf, objectOf, textOf, textsOf, valueOf, type Fields } from '../parse/fields.ts';
import { alertDraft, type AlertEvent } from './alert-event.ts';
import { criterionDetails, describeCriterion, readCriteria, readDimensions } from './criteria.ts';

/** Reads one log alert. V2 embeds no rows; V1 and simple alerts do, and they stay in the raw record only. */
export function readLog(event: AlertEvent): Draft {
  const criteria = readCriteria(event.context);
  return criteria.length > 0 ? readV2(event, criteria) : readV1(event);
}

function readV2(event: AlertEvent, criteria: ReturnType<typeof readCriteria>): Draft {
  const first = criteria[0]!;
  return alertDraft(event, {
    type: 'log',
    summary: describeCriterion(first),
    labels: criteria.flatMap((criterion) => criterion.dimensions),
    details: [
      ...criterionDetails(criteria, objectOf(event.context, 'condition')),
      ['Query', textOf(first.fields, 'searchQuery')],
      ['Query results', textOf(first.fields, 'linkToFilteredSearchResultsUI', 'linkToSearchResultsUI')],
      ['Event', simpleEvent(first.fields)],
    ],
  });
}

/** The row of a simple log alert: lists of `{ name, value }` in a list. */
function simpleEvent(fields: Fields): string | null {
  const cells = listOf(fields, 'event').flat().slice(0, 20).map(fieldsOf);
  const texts = cells.map((cell) => [textOf(cell, 'name'), textOf(cell, 'value')]).filter(([name]) => name !== null);
  return texts.length === 0 ? null : texts.map(([name, value]) => `${name}=${value ?? ''}`).join(', ');
}

function readV1(event: AlertEvent): Draft {
  const { context } = event;
  const count = textOf(context, 'resultCount');
  const comparison = [
    textOf(context, 'operator', 'alertThresholdOperator'),
    textOf(context, 'threshold', 'alertThresholdValue'),
  ];
  const words = comparison.filter((word) => word !== null).join(' ');
  const summary = [words, count === null ? null : `(${count} results)`]
    .filter((word) => word !== null && word !== '')
    .join(' ');
  return alertDraft(event, {
    type: 'log',
    summary: summary === '' ? null : summary,
    labels: readDimensions(context),
    details: [
      ['Operator', comparison[0] ?? null],
      ['Threshold', comparison[1] ?? null],
      ['Value', count],
      ['Window', textOf(context, 'searchIntervalInSeconds', 'searchIntervalDurationMin')],
      [
        'Dimensions',
        readDimensions(context)
          .map(([name, value]) => `${name}=${value}`)
          .join(', '),
      ],
      ['Query', textOf(context, 'searchQuery')],
      [
        'Query results',
        textOf(context, 'linkToFilteredSearchResultsUI', 'linkToSearchResultsUI', 'linkToSearchResults'),
      ],
    ],
  });
}

/** Classic V1 (`Microsoft.Insights/LogAlert`): no alert id and no rule id, so rule name and subscription stand in. It has no closing message. */
export function classicLogEvent(root: Fields): AlertEvent {
  const data = objectOf(root, 'data');
  const subscription = textOf(data, 'subscriptionId');
  const rule = textOf(data, 'alertRuleName');
  const time = valueOf(data, 'searchIntervalEndtimeUtc');
  return {
    schema: 'classic',
    service: 'loganalytics',
    alertId: null,
    rule,
    ruleId: rule === null ? null : `/subscriptions/${subscription ?? ''}/logalerts/${rule}`,
    condition: textOf(data, 'monitorCondition') ?? 'Fired',
    severity: textOf(data, 'severity'),
    firedAt: time,
    resolvedAt: null,
    targets: textsOf(data, 'resourceId', 'workspaceId', 'applicationId').filter((id) => id.includes('/')),
    subscription,
    resourceGroup: null,
    description: textOf(data, 'description'),
    link: textOf(data, 'linkToSearchResults'),
    context: data,
    custom: valueOf(root, 'properties'),
  };
}
