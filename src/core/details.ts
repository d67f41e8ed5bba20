/** The facts of an incident that messages show beside its standing. */
import type { Signal } from './signal.ts';

/** Under this label stands what evidence says; it is ours and outlives whatever Azure posts next. */
export const EVIDENCE_LABEL = 'Evidence';

/** What a person may do about a registry with replicas; it stands beside the evidence, and goes when nothing is to be done. */
export const ADVICE_LABEL = 'What you can do';

/** What has to be known before. A fact of its own: some destinations cut a fact at 300 characters. */
export const CAVEAT_LABEL = 'Before you do';

/** Which of our own resources are hit, as far as an estate is known. */
export const OWN_LABEL = 'Our resources';

/** That we held the news back, and until when. */
export const LATE_LABEL = 'Told late';

/** How many of our own alerts the incident speaks for. */
export const HELD_LABEL = 'Held back';

/** What one look at the evidence says, and the next one replaces whole. */
export const EVIDENCE_LABELS: readonly string[] = [EVIDENCE_LABEL, ADVICE_LABEL, CAVEAT_LABEL];

/** What we say of what is hit and what to do about it; every other fact is Azure's. */
export const OUR_LABELS: readonly string[] = [OWN_LABEL, LATE_LABEL, HELD_LABEL, ...EVIDENCE_LABELS];

type Details = Record<string, string>;

/** Facts after a signal. `fresh`: the signal is new and not late; then its own facts replace those of the one before. */
export function detailsAfter(
  before: Details,
  signal: Pick<Signal, 'type' | 'phase' | 'details'>,
  fresh: boolean,
): Details {
  if (signal.type === 'evidence') return { ...pick(before, isAzures), ...signal.details };
  if (!fresh || signal.phase === 'note') return before;
  return { ...signal.details, ...pick(before, (label) => !isAzures(label)) };
}

function isAzures(label: string): boolean {
  return !EVIDENCE_LABELS.includes(label);
}

function pick(details: Details, wanted: (label: string) => boolean): Details {
  return Object.fromEntries(Object.entries(details).filter(([label]) => wanted(label)));
}
