/**
 * Severity from kind and level (design section 6). `essentials.severity` of an activity-log alert is always Sev4 and
 * never used (azure-signals 0.9); numbers come on two scales, so a bare 3 stays a guess (azure-signals 1.2).
 */
import { severityRank, type Kind, type Severity } from './signal.ts';

export interface Grade {
  severity: Severity;
  /** False where a bare number 3 may mean Warning or Informational. */
  certain: boolean;
}

const LEVELS: Readonly<Record<string, Severity>> = {
  critical: 'critical',
  error: 'error',
  warning: 'warning',
  informational: 'info',
  information: 'info',
  info: 'info',
  verbose: 'info',
  '0': 'critical',
  '1': 'critical',
  '2': 'error',
  '4': 'info',
  '5': 'info',
};

/** Severity of an activity-log event by its level: a word or a number. A level that is missing or unknown counts as warning. */
export function gradeLevel(level: string | null, kind: Kind): Grade {
  const key = (level ?? '').trim().toLowerCase();
  if (key === '3') {
    return { severity: kind === 'outage' || kind === 'security' ? 'warning' : 'info', certain: false };
  }
  const severity = (Object.hasOwn(LEVELS, key) ? LEVELS[key] : undefined) ?? 'warning';
  return { severity: kind === 'security' ? atLeast(severity, 'warning') : severity, certain: true };
}

const SEV: readonly Severity[] = ['critical', 'error', 'warning', 'info', 'info'];

/** Severity of a metric, log or Prometheus alert: `Sev0`..`Sev4`, a bare digit, or a word. Missing counts as warning. */
export function severityOfAlert(sev: string | null): Severity {
  const text = (sev ?? '').trim().toLowerCase();
  const digit = /^(?:sev(?:erity)?)?\s?([0-4])$/.exec(text)?.[1];
  if (digit !== undefined) return SEV[Number(digit)]!;
  return (Object.hasOwn(LEVELS, text) ? LEVELS[text] : undefined) ?? 'warning';
}

/** Severity of a resource by its health: the level of those events says little (azure-signals 2). */
export function severityOfHealth(status: string | null): Severity {
  const key = (status ?? '').trim().toLowerCase();
  return key === 'unavailable' ? 'error' : key === 'available' ? 'info' : 'warning';
}

/** The graver of the two. */
export function atLeast(severity: Severity, floor: Severity): Severity {
  return severityRank(severity) >= severityRank(floor) ? severity : floor;
}
