/** Bodies of the Events API v2 (destinations 1.2). */
import type { DestinationView, Step } from '#src/core/adapter.ts';
import type { Severity } from '#src/core/signal.ts';
import { cutCodePoints } from '../shared/cut.ts';
import { describe, type MessageParts } from '../shared/message.ts';
import { detailsOf, fitDetails } from './details.ts';

/** A longer summary is answered with 400, not cut by PagerDuty (destinations 1.2). */
export const SUMMARY_CHARS_MAX = 1_024;
/** The vendor's 512 KB with room for what it may count differently (destinations 1.2). */
export const BODY_BYTES_BUDGET = 500_000;
/** No limit is documented for the filter fields; a filter has no use for more. */
const FILTER_CHARS_MAX = 255;

const CLIENT = 'Health Relay';

export interface RenderOptions {
  routingKey: string;
  dedupKey: string;
  destination: DestinationView;
  relayId: string;
}

/** POST /v2/enqueue, `trigger`: opens an alert, or adds to the log of the open one. */
export function renderTrigger(step: Step, options: RenderOptions): string {
  const { routingKey, dedupKey, relayId } = options;
  const parts = describe(step, options);
  return fitDetails(detailsOf(parts), {
    bytesMax: BODY_BYTES_BUDGET,
    compose: (details) =>
      JSON.stringify({
        routing_key: routingKey,
        event_action: 'trigger',
        dedup_key: dedupKey,
        ...clientOf(parts),
        links: linksOf(parts),
        payload: payloadOf(step, { parts, relayId, details }),
      }),
  });
}

/** POST /v2/enqueue, `resolve`: the payload says in the alert's log why it is over. */
export function renderResolve(step: Step, options: RenderOptions): string {
  const { routingKey, dedupKey, relayId } = options;
  const parts = describe(step, options);
  return fitDetails(detailsOf(parts), {
    bytesMax: BODY_BYTES_BUDGET,
    compose: (details) =>
      JSON.stringify({
        routing_key: routingKey,
        event_action: 'resolve',
        dedup_key: dedupKey,
        payload: payloadOf(step, { parts, relayId, details }),
      }),
  });
}

/**
 * POST /v2/change/enqueue: shown among recent changes, pages nobody (destinations 1.2). Each one stands alone in a
 * list, so its summary says the stage as well, after the stable headline.
 */
export function renderChange(step: Step, options: RenderOptions): string {
  const { routingKey, relayId } = options;
  const parts = describe(step, options);
  const stage = ` · ${parts.stageLine}`;
  const headline = cutCodePoints(parts.headline, SUMMARY_CHARS_MAX - Array.from(stage).length);
  return fitDetails(detailsOf(parts), {
    bytesMax: BODY_BYTES_BUDGET,
    compose: (details) =>
      JSON.stringify({
        routing_key: routingKey,
        links: linksOf(parts),
        payload: {
          summary: cutCodePoints(`${headline}${stage}`, SUMMARY_CHARS_MAX),
          source: sourceOf(relayId),
          timestamp: timestampOf(step),
          custom_details: details,
        },
      }),
  });
}

/** Severity for PagerDuty (destinations 1.4): security counts as an error at least, what nobody understood as a warning at most. */
function severityOf(step: Step): Severity {
  const { kind, severity } = step.incident;
  if (step.test) return 'info';
  if (kind === 'security') return severity === 'critical' ? 'critical' : 'error';
  if (kind === 'unrecognised') return severity === 'info' ? 'info' : 'warning';
  return severity;
}

interface PayloadOptions {
  parts: MessageParts;
  relayId: string;
  details: Readonly<Record<string, string>>;
}

function payloadOf(step: Step, { parts, relayId, details }: PayloadOptions): Record<string, unknown> {
  const { incident } = step;
  return {
    // The title of an alert never changes (destinations 1.3): only what is stable belongs here.
    summary: cutCodePoints(step.test ? `TEST ${parts.headline}` : parts.headline, SUMMARY_CHARS_MAX),
    source: sourceOf(relayId),
    severity: severityOf(step),
    timestamp: timestampOf(step),
    component: filterField(incident.impacts.map(({ service }) => service)),
    group: filterField(incident.impacts.map(({ region }) => region)),
    class: filterField([incident.stage === null ? incident.kind : `${incident.kind}/${incident.stage}`]),
    custom_details: details,
  };
}

function clientOf(parts: MessageParts): Record<string, string> {
  const url = parts.links[0]?.url;
  return { client: CLIENT, ...(url === undefined ? {} : { client_url: url }) };
}

function linksOf(parts: MessageParts): { href: string; text: string }[] {
  return parts.links.map(({ label, url }) => ({ href: url, text: label }));
}

function sourceOf(relayId: string): string {
  return cutCodePoints(`${relayId}/Azure`, FILTER_CHARS_MAX);
}

function timestampOf(step: Step): string {
  return step.communication?.at ?? step.incident.startedAt ?? step.incident.firstSeenAt;
}

/** Undefined leaves the field out: an empty text would match an empty filter. */
function filterField(values: readonly string[]): string | undefined {
  const joined = [...new Set(values.filter((value) => value !== ''))].join(', ');
  return joined === '' ? undefined : cutCodePoints(joined, FILTER_CHARS_MAX);
}
