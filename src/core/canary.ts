/**
 * The canary (design section 2): a marked signal through the whole chain. What it carries, and the hops that it passes.
 * It is an incident of a kind of its own, so routes, lists and fallbacks know it without being told.
 */

/** In the order in which a canary passes them; the first that it does not pass is the broken one. */
export const CANARY_HOPS = ['received', 'stored', 'promised', 'attempted', 'accepted', 'returned'] as const;
export type CanaryHop = (typeof CANARY_HOPS)[number];

/** What is wrong where a hop is not passed. */
export const HOP_FAULTS: Readonly<Record<CanaryHop, string>> = {
  received: 'the receiver did not take it',
  stored: 'it was taken and did not become an incident',
  promised: 'no delivery was promised',
  attempted: 'no worker came for the delivery',
  accepted: 'the canary destination did not accept it',
  returned: 'it was accepted and did not come back',
};

/** Source of the signals, in place of that of the token: a source that has gone quiet must not look alive. */
export const CANARY_SOURCE = 'canary';

/** Name of the built-in destination. */
export const CANARY_DESTINATION = 'canary';

const MARK = 'relay-canary-';
const RUN = /relay-canary-([0-9a-f]{24})(?![0-9a-z])/;

/** What stands as tracking ID or name of the resource. No id of Azure looks like it (azure-signals 1.3). `run`: 24 hex digits. */
export function canaryMark(run: string): string {
  return `${MARK}${run}`;
}

/** The run that an identity or mark names; null for anything else. */
export function canaryRun(text: string): string | null {
  return text.includes(MARK) ? (RUN.exec(text)?.[1] ?? null) : null;
}

/** Identity of a canary: one incident per run, so that none is folded with another or with anything else. */
export function canaryIdentity(run: string): string {
  return `canary/${canaryMark(run)}`;
}
