/** What `relay doctor` finds, and the few ways to say it. */
import type { Environment } from '#src/config/env.ts';
import type { RelayConfig } from '#src/config/types.ts';

export type Status = 'ok' | 'warning' | 'fault';

export interface Finding {
  area: string;
  /** What was looked at, in a word or two; stable, for scripts. */
  check: string;
  status: Status;
  /** What was seen. Holds no secret. */
  says: string;
  /** What follows from it; null where all is well. */
  means: string | null;
  /** What to do about it; null where all is well. */
  do: string | null;
}

/** What every area of checks gets. */
export interface Subject {
  env: Environment;
  config: RelayConfig;
  /** Relative paths of the environment start here. */
  cwd: string;
}

export interface Reporter {
  readonly findings: Finding[];
  ok(check: string, says: string): void;
  warn(check: string, says: string, advice: { means: string; do: string }): void;
  fault(check: string, says: string, advice: { means: string; do: string }): void;
}

/** Collects the findings of one area. */
export function reporter(area: string): Reporter {
  const findings: Finding[] = [];
  const add = (status: Status, check: string, says: string, advice: { means: string; do: string } | null): void =>
    void findings.push({ area, check, status, says, means: advice?.means ?? null, do: advice?.do ?? null });
  return {
    findings,
    ok: (check, says) => add('ok', check, says, null),
    warn: (check, says, advice) => add('warning', check, says, advice),
    fault: (check, says, advice) => add('fault', check, says, advice),
  };
}

/** First line of an error; of several failed connections the first, whose own message is empty. */
export function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return 'unknown error';
  const cause = first.cause instanceof Error ? `: ${reasonOf(first.cause)}` : '';
  return `${(first.message || first.name).split('\n')[0]}${cause}`.slice(0, 300);
}

/** `12 KiB`, `3.4 GiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
