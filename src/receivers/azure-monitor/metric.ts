/** Metric alerts: static and dynamic thresholds, one or several resources (azure-signals 3). */
import { subscriptionOf } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import { objectOf, textOf, textsOf, valueOf, type Fields } from '../parse/fields.ts';
import { alertDraft, type AlertEvent } from './alert-event.ts';
import { criterionDetails, describeCriterion, readCriteria } from './criteria.ts';

/** Reads one metric alert; one on availability tests is told by its condition. */
export function readMetric(event: AlertEvent): Draft {
  const criteria = readCriteria(event.context);
  const condition = objectOf(event.context, 'condition');
  const isWebTest = (textOf(event.context, 'conditionType') ?? '').toLowerCase().startsWith('webtest');
  const summary = describeCriterion(criteria[0]);
  return alertDraft(event, {
    type: isWebTest ? 'availability' : 'metric',
    summary: summary !== null && criteria.length > 1 ? `${summary} and ${criteria.length - 1} more` : summary,
    labels: criteria.flatMap((criterion) => criterion.dimensions),
    details: [
      ...criterionDetails(criteria, condition),
      ['Web test', isWebTest ? textOf(criteria[0]?.fields ?? new Map(), 'webTestName') : null],
      ['Failed locations', isWebTest ? textOf(condition, 'failedLocationCount') : null],
    ],
  });
}

/** The classic form: `context` holds what the common schema splits into essentials and alert context. Older rules have no version and no `allOf`. */
export function classicMetricEvent(root: Fields): AlertEvent {
  const data = root.has('data') ? objectOf(root, 'data') : root;
  const context = objectOf(data, 'context');
  const ruleId = textOf(context, 'id');
  const condition = textOf(data, 'status');
  const time = valueOf(context, 'timestamp');
  const ended = (condition ?? '').toLowerCase() === 'deactivated';
  return {
    schema: 'classic',
    service: 'platform',
    alertId: null,
    rule: textOf(context, 'name'),
    ruleId,
    condition,
    severity: textOf(context, 'severity'),
    // There is one time, of the firing or of the end.
    firedAt: ended ? null : time,
    resolvedAt: ended ? time : null,
    targets: textsOf(context, 'resourceId'),
    subscription: textOf(context, 'subscriptionId') ?? subscriptionOf(ruleId),
    resourceGroup: textOf(context, 'resourceGroupName'),
    description: textOf(context, 'description'),
    link: textOf(context, 'portalLink'),
    context,
    custom: valueOf(data, 'properties'),
  };
}
