/**
 * A smaller form of a step, for a vendor or a proxy before it that answers "too large" although our budget was kept
 * (destinations 0.2: shrink once and try again). What a person needs first stays whole: headline, facts, links.
 */
import type { Step } from '#src/core/adapter.ts';
import { htmlToText } from '#src/text/html.ts';
import { escapeHtml } from '#src/text/sanitize.ts';
import { cutCodePoints } from './cut.ts';

const TEXT_CHARS_MAX = 600;
const NOTE_CHARS_MAX = 200;
const CHANGES_MAX = 3;
const CHANGE_CHARS_MAX = 150;

/** The step with its long texts cut, visibly, and without details; null where that would take nothing away. Pure. */
export function shrunk(step: Step): Step | null {
  const { incident, communication, changes, route } = step;
  const smaller: Step = {
    ...step,
    incident: { ...incident, details: {} },
    communication:
      communication === null
        ? null
        : { ...communication, html: escapeHtml(cutCodePoints(htmlToText(communication.html), TEXT_CHARS_MAX)) },
    // The newest changes come last.
    changes: changes.slice(-CHANGES_MAX).map((change) => cutCodePoints(change, CHANGE_CHARS_MAX)),
    route: { ...route, note: route.note === null ? null : cutCodePoints(route.note, NOTE_CHARS_MAX) },
  };
  return JSON.stringify(smaller).length < JSON.stringify(step).length ? smaller : null;
}
