/** What of a series is worth drawing: the stretch that matters with some time around it, in at most 120 places. Pure. */
import type { ChartPoint } from './evidence.ts';
import { GRAIN_MS, lengthMs, windowOf, type Window, type Windows } from './evidence-window.ts';

export const CHART_POINTS_MAX = 120;
/** Around a stretch that is much shorter than the window. */
const LEAST_AROUND_MS = 30 * 60_000;

/**
 * Both windows; where a stretch stands out, only that and as much on each side. `how` joins points of one place:
 * counts are summed, of levels the highest stays.
 */
export function chartOf(
  points: readonly { atMs: number; total: number | null; failed: number | null }[],
  { windows, span, how }: { windows: Windows; span: Window | null; how: 'sum' | 'highest' },
): ChartPoint[] {
  const range = rangeOf(windows, span);
  const grainMs = GRAIN_MS[windows.grain];
  const width = Math.ceil(lengthMs(range) / grainMs / CHART_POINTS_MAX) * grainMs;
  // Whole places only, the newest complete: half a place would look like half of the pulls.
  const places = Math.max(1, Math.floor(lengthMs(range) / width));
  const fromMs = Date.parse(range.to) - places * width;
  const found: ChartPoint[] = Array.from({ length: places }, (_, index) => ({
    at: new Date(fromMs + index * width).toISOString(),
    total: null,
    failed: null,
  }));
  for (const point of points) {
    const place = found[Math.floor((point.atMs - fromMs) / width)];
    if (!place) continue;
    place.total = join(place.total, point.total, how);
    place.failed = join(place.failed, point.failed, how);
  }
  return found;
}

function rangeOf({ before, during }: Windows, span: Window | null): Window {
  const whole = { from: before.from, to: during.to };
  if (span === null) return whole;
  const aroundMs = Math.max(lengthMs(span), LEAST_AROUND_MS);
  const fromMs = Math.max(Date.parse(whole.from), Date.parse(span.from) - aroundMs);
  const toMs = Math.min(Date.parse(whole.to), Date.parse(span.to) + aroundMs);
  return windowOf(fromMs, toMs);
}

function join(a: number | null, b: number | null, how: 'sum' | 'highest'): number | null {
  if (a === null || b === null) return a ?? b;
  return how === 'sum' ? a + b : Math.max(a, b);
}
