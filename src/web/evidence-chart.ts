/**
 * A check as a small chart: bars over time, what failed in the colour of failure from the ground up. Drawn without any
 * text, since letters in a drawing shrink with it on a phone: times and numbers stand in HTML around it.
 */
import { html, raw } from 'hono/html';
import { clockOf, countInWords, type ChartPoint, type Check } from '#src/core/evidence.ts';
import { escapeHtml } from '#src/text/sanitize.ts';
import type { Html } from './layout.ts';

const HEIGHT = 60;
/** Units of one place; a bar leaves a fifth of it free. */
const PLACE = 10;
const TICKS = 5;
/** Counts are sums over a place; levels are a state. */
const LEVELS = new Set(['nodes', 'pods']);

/** The chart with its words; empty where there is nothing to draw. `startedAt`: when the impact began. */
export function evidenceChart(check: Check, startedAt: string | null): Html {
  const { points, what } = check;
  const [first, last] = [points[0], points.at(-1)];
  const most = points.reduce((max, point) => Math.max(max, point.total ?? 0, point.failed ?? 0), 0);
  if (!first || !last || points.length < 2 || most === 0) return html``;
  const stepMs = Date.parse(points[1]!.at) - Date.parse(first.at);
  const endsAt = new Date(Date.parse(last.at) + stepMs).toISOString();
  const per = LEVELS.has(what) ? '' : ` in ${stepMs / 60_000} min`;
  const began = startedAt !== null && startedAt > first.at && startedAt < endsAt;
  return html`<figure class="chart">
    <div class="key dim">
      <span>up to ${countInWords(most)} ${what}${per}</span>
      <span><span class="dot good-bar"></span> ${LEVELS.has(what) ? 'all' : 'successful'}</span>
      <span><span class="dot bad-bar"></span> ${LEVELS.has(what) ? 'not well' : 'failed'}</span>
      ${began ? html`<span>┊ impact began ${clockOf(startedAt, endsAt)}</span>` : ''}
    </div>
    ${raw(drawing(check, { most, stepMs, startedAt: began ? startedAt : null, endsAt }))}
    <div class="ticks dim" aria-hidden="true">${ticksOf(first.at, endsAt).map((at) => html`<span>${at}</span>`)}</div>
  </figure>`;
}

interface Frame {
  most: number;
  stepMs: number;
  startedAt: string | null;
  endsAt: string;
}

function drawing(check: Check, { most, stepMs, startedAt, endsAt }: Frame): string {
  const { points } = check;
  const fromMs = Date.parse(points[0]!.at);
  const width = points.length * PLACE;
  const height = (count: number): string => ((count / most) * HEIGHT).toFixed(1);
  const bars = points.map((point, index) => {
    const x = index * PLACE + PLACE / 10;
    if (point.failed === null)
      return `<rect class="none" x="${x}" y="${HEIGHT - 1.5}" width="${PLACE * 0.8}" height="1.5"/>`;
    const bar = (style: string, from: number, to: number): string =>
      to <= from
        ? ''
        : `<rect class="${style}" x="${x}" y="${(HEIGHT - Number(height(to))).toFixed(1)}" width="${PLACE * 0.8}" height="${height(to - from)}"/>`;
    return bar('fine', point.failed, point.total ?? 0) + bar('failed', 0, point.failed);
  });
  const x = startedAt === null ? null : (((Date.parse(startedAt) - fromMs) / stepMs) * PLACE).toFixed(1);
  const line = x === null ? '' : `<line class="began" x1="${x}" x2="${x}" y1="0" y2="${HEIGHT}"/>`;
  return `<svg viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(inWords(check, endsAt))}">${bars.join('')}${line}</svg>`;
}

/** What somebody who does not see the chart needs of it. */
function inWords({ what, points, reason }: Check, endsAt: string): string {
  const known = points.filter((point): point is ChartPoint & { failed: number } => point.failed !== null);
  const worst = known.reduce<(ChartPoint & { failed: number }) | null>(
    (most, point) => (point.failed > (most?.failed ?? 0) ? point : most),
    null,
  );
  const span = `${what} from ${clockOf(points[0]!.at, endsAt)} to ${clockOf(endsAt)} UTC`;
  const peak =
    worst === null
      ? 'none failed'
      : `most failed at ${clockOf(worst.at, endsAt)}: ${countInWords(worst.failed)}${worst.total === null ? '' : ` of ${countInWords(worst.total)}`}`;
  const gaps = points.length - known.length;
  return `Chart of ${span}; ${peak}${gaps > 0 ? `; no data at ${gaps} of ${points.length} points` : ''}. ${reason}.`;
}

/** Evenly spread, so that they need no place of their own; days where the chart is longer than one. */
function ticksOf(from: string, to: string): string[] {
  const [fromMs, lengthMs] = [Date.parse(from), Date.parse(to) - Date.parse(from)];
  return Array.from({ length: TICKS }, (_, index) => {
    const at = new Date(fromMs + (lengthMs * index) / (TICKS - 1)).toISOString();
    return lengthMs > 24 * 3_600_000 ? `${at.slice(5, 10)} ${at.slice(11, 16)}` : at.slice(11, 16);
  });
}
