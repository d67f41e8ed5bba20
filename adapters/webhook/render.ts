/**
 * The body of a webhook: a type, a time and the incident as data. Standard Webhooks asks for less than 20 KB
 * (destinations 8), so every list has a budget in bytes, says how many entries it had, and what is left of the 20 KB
 * goes to Microsoft's text.
 */
import type { DestinationView, Step } from '#src/core/adapter.ts';
import { htmlToText } from '#src/text/html.ts';
import { cutBytes, cutCodePoints, utf8Bytes } from '../shared/cut.ts';
import { webUrl } from '../shared/message.ts';

export const BODY_BYTES_MAX = 20_000;
const TITLE_CHARS_MAX = 300;
const SENTENCE_CHARS_MAX = 300;
const NOTE_CHARS_MAX = 500;
/** Bytes of JSON per list. Together with the fixed part they leave at least 3 KB to the text. */
const BUDGET = {
  impacts: 3_000,
  subscriptions: 3_000,
  resources: 3_000,
  details: 1_500,
  changes: 2_000,
  fields: 1_000,
};

/** Three types are all that a receiver must know (destinations 0.1); `data.action` tells notes and retractions apart. */
const TYPES = {
  open: 'incident.opened',
  update: 'incident.updated',
  resolve: 'incident.resolved',
  note: 'incident.updated',
  retract: 'incident.resolved',
} as const;

export interface RenderOptions {
  destination: DestinationView;
  relayId: string;
  vendorKey: string;
  now: Date;
}

/** The whole body as JSON text, at most 20,000 bytes. */
export function renderBody(step: Step, options: RenderOptions): string {
  const text = communicationText(step, options);
  const whole = compose(step, { ...options, text });
  if (text === null || utf8Bytes(whole) <= BODY_BYTES_MAX) return whole;
  const room = BODY_BYTES_MAX - utf8Bytes(compose(step, { ...options, text: '' }));
  return compose(step, { ...options, text: cutForJson(text, room) });
}

/** Cuts to bytes of JSON: escapes make a text up to six times longer, so the right place has to be searched for. */
function cutForJson(text: string, jsonBytesMax: number): string {
  let [fits, over] = [0, Math.min(utf8Bytes(text), Math.max(jsonBytesMax, 0)) + 1];
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    if (utf8Bytes(JSON.stringify(cutBytes(text, middle))) - 2 <= jsonBytesMax) fits = middle;
    else over = middle;
  }
  return cutBytes(text, fits);
}

function compose(step: Step, options: RenderOptions & { text: string | null }): string {
  const { incident, audience, communication, route } = step;
  const { destination, relayId, vendorKey, now, text } = options;
  const redacted = destination.sensitive === 'redacted';
  return JSON.stringify({
    type: step.test ? 'incident.test' : TYPES[step.action],
    timestamp: communication?.at ?? now.toISOString(),
    data: {
      relay: relayId,
      destination: destination.name,
      vendorKey,
      action: step.action,
      covers: step.covers,
      test: step.test,
      repeat: step.repeat,
      catchUp: step.catchUp,
      late: step.late,
      ...(step.remark ? { remark: step.remark } : {}),
      redacted,
      incident: {
        ...incident,
        title: cutCodePoints(incident.title, TITLE_CHARS_MAX),
        headline: cutCodePoints(incident.headline, TITLE_CHARS_MAX),
        impacts: within(incident.impacts, BUDGET.impacts),
        impactsTotal: incident.impacts.length,
        resources: within(incident.resources, BUDGET.resources),
        resourcesTotal: incident.resources.length,
        details: redacted ? {} : pairsWithin(incident.details, BUDGET.details),
      },
      communication:
        communication === null || text === null
          ? null
          : {
              id: communication.id,
              title: cutCodePoints(communication.title, TITLE_CHARS_MAX),
              at: communication.at,
              text,
            },
      changes: redacted
        ? []
        : within(
            step.changes.map((change) => cutCodePoints(change, SENTENCE_CHARS_MAX)),
            BUDGET.changes,
          ),
      audience: { subscriptions: within(audience.subscriptions, BUDGET.subscriptions), total: audience.total },
      route: {
        runbook: route.runbook === null ? null : webUrl(route.runbook),
        note: route.note === null ? null : cutCodePoints(route.note, NOTE_CHARS_MAX),
        fields: pairsWithin(route.fields, BUDGET.fields),
      },
      links: step.links,
    },
  });
}

function communicationText(step: Step, options: RenderOptions): string | null {
  if (step.communication === null || options.destination.sensitive === 'redacted') return null;
  return htmlToText(step.communication.html);
}

/** The first entries whose JSON fits into the budget. */
function within<T>(entries: readonly T[], budgetBytes: number): T[] {
  let left = budgetBytes;
  const end = entries.findIndex((entry) => (left -= utf8Bytes(JSON.stringify(entry)) + 1) < 0);
  return end === -1 ? [...entries] : entries.slice(0, end);
}

function pairsWithin(pairs: Readonly<Record<string, string>>, budgetBytes: number): Record<string, string> {
  const cut = Object.entries(pairs).map(([label, value]) => [label, cutCodePoints(value, SENTENCE_CHARS_MAX)]);
  return Object.fromEntries(within(cut, budgetBytes)) as Record<string, string>;
}
