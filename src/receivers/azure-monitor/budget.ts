/** Cost alerts. Their essentials are mostly null (azure-signals 0.10); they never resolve. */
import type { Draft } from '../parse/draft.ts';
import { objectOf, textOf, valueOf, type Fields } from '../parse/fields.ts';
import { alertDraft, type AlertEvent } from './alert-event.ts';

/** Reads one budget alert; spent amount and threshold in the unit that Azure names. Creator addresses are left out. */
export function readBudget(event: AlertEvent): Draft {
  const nested = objectOf(event.context, 'alertData');
  const data = nested.size > 0 ? nested : event.context;
  const name = textOf(data, 'budgetName');
  const spent = textOf(data, 'spentAmount', 'spendingAmount');
  const limit = textOf(data, 'notificationThresholdAmount', 'budgetThreshold', 'budget');
  const unit = textOf(data, 'unit') ?? '';
  const budget = textOf(data, 'budgetId') ?? name;
  const amounts = spent === null && limit === null ? null : `spent ${spent ?? '?'} of ${limit ?? '?'} ${unit}`.trim();
  return alertDraft(event, {
    type: 'budget',
    summary: [event.rule === name ? null : name, amounts].filter((word) => word !== null).join(' ') || null,
    labels: [],
    // Two thresholds of one budget are two alerts.
    ruleId: budget === null ? event.ruleId : `${budget}/${limit ?? ''}/${textOf(data, 'thresholdType') ?? ''}`,
    details: [
      ['Budget', name],
      ['Spent', spent === null ? null : `${spent} ${unit}`.trim()],
      ['Threshold', limit === null ? null : `${limit} ${unit}`.trim()],
      ['Budget type', textOf(data, 'budgetType')],
      ['Scope', textOf(data, 'scope')],
      ['Since', textOf(data, 'budgetStartDate')],
    ],
  });
}

/** The classic form, `AIP Budget Notification`. */
export function classicBudgetEvent(root: Fields): AlertEvent {
  const data = objectOf(root, 'data');
  return {
    schema: 'classic',
    service: 'costalerts',
    alertId: null,
    rule: textOf(data, 'budgetName'),
    ruleId: null,
    condition: 'Fired',
    severity: null,
    firedAt: valueOf(data, 'timestamp', 'firedDateTime'),
    resolvedAt: null,
    targets: [],
    subscription: textOf(data, 'subscriptionId'),
    resourceGroup: textOf(data, 'resourceGroup'),
    description: null,
    link: null,
    context: data,
    custom: valueOf(root, 'properties'),
  };
}
