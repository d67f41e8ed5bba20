/** ServiceNow incidents through the Table API (destinations 2). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import { defineAdapter } from '../shared/define.ts';
import { CORRELATION_ID_CHARS_MAX } from './correlation.ts';
import { deliverIncident } from './lifecycle.ts';
import { probeInstance } from './probe.ts';
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
  },
  repeat: 'lookup',
  defaults: { updates: 'each', failOpen: false, concurrency: 4 },
  // The instance kills a transaction at 60 s (destinations 2.5): waiting less would turn slow into unknown.
  deadlineMs: 65_000,
  secrets: secretsOf,
  targets: (settings) => [baseUrl(settings)],
  // Records belong to the instance: another user or password finds the same ones.
  accountKey: (settings) => createHash('sha256').update(baseUrl(settings).toLowerCase()).digest('hex'),
  deliver: deliverIncident,
  probe: probeInstance,
});
