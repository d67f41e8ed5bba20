/** One record, whatever it is, to one draft: known envelopes to their parsers, the rest to the salvage and the unrecognised. */
import { recordActivityEvent } from '../activity-log/record.ts';
import {
  categoryOfService,
  classicActivityEvent,
  commonActivityEvent,
  type ActivityEvent,
} from '../azure-monitor/activity-event.ts';
import { commonAlertEvent, type AlertEvent } from '../azure-monitor/alert-event.ts';
import { classicBudgetEvent, readBudget } from '../azure-monitor/budget.ts';
import { readChange } from '../azure-monitor/change.ts';
import { classicLogEvent, readLog } from '../azure-monitor/log.ts';
import { classicMetricEvent, readMetric } from '../azure-monitor/metric.ts';
import { readPrometheus } from '../azure-monitor/prometheus.ts';
import { readResourceHealth } from '../azure-monitor/resource-health.ts';
import { readServiceHealth } from '../azure-monitor/service-health.ts';
import { readOtherAlert, readSmartDetection } from '../azure-monitor/smart-detection.ts';
import { readAcr } from '../event-grid/acr.ts';
import { readAks } from '../event-grid/aks.ts';
import { gridEvent, type GridEvent } from '../event-grid/grid-event.ts';
import { readHealthResource } from '../event-grid/health-resource.ts';
import { readGridSystem } from '../event-grid/system.ts';
import { withCanaryMark } from './canary.ts';
import { detect, type Envelope } from './detect.ts';
import type { Draft } from './draft.ts';
import { compact, fieldsOf, objectOf, textOf, valueOf, type Fields } from './fields.ts';
import { findHealthEvent, findMessage } from './salvage.ts';

/** Reads a record that we know, or what can be salvaged from it; null where it names nothing that we know. */
export function readRecord(value: unknown): Draft | null {
  const root = fieldsOf(value);
  const envelope = detect(root);
  const draft = (envelope === null ? null : readKnown(root, envelope)) ?? readSalvaged(value);
  return draft === null ? null : withCanaryMark(draft);
}

function readKnown(root: Fields, envelope: Envelope): Draft | null {
  switch (envelope) {
    case 'common':
      return readCommon(root);
    case 'classic-activity': {
      const event = classicActivityEvent(root);
      return event.record.size === 0 && event.properties.size === 0 ? null : readActivity(event);
    }
    case 'activity-record':
      return readActivity(recordActivityEvent(root));
    case 'classic-metric':
      return readMetric(classicMetricEvent(root));
    case 'classic-log':
      return readLog(classicLogEvent(root));
    case 'classic-budget':
      return readBudget(classicBudgetEvent(root));
    case 'grid':
      return readGrid(gridEvent(root));
    default:
      return envelope satisfies never;
  }
}

function readGrid(event: GridEvent): Draft | null {
  return readAks(event) ?? readAcr(event) ?? readHealthResource(event) ?? readGridSystem(event);
}

function readActivity(event: ActivityEvent): Draft | null {
  // Other categories may have a tracking ID of their own making; with an incident type it is Service Health's.
  const isHealth =
    event.properties.has('trackingid') && (event.category === '' || event.properties.has('incidenttype'));
  if (event.category === 'servicehealth' || isHealth) return readServiceHealth(event);
  return event.category === 'resourcehealth' ? readResourceHealth(event) : readChange(event);
}

function readCommon(root: Fields): Draft | null {
  const data = objectOf(root, 'data');
  const body = data.has('essentials') || data.has('alertcontext') ? data : root;
  const essentials = objectOf(body, 'essentials');
  const context = objectOf(body, 'alertContext');
  // An envelope without a letter in it: nothing to go by.
  if (essentials.size === 0 && context.size === 0) return null;
  const service = compact(textOf(essentials, 'monitoringService'));
  // An operation belongs to the activity log, whatever the service and the signal type are called.
  const isActivity =
    categoryOfService(service) !== '' ||
    compact(textOf(essentials, 'signalType')) === 'activitylog' ||
    (context.has('operationname') && context.has('eventsource'));
  if (isActivity) return readActivity(commonActivityEvent(essentials, context));
  return readAlert(commonAlertEvent(essentials, context, valueOf(body, 'customProperties')));
}

const LOG_SERVICES = new Set([
  'logalertsv2',
  'loganalytics',
  'applicationinsights',
  'simplelogalert',
  'simplelogalerts',
]);

/** By the service of the rule, and where that is missing or new, by what the context holds. */
function readAlert(event: AlertEvent): Draft {
  const { service, context } = event;
  if (service === 'prometheus' || (context.has('expression') && context.has('labels'))) return readPrometheus(event);
  if (service === 'costalerts') return readBudget(event);
  if (service === 'smartdetector') return readSmartDetection(event);
  const conditionType = (textOf(context, 'conditionType') ?? '').toLowerCase();
  if (LOG_SERVICES.has(service) || conditionType === 'logquerycriteria') return readLog(event);
  return service === 'platform' || objectOf(context, 'condition').has('allof')
    ? readMetric(event)
    : readOtherAlert(event);
}

function readSalvaged(value: unknown): Draft | null {
  const message = findMessage(value);
  const root = fieldsOf(message);
  const envelope = detect(root);
  const inner = envelope === null ? null : readKnown(root, envelope);
  if (inner !== null) return { ...inner, reason: 'salvaged: found a known message inside an unknown one' };
  const found = findHealthEvent(value);
  if (found === null) return null;
  const event = { ...recordActivityEvent(found.fields), properties: found.fields };
  return { ...readServiceHealth(event), schema: 'unknown', reason: `salvaged: found ${found.how}` };
}
