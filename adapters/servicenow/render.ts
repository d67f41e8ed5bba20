/**
 * The texts of a record. ServiceNow cuts what is too long without a word, so everything is cut here, visibly and in
 * code points, and the links at the end are kept (destinations 0, fact 5).
 */
import type { DeliverContext, Step } from '#src/core/adapter.ts';
import { htmlToText } from '#src/text/html.ts';
import { codePoints, cutCodePoints } from '../shared/cut.ts';
import { describe } from '../shared/message.ts';
import type { CorrelationKey } from './correlation.ts';
import { renderFields } from './fields.ts';
import type { ServiceNowSettings } from './settings.ts';

export const SHORT_DESCRIPTION_CHARS_MAX = 160;
/** Width of `description` and `close_notes` as delivered; notes are kept within it as well. */
export const TEXT_CHARS_MAX = 4_000;
const CORRELATION_DISPLAY = 'Azure Service Health';
/** Less of Microsoft's text than this helps nobody. */
const BODY_CHARS_MIN = 60;
/** What many facts leave to Microsoft's text at least. */
const BODY_CHARS_SHARE = 1_500;

type Context = DeliverContext<ServiceNowSettings>;
type Values = Record<string, string>;

/** A new record. `ignored` names route fields that cannot be set. */
export function renderCreate(
  step: Step,
  context: Context & { key: CorrelationKey },
): { values: Values; ignored: string[] } {
  const { settings } = context;
  const { values, ignored } = renderFields(step, settings.fields);
  const given = values['short_description'];
  const shortDescription = given === undefined ? shortText(step) : cutCodePoints(given, SHORT_DESCRIPTION_CHARS_MAX);
  return {
    values: {
      description: descriptionOf(step, context),
      ...values,
      short_description: plain(shortDescription),
      correlation_id: context.key,
      correlation_display: CORRELATION_DISPLAY,
      state: settings.states.new,
      ...settings.impactUrgency[step.incident.severity],
    },
    ignored,
  };
}

/** A work note: internal, unlike `comments`, which the caller sees and may get by mail (destinations 2.3). */
export function renderNote(step: Step, context: Context, options: { opening?: string } = {}): Values {
  return { work_notes: message(step, context, { opening: options.opening ?? null, headline: false }) };
}

/** Impact and urgency, but only where the severity is not what the record was last told: people may set their own. */
export function renderSeverity(step: Step, context: Context): Values {
  const { severity } = step.incident;
  return context.memo['severity'] === severity ? {} : { ...context.settings.impactUrgency[severity] };
}

/** Back from resolved to in progress. */
export function renderReopen(step: Step, context: Context): Values {
  const note = renderNote(step, context, { opening: 'Active again: reopened by Health Relay.' });
  return { state: context.settings.states.inProgress, ...renderSeverity(step, context), ...note };
}

/** Resolved, never closed: that needs `itil_admin` and takes the human check away (destinations 2.3). */
export function renderResolve(step: Step, context: Context): Values {
  const { settings } = context;
  return {
    state: settings.states.resolved,
    close_code: settings.closeCode,
    close_notes: message(step, context, { opening: null, headline: false }),
  };
}

/** Last line of every note and close note: how a repeat finds out that it has been written already. */
export function referenceLine(stepKey: string): string {
  return `Relay reference: ${stepKey}`;
}

/** The headline within the column, with the tracking ID kept at its end. */
function shortText(step: Step): string {
  const { headline, trackingId } = step.incident;
  const mark = step.test ? 'TEST: ' : '';
  const tail = trackingId === null ? '' : ` (${trackingId})`;
  if (tail === '' || !headline.endsWith(tail)) return cutCodePoints(mark + headline, SHORT_DESCRIPTION_CHARS_MAX);
  const head = mark + headline.slice(0, headline.length - tail.length);
  return cutCodePoints(head, SHORT_DESCRIPTION_CHARS_MAX - codePoints(tail)) + tail;
}

/** The whole message: facts, Microsoft's text, links; at most 4,000 characters. */
export function descriptionOf(step: Step, context: Context): string {
  return message(step, context, { opening: null, headline: true });
}

function message(step: Step, context: Context, options: { opening: string | null; headline: boolean }): string {
  const parts = describe(step, { destination: context.destination });
  const head = [
    options.opening,
    parts.stageLine,
    options.headline ? parts.headline : null,
    ...parts.notices,
    ...parts.changes.map((change) => `- ${change}`),
    parts.note,
    // In every note: who and what is hit has grown, and alerts were held back, since the record was written.
    ...parts.facts.map(({ label, value }) => `${label}: ${value}`),
  ];
  const { communication } = parts;
  const body = communication === null ? '' : lines([communication.title, htmlToText(communication.html)]);
  const tail = [...parts.links.map(({ label, url }) => `${label}: ${url}`), referenceLine(context.stepKey)];
  return fit({ head: lines(head), body: plain(body), tail: lines(tail) });
}

/** The tail is kept, the head as far as it leaves Microsoft's text its share; that takes what is left. */
function fit({ head, body, tail }: { head: string; body: string; tail: string }): string {
  const gap = 4; // two blank lines' worth of line feeds
  const headRoom = TEXT_CHARS_MAX - codePoints(tail) - gap;
  const share = Math.min(codePoints(body), BODY_CHARS_SHARE);
  const top = cutCodePoints(plain(head), Math.max(headRoom - share, 0));
  const room = headRoom - codePoints(top);
  const middle = room < BODY_CHARS_MIN ? '' : cutCodePoints(body, room);
  return cutCodePoints([top, middle, tail].filter((part) => part !== '').join('\n\n'), TEXT_CHARS_MAX);
}

/** `[code]` makes a journal field render HTML: nobody outside gets to write that into a ticket. */
function plain(text: string): string {
  return text.replace(/\[(\/?)code\]/gi, '($1code)');
}

function lines(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join('\n');
}
