/** The audit in words for people: one line, then one sentence for each kind of finding. Pure. */
import {
  COVERAGE_FINDINGS,
  COVERAGE_STATUSES,
  type Audit,
  type CoverageFindingKind,
  type CoverageStatus,
  type SubscriptionCoverage,
} from './coverage.ts';

/** A sentence names at most so many subscriptions. */
const NAMED_MAX = 5;

/** What each kind means, for tables and sentences. */
export const FINDING_WORDS: Readonly<Record<CoverageFindingKind, string>> = {
  'no-rule': 'no Service Health rule',
  'no-group': 'rule without an action group',
  'group-empty': 'empty action group',
  elsewhere: 'rule that tells only others',
  'rule-off': 'rule off',
  'group-off': 'action group off',
  'group-not-global': 'action group not in Global',
  'wrong-address': 'wrong address at our host',
  'entry-refused': 'a call that we would refuse',
  'types-missing': 'event types missing',
  'services-missing': 'services missing',
  unseen: 'not shown to us',
  changed: 'changed in the last week',
  narrowed: 'rule with further conditions',
  'plain-webhook': 'plain webhook',
  unlisted: 'heard from, but not in the estate',
};

export function countByStatus(audit: Audit): Record<CoverageStatus, number> {
  const counts = Object.fromEntries(COVERAGE_STATUSES.map((status) => [status, 0])) as Record<CoverageStatus, number>;
  for (const { status } of audit.subscriptions) counts[status] += 1;
  return counts;
}

/** Subscriptions by kind of finding; one that has a kind twice counts once. */
export function countByFinding(audit: Audit): Record<CoverageFindingKind, number> {
  return Object.fromEntries(
    COVERAGE_FINDINGS.map((kind) => [kind, kind === 'unlisted' ? audit.unlisted.length : having(audit, kind).length]),
  ) as Record<CoverageFindingKind, number>;
}

/** `477 of 500 subscriptions reach us; 20 do not, 3 are unknown, 12 weakly; 1 unlisted`. Exempt ones are left out. */
export function coverageLine(audit: Audit): string {
  const { covered, weak, uncovered, unknown, exempt } = countByStatus(audit);
  const total = audit.subscriptions.length - exempt;
  const parts = [
    [uncovered, uncovered === 1 ? 'does not' : 'do not'],
    [unknown, unknown === 1 ? 'is unknown' : 'are unknown'],
    [weak, weak === 1 ? 'has a weakness' : 'have a weakness'],
    [audit.unlisted.length, 'heard from, but not in the estate'],
  ] as const;
  const rest = parts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  const head = `${covered + weak} of ${total} subscription${total === 1 ? '' : 's'} reach us`;
  return rest.length === 0 ? head : `${head}; ${rest.join(', ')}`;
}

/** One sentence for each kind of finding there is, the gravest first. */
export function coverageSentences(audit: Audit): string[] {
  return COVERAGE_FINDINGS.flatMap((kind) => {
    const names = kind === 'unlisted' ? audit.unlisted.map((one) => one.subscription) : having(audit, kind).map(nameOf);
    if (names.length === 0) return [];
    const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : '';
    return [`${capitalised(FINDING_WORDS[kind])} (${names.length}): ${names.slice(0, NAMED_MAX).join(', ')}${more}.`];
  });
}

function having(audit: Audit, kind: CoverageFindingKind): SubscriptionCoverage[] {
  return audit.subscriptions.filter((row) => row.findings.some((finding) => finding.kind === kind));
}

/** The name where there is one, else the id. */
function nameOf({ name, subscription }: SubscriptionCoverage): string {
  return name ?? subscription;
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
