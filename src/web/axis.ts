/**
 * The time axis of an incident as SVG: impact, Microsoft's posts, our messages, people, evidence, each on a lane of its
 * own. What comes long after the end (a review two weeks later) stands behind a break, or it would press the hours that
 * matter into a line. The story below the drawing holds the same in words.
 */
import { escapeHtml } from '#src/text/sanitize.ts';
import { placeMarks, scaleOf, ticksOf, type Mark, type Scale } from './axis-scale.ts';

export interface AxisData {
  startedAt: string | null;
  mitigatedAt: string | null;
  resolvedAt: string | null;
  endsAt: string | null;
  state: string;
  /** Now, or the moment that the record is shown as of. */
  now: string;
  entries: readonly AxisEntry[];
}

export interface AxisEntry {
  at: string;
  kind: string;
  summary: string;
  voice: string;
  data: Readonly<Record<string, unknown>>;
}

const WIDTH = 1000;
const LEFT = 104;
const RIGHT = 12;
const LANE = 30;
const TOP = 18;

interface Lane {
  name: string;
  marks: Mark[];
}

/** Draws the axis; empty where there is nothing to draw. */
export function axisSvg(data: AxisData): string {
  const lanes = lanesOf(data);
  const marks = lanes.flatMap((lane) => lane.marks);
  const scale = scaleOf(
    data,
    marks.map((mark) => mark.atMs),
    { left: LEFT, width: WIDTH - LEFT - RIGHT },
  );
  if (!scale) return '';
  const rows = ['Impact', ...lanes.map((lane) => lane.name)];
  const bottom = TOP + rows.length * LANE;
  const parts = [
    ...ticksOf(scale).map(
      ({ x, label }) =>
        `<line class="grid" x1="${x}" y1="${TOP}" x2="${x}" y2="${bottom}"/><text class="tick" x="${x}" y="${bottom + 16}" text-anchor="middle">${label}</text>`,
    ),
    ...rows.map(
      (name, i) =>
        `<text class="lane" x="${LEFT - 10}" y="${mid(i) + 4}" text-anchor="end">${name}</text><line class="rail" x1="${LEFT}" y1="${mid(i)}" x2="${WIDTH - RIGHT}" y2="${mid(i)}"/>`,
    ),
    ...impact(data, scale),
    ...verticals(data, scale, bottom),
    ...lanes.flatMap((lane, i) => (lane.name === 'Evidence' ? bands(data, scale, mid(i + 1)) : [])),
    ...lanes.flatMap((lane, i) =>
      placeMarks(lane.marks, scale).map((placed) => shape(placed, mid(i + 1) + placed.shift)),
    ),
    ...(scale.breakX === null ? [] : [breakMark(scale.breakX, bottom)]),
  ];
  const label = `Time axis: ${rows.join(', ').toLowerCase()}; the same in words below`;
  return `<svg class="axis" viewBox="0 0 ${WIDTH} ${bottom + 24}" role="img" aria-label="${label}">${parts.join('')}</svg>`;
}

function mid(row: number): number {
  return TOP + row * LANE + LANE / 2;
}

function lanesOf({ entries }: AxisData): Lane[] {
  const mark = (entry: AxisEntry, tone: Mark['tone']): Mark => ({
    atMs: Date.parse(entry.at),
    tone,
    title: `${entry.at.slice(11, 16)} ${entry.summary}`,
  });
  const communications = entries.filter((entry) => entry.kind === 'communication').map((entry) => mark(entry, 'said'));
  const alerts = entries.filter((entry) => entry.voice === 'source').map((entry) => mark(entry, 'said'));
  const attempts = entries
    .filter((entry) => entry.kind === 'attempt')
    .map((entry) => mark(entry, entry.data['outcome'] === 'accepted' ? 'good' : 'bad'));
  const people = entries
    .filter((entry) => entry.voice === 'person')
    .map((entry) => mark(entry, entry.data['event'] === 'acknowledged' ? 'ack' : 'person'));
  const evidence = entries
    .filter((entry) => entry.kind === 'evidence' && !bandOf(entry))
    .map((entry) => mark(entry, 'evidence'));
  const lanes: Lane[] = [
    { name: 'Microsoft', marks: communications },
    { name: 'Own alerts', marks: alerts },
    { name: 'Messages', marks: attempts },
    { name: 'People', marks: people },
    { name: 'Evidence', marks: evidence },
  ];
  const banded = entries.some((entry) => bandOf(entry) !== null);
  return lanes.filter(
    (lane) => lane.marks.length > 0 || lane.name === 'Messages' || (lane.name === 'Evidence' && banded),
  );
}

