/**
 * What a step says to people, in parts: every channel says the same in the same words and only arranges it. The
 * stage, marks and notices change from message to message; the headline does so once at the most, where a mere change
 * turns out a failure. Mail, which is grouped by it, stays with its first one (destinations 4.1).
 */
import type { CommunicationView, DestinationView, Step } from '#src/core/adapter.ts';
import { safeUrl } from '#src/text/sanitize.ts';
import { factsOf, type Fact } from './facts.ts';
import { markWords, noticesOf, stageWord, toneOf, type Tone } from './stage.ts';

export type { Fact } from './facts.ts';

/** What browsers and vendors take everywhere; ours have some 60. */
const URL_CHARS_MAX = 2_000;

export interface MessageLink {
  label: string;
  url: string;
}

export interface MessageParts {
  /** Stable for the life of the incident; holds no stage. Not cut. */
  headline: string;
  /** Marks and stage in words: `Active`, `RESOLVED`, `TEST · REPEAT · In progress`. */
  stageLine: string;
  /** `TEST`, `REPEAT`, `LATE`, `CATCH-UP`: those that apply. */
  marks: readonly string[];
  /** One sentence for each mark, and for what a reader could take wrongly. */
  notices: readonly string[];
  /** For colours. */
  tone: Tone;
  /** Service and region pairs, times, severity, tracking ID, subscriptions, resources, details; never empty values. */
  facts: readonly Fact[];
  /** Sentences; empty on the first message and when redacted. */
  changes: readonly string[];
  /** Microsoft's post; `html` is as sent and must be sanitised. Null without one and when redacted. */
  communication: CommunicationView | null;
  runbook: string | null;
  note: string | null;
  /** Timeline, Azure portal, runbook: those that exist and may be clicked (`webUrl`). */
  links: readonly MessageLink[];
}

/** The parts of a message for one destination, in its time zone and with its redaction. Pure. */
export function describe(step: Step, context: { destination: DestinationView }): MessageParts {
  const { destination } = context;
  const redacted = destination.sensitive === 'redacted';
  const marks = markWords(step);
  const runbook = step.route.runbook === null ? null : webUrl(step.route.runbook);
  return {
    headline: step.incident.headline,
    stageLine: [...marks, stageWord(step)].join(' · '),
    marks,
    notices: noticesOf(step),
    tone: toneOf(step),
    facts: factsOf(step, destination),
    changes: redacted ? [] : step.changes,
    communication: redacted ? null : step.communication,
    runbook,
    // Of blanks only it would be an empty block, for which Teams drops the card behind its 202.
    note: step.route.note?.trim() || null,
    links: [
      { label: 'Timeline', url: step.links.timeline === null ? null : webUrl(step.links.timeline) },
      { label: 'Azure portal', url: step.links.portal === null ? null : webUrl(step.links.portal) },
      { label: 'Runbook', url: runbook },
    ].filter((link): link is MessageLink => link.url !== null),
  };
}

/**
 * The address when people may click on it (http or https, at most 2,000 characters), else null. A link is never cut, so
 * one that is longer than any vendor's budget would cost the whole message.
 */
export function webUrl(url: string): string | null {
  const safe = safeUrl(url);
  return safe === null || safe.startsWith('mailto:') || safe.length > URL_CHARS_MAX ? null : safe;
}
