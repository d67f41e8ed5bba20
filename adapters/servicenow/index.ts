/** ServiceNow: incidents through the Table API, or events (destinations 2). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import { defineAdapter } from '../shared/define.ts';
import { CORRELATION_ID_CHARS_MAX } from './correlation.ts';
import { deliverEvent } from './events.ts';
import { deliverIncident } from './lifecycle.ts';
import { probeInstance } from './probe.ts';
import { EVENT_NAME_CHARS_MAX, MESSAGE_KEY_CHARS_MAX } from './render-event.ts';
import { SHORT_DESCRIPTION_CHARS_MAX, TEXT_CHARS_MAX } from './render.ts';
import { baseUrl, secretsOf, serviceNowSettings, type ServiceNowSettings } from './settings.ts';

export const servicenow = defineAdapter<ServiceNowSettings>({
  kind: 'servicenow',
  settings: serviceNowSettings,
  limits: {
    shortDescriptionCharsMax: SHORT_DESCRIPTION_CHARS_MAX,
    descriptionCharsMax: TEXT_CHARS_MAX,
    noteCharsMax: TEXT_CHARS_MAX,
    correlationIdCharsMax: CORRELATION_ID_CHARS_MAX,
    eventNameCharsMax: EVENT_NAME_CHARS_MAX,
    messageKeyCharsMax: MESSAGE_KEY_CHARS_MAX,
  },
  repeat: 'lookup',
  defaults: { updates: 'each', failOpen: false, concurrency: 4 },
  // The instance kills a transaction at 60 s (destinations 2.5): waiting less would turn slow into unknown.
  deadlineMs: 65_000,
  secrets: secretsOf,
  targets: (settings) => [baseUrl(settings)],
  accountKey,
  deliver: (step, context) =>
    context.settings.mode === 'event' ? deliverEvent(step, context) : deliverIncident(step, context),
  probe: probeInstance,
});

/** Records belong to the instance: another user or password finds the same ones. An event finds no incident, nor the other way. */
function accountKey(settings: ServiceNowSettings): string {
  const instance = baseUrl(settings).toLowerCase();
  return createHash('sha256')
    .update(settings.mode === 'event' ? `${instance} events` : instance)
    .digest('hex');
}
