/** The facts of an incident that messages show beside its standing. */
import type { Signal } from './signal.ts';

/** Under this label stands what evidence says; it is ours and outlives whatever Azure posts next. */
export const EVIDENCE_LABEL = 'Evidence';

type Details = Record<string, string>;

/** Facts after a signal. `fresh`: the signal is new and not late; then its own facts replace those of the one before. */
export function detailsAfter(
  before: Details,
  signal: Pick<Signal, 'type' | 'phase' | 'details'>,
  fresh: boolean,
): Details {
  if (signal.type === 'evidence') return { ...before, ...signal.details };
  if (!fresh || signal.phase === 'note') return before;
  const evidence = before[EVIDENCE_LABEL];
  return evidence === undefined ? signal.details : { ...signal.details, [EVIDENCE_LABEL]: evidence };
}
