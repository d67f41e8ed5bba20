/** Gaps: spans in which Azure could not reach us, or news that did not reach us, and why (design section 2). */

/** Likely cause of a gap. */
export type GapCause =
  /** No process of ours was alive. */
  | 'not-running'
  /** A process was alive, its database was not: signals were spooled, or refused with 503. */
  | 'database-away'
  /** We answered 503. */
  | 'refused'
  /** No signal ever came from these subscriptions: most likely no alert rule of theirs reaches us. */
  | 'no-rule'
  /** We were there, other news of these subscriptions came, this did not. */
  | 'not-delivered';

/** A span without a beat of ours. */
export interface Span {
  from: string;
  to: string;
  cause: GapCause;
}

/** A time in which a process was alive and the database took its word. */
export interface Beat {
  firstAt: string;
  lastAt: string;
  process: string;
}

const MINUTE_MS = 60_000;
/** A missed beat is a hiccup. */
const QUIET_MAX_MS = 2.5 * MINUTE_MS;
/** After its last try an action group calls nobody for 15 minutes, and the tries take 75 s (azure-signals 0.6). */
const BLOCK_MS = 17 * MINUTE_MS;
/** The post comes first and the alert minutes later. */
const LEAD_MS = 5 * MINUTE_MS;

/** Holes between beats, oldest first. A process that beats before and again after was alive: its database was away. */
export function quietSpans(beats: readonly Beat[]): Span[] {
  const sorted = [...beats].sort((a, b) => (a.firstAt < b.firstAt ? -1 : 1));
  let last = sorted[0];
  return sorted.slice(1).flatMap((beat, index): Span[] => {
    const before = last!;
    if (beat.lastAt > before.lastAt) last = beat;
    if (Date.parse(beat.firstAt) - Date.parse(before.lastAt) <= QUIET_MAX_MS) return [];
    const alive = sorted.slice(index + 1).some(({ process }) => process === before.process);
    return [{ from: before.lastAt, to: beat.firstAt, cause: alive ? 'database-away' : 'not-running' }];
  });
}

/** The span that explains why a post of this time did not come, else null. The latest of several. */
export function spanOf<T extends { from: string; to: string }>(spans: readonly T[], at: string): T | null {
  const time = Date.parse(at);
  const fits = (span: T): boolean => time >= Date.parse(span.from) - LEAD_MS && time <= Date.parse(span.to) + BLOCK_MS;
  return spans.findLast(fits) ?? null;
}

/** One sentence on a cause. */
export function causeInWords(cause: GapCause): string {
  switch (cause) {
    case 'not-running':
      return 'no relay was running; Azure gives up after 75 s and then calls nobody for 15 minutes';
    case 'database-away':
      return 'the database was away; what came meanwhile was spooled, or refused with 503';
    case 'refused':
      return 'the relay answered 503; Azure gives up after 75 s and then calls nobody for 15 minutes';
    case 'no-rule':
      return 'no signal has ever come from these subscriptions: most likely no alert rule there reaches the relay';
    case 'not-delivered':
      return 'the relay was reachable, and other news of these subscriptions came: Azure did not deliver this one';
  }
}
