/** The time of an incident that evidence is asked for, and the same length before it. Pure. */

export interface Window {
  /** ISO 8601 UTC. */
  from: string;
  to: string;
}

/** Widths of a point that Azure Monitor metrics can answer. */
export type Grain = 'PT1M' | 'PT5M' | 'PT15M' | 'PT1H';

export interface Windows {
  during: Window;
  before: Window;
  grain: Grain;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const GRAIN_MS: Readonly<Record<Grain, number>> = {
  PT1M: MINUTE_MS,
  PT5M: 5 * MINUTE_MS,
  PT15M: 15 * MINUTE_MS,
  PT1H: HOUR_MS,
};

/** Metrics of the last minutes are still being counted, and the total is there before its successful part. */
const SETTLED_MS = 3 * MINUTE_MS;
/** Shorter than this nothing can be told from chance. */
const SHORTEST_MS = 5 * MINUTE_MS;
/** The newest part of what goes on for longer. */
const LONGEST_MS = 14 * DAY_MS;
/**
 * What has been over for longer is nobody's question of this morning. With the longest window and the same before it,
 * 35 days: metrics are kept for 93 (azure-signals 7.2).
 */
export const PAST_MS = 7 * DAY_MS;

/**
 * Both windows, on whole points; or why there are none yet. At most 480 points each. `endedAt` null: it goes on.
 * A start that lies in the future (a clock that is wrong, a maintenance that is early) is too early as well.
 */
export function windowsOf(incident: { startedAt: string; endedAt: string | null }, nowMs: number): Windows | string {
  const settledMs = nowMs - SETTLED_MS;
  const startMs = Date.parse(incident.startedAt);
  const endMs = Math.min(settledMs, incident.endedAt === null ? settledMs : Date.parse(incident.endedAt));
  if (!Number.isFinite(startMs) || !Number.isFinite(endMs)) return 'the time of the incident is not known';
  const lengthMs = Math.min(endMs - startMs, LONGEST_MS);
  if (lengthMs < SHORTEST_MS) {
    return incident.endedAt !== null && endMs < settledMs
      ? 'it was over within five minutes'
      : 'too early: it began less than some minutes ago, and metrics lag by three';
  }
  return aligned(endMs - lengthMs, endMs, grainFor(lengthMs));
}

/** The windows on wider points, aligned to those, for series that would be too many otherwise. */
export function coarser(windows: Windows, least: Grain): Windows {
  if (GRAIN_MS[windows.grain] >= GRAIN_MS[least]) return windows;
  return aligned(Date.parse(windows.during.from), Date.parse(windows.during.to), least);
}

/** Never empty: the shortest window is as long as the widest point that it is asked for on. */
function aligned(startMs: number, endMs: number, grain: Grain): Windows {
  const width = GRAIN_MS[grain];
  const toMs = Math.floor(endMs / width) * width;
  const fromMs = Math.min(Math.floor(startMs / width) * width, toMs - width);
  return { during: windowOf(fromMs, toMs), before: windowOf(fromMs - (toMs - fromMs), fromMs), grain };
}

function grainFor(lengthMs: number): Grain {
  if (lengthMs <= 3 * HOUR_MS) return 'PT1M';
  if (lengthMs <= DAY_MS) return 'PT5M';
  return lengthMs <= 5 * DAY_MS ? 'PT15M' : 'PT1H';
}

export function windowOf(fromMs: number, toMs: number): Window {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}

/** The end is not part of it. */
export function isWithin(atMs: number, window: Window): boolean {
  return atMs >= Date.parse(window.from) && atMs < Date.parse(window.to);
}

export function lengthMs({ from, to }: Window): number {
  return Date.parse(to) - Date.parse(from);
}