/** The span that a piece of evidence speaks of; null where it is about a moment. */
function bandOf({ kind, data }: AxisEntry): { from: number; to: number } | null {
  if (kind !== 'evidence' || typeof data['from'] !== 'string' || typeof data['to'] !== 'string') return null;
  const [from, to] = [Date.parse(data['from']), Date.parse(data['to'])];
  return Number.isFinite(from) && to > from ? { from, to } : null;
}

function bands(data: AxisData, scale: Scale, y: number): string[] {
  return data.entries.flatMap((entry) => {
    const band = bandOf(entry);
    if (!band) return [];
    const x = scale.x(Math.max(band.from, scale.from));
    const width = Math.max(3, scale.x(band.to) - x).toFixed(1);
    return [
      `<rect class="band" x="${x}" y="${y - 6}" width="${width}" height="12"><title>${escapeHtml(entry.summary)}</title></rect>`,
    ];
  });
}

/** From the start to mitigation in full colour, on to the end in half; planned work as an outline. */
function impact(data: AxisData, scale: Scale): string[] {
  if (data.startedAt === null) return [];
  const bar = (from: string, to: string, style: string): string => {
    const [x, end] = [scale.x(Date.parse(from)), scale.x(Date.parse(to))];
    const words = `${from.slice(0, 16).replace('T', ' ')} to ${to.slice(0, 16).replace('T', ' ')} UTC`;
    return `<rect class="impact ${style}" x="${x}" y="${mid(0) - 8}" width="${Math.max(3, end - x).toFixed(1)}" height="16" rx="3"><title>${style === 'planned' ? 'Planned' : 'Impact'}: ${words}</title></rect>`;
  };
  if (data.state === 'planned') return data.endsAt ? [bar(data.startedAt, data.endsAt, 'planned')] : [];
  const end = data.mitigatedAt ?? data.resolvedAt ?? data.now;
  const bars = [bar(data.startedAt, end, (data.mitigatedAt ?? data.resolvedAt) ? 'over' : 'open')];
  if (data.mitigatedAt && data.resolvedAt && data.resolvedAt > data.mitigatedAt)
    bars.push(bar(data.mitigatedAt, data.resolvedAt, 'after'));
  return bars;
}

function verticals(data: AxisData, scale: Scale, bottom: number): string[] {
  const line = (at: string, name: string): string => {
    const x = scale.x(Date.parse(at));
    return `<line class="event" x1="${x}" y1="${TOP}" x2="${x}" y2="${bottom}"><title>${name}: ${at.slice(0, 16).replace('T', ' ')} UTC</title></line><text class="tick" x="${Math.min(x, WIDTH - 30)}" y="${TOP - 6}" text-anchor="middle">${name.toLowerCase()}</text>`;
  };
  const over = data.state === 'resolved' || data.state === 'closed';
  return [...(data.resolvedAt ? [line(data.resolvedAt, 'Resolved')] : []), ...(over ? [] : [line(data.now, 'Now')])];
}

function shape({ x, tone, titles }: { x: number; tone: Mark['tone']; titles: string[] }, y: number): string {
  const title = `<title>${escapeHtml(titles.slice(0, 12).join('\n'))}${titles.length > 12 ? `\n… and ${titles.length - 12} more` : ''}</title>`;
  const count = titles.length > 1 ? `<text class="count" x="${x + 8}" y="${y - 6}">${titles.length}</text>` : '';
  const cross = `M${x - 5} ${y - 5}L${x + 5} ${y + 5}M${x - 5} ${y + 5}L${x + 5} ${y - 5}`;
  const diamond = `M${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}L${x - 7} ${y}Z`;
  const body =
    tone === 'bad'
      ? `<path class="mark bad" d="${cross}">${title}</path>`
      : tone === 'ack' || tone === 'person'
        ? `<path class="mark ${tone}" d="${diamond}">${title}</path>`
        : `<circle class="mark ${tone}" cx="${x}" cy="${y}" r="6">${title}</circle>`;
  return body + count;
}

function breakMark(x: number, bottom: number): string {
  return `<path class="break" d="M${x - 4} ${TOP}L${x + 4} ${TOP + 10}L${x - 4} ${TOP + 20}L${x + 4} ${TOP + 30}V${bottom}"/><text class="tick" x="${x + 8}" y="${bottom + 16}">later</text>`;
}
