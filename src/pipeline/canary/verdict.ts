/** Whether all is well: the last canaries came back, and the auditor has nothing to say. Pure. */
import type { CanaryConfig } from '#src/config/types.ts';
import type { CanaryWatch } from '#src/db/canary.ts';

/** Between the end of a round and the next look of whoever holds the lease, and for a change of the holder. */
const SLACK_S = 15;

/**
 * Null when all is well; `pending` before the first round is over and while it is young; else what is wrong, in words. What is too old to
 * say anything counts as wrong.
 */
export function whyNotWell(watch: CanaryWatch, { everyMs, withinMs }: CanaryConfig): string | null {
  const { passed, faults, roundAgeS, auditAgeS } = watch;
  const oldestS = (everyMs + withinMs) / 1000 + SLACK_S;
  if (faults.length > 0) return faults.join('; ');
  if (roundAgeS === null || roundAgeS > oldestS)
    return roundAgeS === null ? 'pending' : `no canary was sent for ${Math.round(roundAgeS)} s`;
  // A round that failed in the middle leaves no verdict, and neither does the one before it speak for it.
  if (passed === null) return roundAgeS > withinMs / 1000 + SLACK_S ? 'the last round did not end' : 'pending';
  const found = findingsInWords(watch);
  if (found !== null) return found;
  if (auditAgeS === null) return 'pending';
  return auditAgeS > oldestS ? `no audit for ${Math.round(auditAgeS)} s` : null;
}

/** Of one, and of several. */
const WORDS: Readonly<Record<string, readonly [string, string]>> = {
  lost: ['accepted signal without an incident', 'accepted signals without an incident'],
  unpromised: [
    'destination that the routes name and nobody was promised to',
    'destinations that the routes name and nobody was promised to',
  ],
  behind: ['delivery that does not want the newest revision', 'deliveries that do not want the newest revision'],
  overdue: ['delivery that is due and nobody comes for', 'deliveries that are due and nobody comes for'],
};

/** What the auditor has found; null where that is nothing. */
export function findingsInWords({ findings }: Pick<CanaryWatch, 'findings'>): string | null {
  const some = Object.entries(findings).filter(([, examples]) => examples.length > 0);
  if (some.length === 0) return null;
  return some
    .map(([kind, examples]) => {
      const words = WORDS[kind]?.[examples.length === 1 ? 0 : 1] ?? kind;
      return `${examples.length} ${words} (${examples.slice(0, 3).join(', ')})`;
    })
    .join('; ');
}

/** The same so many seconds later: ages go on also while the database does not answer. */
export function withAge(watch: CanaryWatch, seconds: number): CanaryWatch {
  const later = (age: number | null): number | null => (age === null ? null : age + seconds);
  return {
    ...watch,
    roundAgeS: later(watch.roundAgeS),
    auditAgeS: later(watch.auditAgeS),
    beatAgeS: later(watch.beatAgeS),
    sinceS: watch.sinceS + seconds,
    hops: watch.hops.map((hop) => ({ ...hop, ageS: hop.ageS + seconds })),
  };
}
