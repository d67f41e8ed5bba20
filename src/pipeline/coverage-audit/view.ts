/** What is known of coverage, and whether it is fresh enough to be believed. */
import type { CoverageConfig } from '#src/config/types.ts';
import type { Audit } from '#src/core/coverage.ts';

export interface CoverageView {
  /** The last audit that succeeded, however old. */
  audit: Audit | null;
  takenAt: string | null;
  triedAt: string | null;
  /** Why the last try failed. */
  fault: string | null;
  /** Why the audit tells nothing of now; null while it does. */
  unknown: string | null;
}

/** Audits that were missed until the last one is not believed any more. */
const MISSED_MAX = 3;

/** Judges the age of what is stored. */
export function viewOf(
  stored: Omit<CoverageView, 'unknown'>,
  config: Pick<CoverageConfig, 'everyMs'>,
  now: Date,
): CoverageView {
  const { audit, takenAt, fault } = stored;
  if (audit === null || takenAt === null)
    return { ...stored, unknown: `it has not been audited yet${fault === null ? '' : ` (${fault})`}` };
  const old = now.getTime() - Date.parse(takenAt) > MISSED_MAX * config.everyMs;
  const since = `the last audit that succeeded was at ${takenAt.slice(0, 16).replace('T', ' ')}Z`;
  return { ...stored, unknown: old ? `${since}${fault === null ? '' : ` (${fault})`}` : null };
}
