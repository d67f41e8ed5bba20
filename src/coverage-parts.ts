/** Coverage as readiness and metrics show it. */
import type { Part } from './api/deps.ts';
import { COVERAGE_FINDINGS, COVERAGE_STATUSES } from './core/coverage.ts';
import { countByFinding, countByStatus } from './core/coverage-words.ts';
import type { Metrics } from './metrics.ts';
import type { CoverageView } from './pipeline/coverage-audit/view.ts';

/** Degraded when the audit cannot be made; findings are for the page and the metrics, not for readiness. */
export function coveragePart(view: CoverageView | null): Part[] {
  if (view === null) return [];
  const detail = view.fault ?? (view.triedAt === null ? null : view.unknown);
  return [{ name: 'coverage', status: detail === null ? 'ok' : 'degraded', ...(detail === null ? {} : { detail }) }];
}

/** An old audit sets no counts: a number that nobody stands for would look like "all is well". */
export function refreshCoverageMetrics(metrics: Metrics, view: CoverageView | null): void {
  const { takenAt = null, audit = null, unknown = null } = view ?? {};
  metrics.coverageAge.set(takenAt === null ? Number.NaN : (Date.now() - Date.parse(takenAt)) / 1000);
  metrics.coverageSubscriptions.reset();
  metrics.coverageFindings.reset();
  if (audit === null || unknown !== null) return;
  const [byStatus, byFinding] = [countByStatus(audit), countByFinding(audit)];
  for (const status of COVERAGE_STATUSES) metrics.coverageSubscriptions.set({ status }, byStatus[status]);
  for (const finding of COVERAGE_FINDINGS) metrics.coverageFindings.set({ finding }, byFinding[finding]);
}
