/** Smart detection, and any alert of the common schema whose service we do not know: what its context says in plain fields. */
import type { Draft } from '../parse/draft.ts';
import { scalarText, textOf } from '../parse/fields.ts';
import { alertDraft, type AlertEvent } from './alert-event.ts';

/** Reads a smart detection alert. */
export function readSmartDetection(event: AlertEvent): Draft {
  return readPlain(event, 'smart-detection', textOf(event.context, 'detectionSummary'));
}

/** Reads an alert of a service that came after us: rule, target, condition and severity are the same for all of them. */
export function readOtherAlert(event: AlertEvent): Draft {
  return {
    ...readPlain(event, 'other-alert', event.description),
    reason: `no parser for monitoringService ${event.service || '(none)'}`,
  };
}

function readPlain(event: AlertEvent, type: string, summary: string | null): Draft {
  const plain = [...event.context].map(([key, value]) => [key, scalarText(value)] as const).slice(0, 15);
  return alertDraft(event, { type, summary, labels: [], details: plain });
}
