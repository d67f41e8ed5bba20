/** Alerts of managed Prometheus rule groups (azure-signals 3). Some fire anew on every evaluation: labels tie them together. */
import type { Draft } from '../parse/draft.ts';
import { pairsOf, textOf, valueOf } from '../parse/fields.ts';
import { alertDraft, type AlertEvent } from './alert-event.ts';

/** Reads one Prometheus alert. Essentials name no rule id, so the group's id and the alert's name stand in. */
export function readPrometheus(event: AlertEvent): Draft {
  const { context } = event;
  const labels = pairsOf(valueOf(context, 'labels'), 100);
  const annotations = pairsOf(valueOf(context, 'annotations'));
  const group = textOf(context, 'ruleGroup');
  const name = labels.find(([label]) => label.toLowerCase() === 'alertname')?.[1] ?? event.rule;
  const annotation = (wanted: string): string | null =>
    annotations.find(([key]) => key.toLowerCase() === wanted)?.[1] ?? null;
  const text = annotation('description') ?? annotation('summary') ?? annotation('message');
  return alertDraft(event, {
    type: 'prometheus',
    summary: annotation('summary') ?? text ?? event.description,
    text,
    labels,
    ruleId: event.ruleId ?? (group === null || name === null ? null : `${group}/${name}`),
    details: [
      ['Expression', textOf(context, 'expression')],
      ['Value', textOf(context, 'expressionValue')],
      ['For', textOf(context, 'for')],
      ...labels.filter(([label]) => label.toLowerCase() !== 'alertname').slice(0, 12),
      ['Runbook', annotation('runbook_url')],
      ['Rule group', group],
    ],
  });
}
