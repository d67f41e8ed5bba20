/** Bodies of the Alert API (destinations 5). */
import type { DestinationView, Step } from '#src/core/adapter.ts';
import type { Severity } from '#src/core/signal.ts';
import { htmlToText } from '#src/text/html.ts';
import { cutCodePoints } from '../shared/cut.ts';
import { describe, type MessageParts } from '../shared/message.ts';
import type { OpsgenieSettings } from './settings.ts';

/** Characters, destinations 5; details and note from the field table of Opsgenie's Alert API page. */
export const LIMITS = {
  messageCharsMax: 130,
  aliasCharsMax: 512,
  descriptionCharsMax: 15_000,
  /** The vendor takes 25,000; what a description may hold is enough. */
  noteCharsMax: 15_000,
  detailsCharsMax: 8_000,
  tagsCountMax: 20,
  tagCharsMax: 50,
  entityCharsMax: 512,
  sourceCharsMax: 100,
} as const;

type Priority = 'P1' | 'P2' | 'P3' | 'P4' | 'P5';

const PRIORITIES: Readonly<Record<Severity, Priority>> = { critical: 'P1', error: 'P2', warning: 'P3', info: 'P5' };
const USER = 'Health Relay';

export interface RenderOptions {
  alias: string;
  destination: DestinationView;
  relayId: string;
  settings: OpsgenieSettings;
}

/** POST /alerts: opens an alert, or counts one up that is open under the alias. */
export function renderCreate(step: Step, options: RenderOptions): string {
  const { alias, relayId, settings } = options;
  const parts = describe(step, options);
  const services = [...new Set(step.incident.impacts.map(({ service }) => service))].join(', ');
  return JSON.stringify({
    message: messageOf(step, parts),
    alias,
    description: cutUnits(textOf(parts), LIMITS.descriptionCharsMax),
    ...(settings.responders.length === 0 ? {} : { responders: settings.responders }),
    tags: tagsOf(step, settings),
    details: detailsOf(parts),
    ...(services === '' ? {} : { entity: cutUnits(services, LIMITS.entityCharsMax) }),
    source: sourceOf(relayId),
    priority: priorityOf(step),
    user: USER,
  });
}

/** POST /alerts/{alias}/notes and /close: a close carries its reason as a note. */
export function renderNote(step: Step, options: RenderOptions): string {
  const note = cutUnits(textOf(describe(step, options)), LIMITS.noteCharsMax);
  return JSON.stringify({ note, source: sourceOf(options.relayId), user: USER });
}

/**
 * Severity as priority (destinations 5). Planned work and tests are P5; security is P2 at least, what nobody understood
 * P3 at most.
 */
function priorityOf(step: Step): Priority {
  const { kind, severity } = step.incident;
  if (step.test || kind === 'maintenance') return 'P5';
  if (kind === 'security') return severity === 'critical' ? 'P1' : 'P2';
  if (kind === 'unrecognised') return severity === 'info' ? 'P5' : 'P3';
  return PRIORITIES[severity];
}

/** The stable headline; where it is too long, the title is cut and the tracking ID stays. */
function messageOf(step: Step, parts: MessageParts): string {
  const headline = step.test ? `TEST ${parts.headline}` : parts.headline;
  const id = step.incident.trackingId === null ? '' : ` (${step.incident.trackingId})`;
  const keep = id.length < LIMITS.messageCharsMax / 2 && headline.endsWith(id) ? id : '';
  if (headline.length <= LIMITS.messageCharsMax || keep === '') return cutUnits(headline, LIMITS.messageCharsMax);
  return cutUnits(headline.slice(0, -keep.length), LIMITS.messageCharsMax - keep.length) + keep;
}

/** Everything in reading order; links come early and Microsoft's text last, so that a cut takes the text. */
function textOf(parts: MessageParts): string {
  const { communication } = parts;
  const blocks = [
    [parts.headline, parts.stageLine, ...parts.notices],
    parts.links.map(({ label, url }) => `${label}: ${url}`),
    parts.facts.map(({ label, value }) => `${label}: ${value}`),
    parts.note === null ? [] : [`Note: ${parts.note}`],
    parts.changes.length === 0 ? [] : ['What changed:', ...parts.changes.map((change) => `- ${change}`)],
    communication === null ? [] : [communication.title, htmlToText(communication.html)],
  ];
  return blocks
    .map((lines) => lines.filter((line) => line !== '').join('\n'))
    .filter((block) => block !== '')
    .join('\n\n');
}

function tagsOf(step: Step, settings: OpsgenieSettings): string[] {
  const own = [
    'azure-health',
    step.incident.kind,
    ...(step.incident.trackingId === null ? [] : [step.incident.trackingId]),
  ];
  const tags = [...settings.tags, ...own].map((tag) => cutUnits(tag, LIMITS.tagCharsMax));
  return [...new Set(tags)].slice(0, LIMITS.tagsCountMax);
}

/** Facts as custom properties, the first ones that fit: the description has them all. */
function detailsOf(parts: MessageParts): Record<string, string> {
  const details = new Map<string, string>();
  let left: number = LIMITS.detailsCharsMax;
  for (const { label, value } of [{ label: 'Stage', value: parts.stageLine }, ...parts.facts]) {
    left -= label.length + value.length;
    if (left < 0) break;
    if (!details.has(label)) details.set(label, value);
  }
  return Object.fromEntries(details);
}

function sourceOf(relayId: string): string {
  return cutUnits(`${relayId}/Azure`, LIMITS.sourceCharsMax);
}

/**
 * At most `max` UTF-16 units, visibly cut. The vendor does not say what a character is; a count in units is never
 * smaller than one in code points, so it fits both ways of counting.
 */
function cutUnits(text: string, max: number): string {
  let points = max;
  let cut = cutCodePoints(text, points);
  while (cut.length > max) {
    points -= Math.max(1, Math.ceil((cut.length - max) / 2));
    cut = cutCodePoints(text, points);
  }
  return cut;
}
