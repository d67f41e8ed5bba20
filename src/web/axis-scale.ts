/** Where a moment stands on the time axis, where its ticks are, and which marks are drawn as one. Pure. */

export interface Mark {
  atMs: number;
  tone: 'said' | 'good' | 'bad' | 'ack' | 'person' | 'evidence';
  title: string;
}

export interface Scale {
  from: number;
  to: number;
  /** Pixels, to one decimal; what is later than `to` stands behind the break. */
  x(ms: number): number;
  /** Where the break is; null where nothing comes long after the end. */
  breakX: number | null;
}

const MINUTE = 60_000;
/** Room for what comes after the break. */
const TAIL_WIDTH = 90;
/** The axis shows at least this long. */
const SPAN_MIN_MS = 10 * MINUTE;
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 20_160, 43_200, 129_600];
const TICKS_MAX = 9;
/** Marks of one tone that are closer than this are one mark with a number. */
const CLOSE_PX = 11;

/** The scale for an incident; null where it has no moment at all. */
export function scaleOf(
  data: {
    startedAt: string | null;
    mitigatedAt: string | null;
    resolvedAt: string | null;
    endsAt: string | null;
    state: string;
    now: string;
  },
  marks: readonly number[],
  { left, width }: { left: number; width: number },
): Scale | null {
  const ms = (time: string | null): number[] => (time === null ? [] : [Date.parse(time)]);
  const planned = data.state === 'planned' ? ms(data.endsAt) : [];
  const over = data.state === 'resolved' || data.state === 'closed';
  const starts = [...ms(data.startedAt), ...marks];
  if (starts.length === 0) return null;
  const from = Math.min(...starts);
  const end = over
    ? Math.max(from, ...ms(data.resolvedAt), ...ms(data.mitigatedAt))
    : Math.max(from, Date.parse(data.now), ...planned);
  // A quarter of the length beyond the end still belongs to it: the last messages, the all-clear.
  const near = end + Math.max(30 * MINUTE, (end - from) / 4);
  const shown = Math.max(end, ...marks.filter((mark) => mark <= near));
  const later = marks.filter((mark) => mark > near).toSorted((a, b) => a - b);
  const to = Math.max(shown + (shown - from) * 0.02, from + SPAN_MIN_MS);
  const mainWidth = later.length > 0 ? width - TAIL_WIDTH : width;
  const tail = (mark: number): number => {
    const rank = later.findIndex((other) => other >= mark);
    return left + mainWidth + 20 + ((TAIL_WIDTH - 34) * Math.max(0, rank)) / Math.max(1, later.length - 1);
  };
  return {
    from,
    to,
    x: (mark) =>
      round(
        mark > to
          ? later.length > 0
            ? tail(mark)
            : left + mainWidth
          : left + ((mark - from) / (to - from)) * mainWidth,
      ),
    breakX: later.length > 0 ? round(left + mainWidth + 4) : null,
  };
}

/** Round moments on the axis, at most nine; the day is named where it changes. UTC. */
export function ticksOf(scale: Scale): { x: number; label: string }[] {
  const minutes = (scale.to - scale.from) / MINUTE;
  const step = (STEPS_MIN.find((size) => minutes / size <= TICKS_MAX) ?? STEPS_MIN.at(-1)!) * MINUTE;
  const ticks: { x: number; label: string }[] = [];
  let day = '';
  for (let at = Math.ceil(scale.from / step) * step; at <= scale.to && ticks.length <= TICKS_MAX; at += step) {
    const iso = new Date(at).toISOString();
    const date = `${Number(iso.slice(8, 10))} ${MONTHS[Number(iso.slice(5, 7)) - 1]}`;
    const time = step % (1440 * MINUTE) === 0 ? '' : iso.slice(11, 16);
    ticks.push({ x: scale.x(at), label: date === day ? time : `${date} ${time}`.trim() });
    day = date;
  }
  return ticks;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export interface PlacedMark {
  x: number;
  tone: Mark['tone'];
  titles: string[];
  /** Pixels off the middle of the lane, where another tone stands at the same place. */
  shift: number;
}

/** Marks of one lane; those that would lie on each other become one with all their titles, or move apart by tone. */
export function placeMarks(marks: readonly Mark[], scale: Scale): PlacedMark[] {
  const placed: PlacedMark[] = [];
  for (const mark of marks.toSorted((a, b) => a.atMs - b.atMs)) {
    const x = scale.x(mark.atMs);
    const near = placed.findLast((other) => other.tone === mark.tone && x - other.x < CLOSE_PX);
    if (near) near.titles.push(mark.title);
    else placed.push({ x, tone: mark.tone, titles: [mark.title], shift: 0 });
  }
  for (const mark of placed) {
    const other = placed.find((p) => p.tone !== mark.tone && Math.abs(p.x - mark.x) < CLOSE_PX);
    if (other) mark.shift = mark.tone === 'good' || mark.tone === 'ack' ? -6 : 7;
  }
  return placed;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
