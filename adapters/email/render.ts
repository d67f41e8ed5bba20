/**
 * A step as a mail. Mail programs group by subject and references, so both stay the same for the whole incident and
 * even the first mail refers to a root that no mail ever carried (destinations 4.1); the stage is in the body.
 */
import type { DestinationView, Step } from '#src/core/adapter.ts';
import { codePoints, cutCodePoints } from '../shared/cut.ts';
import { describe } from '../shared/message.ts';
import { renderHtml } from './html.ts';
import { addressOf } from './settings.ts';
import { renderText } from './text.ts';

/** Phones show some 40, mail programs cut at some 150 to 200. */
export const SUBJECT_CHARS_MAX = 150;

export interface MailOptions {
  destination: DestinationView;
  relayId: string;
  vendorKey: string;
  stepKey: string;
  from: string;
  /** What the first mail of this incident used, or null on the first. */
  subject: string | null;
  root: string | null;
}

export interface Mail {
  subject: string;
  text: string;
  html: string;
  messageId: string;
  /** The root that every mail of the incident refers to. */
  root: string;
  headers: Record<string, string>;
  /** `List-Id`: lets people file the relay's mail by rule. */
  list: { id: { url: string; comment: string } };
}

/** Pure: the same step gives the same mail, Message-ID included, so that a repeat can be recognised. */
export function renderMail(step: Step, options: MailOptions): Mail {
  const { destination, relayId, vendorKey, stepKey, from } = options;
  const parts = describe(step, { destination });
  const domain = (addressOf(from) ?? '').split('@').at(-1) ?? 'localhost';
  const relay = relayId.toLowerCase().replaceAll(/[^a-z\d-]+/g, '-');
  const subject = options.subject ?? subjectOf(step);
  return {
    subject,
    text: renderText(parts, destination),
    html: renderHtml(parts, destination),
    messageId: `<${stepKey}@${domain}>`,
    root: options.root ?? `<${vendorKey}@${domain}>`,
    headers: {
      'Thread-Topic': subject,
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
    list: { id: { url: `${relay}.health-relay.${domain}`, comment: `Health Relay ${relay}` } },
  };
}

/** The headline on one line, cut in the middle of its text so that the tracking ID stays. */
export function subjectOf(step: Step): string {
  const mark = step.test ? '[TEST] ' : '';
  const line = `${mark}${clean(step.incident.headline)}`;
  const { trackingId } = step.incident;
  const tail = trackingId === null ? '' : ` (${clean(trackingId)})`;
  if (tail === '' || !line.endsWith(tail)) return cutCodePoints(line, SUBJECT_CHARS_MAX);
  return cutCodePoints(line.slice(0, -tail.length), SUBJECT_CHARS_MAX - codePoints(tail)) + tail;
}

/** Without line ends, control characters and marks that turn the direction of what follows. */
function clean(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/[\u202A-\u202E\u2066-\u2069]/g, '')
    .trim();
}
