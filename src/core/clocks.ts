/**
 * The clocks of an incident: when what happened, and how long it took. Two kinds of time meet here: Azure's own words
 * (impact, mitigation, end) and our receipt clock (received, committed, paged). A duration that would run backwards is
 * unknown, not zero: Microsoft dates the start of impact back, and sometimes forward again.
 */

export interface ClockFacts {
  /** Azure's word for the start of impact. */
  impactStartedAt: string | null;
  /** Event time of Microsoft's first communication. */
  firstCommunicationAt: string | null;
  /** When the first message about it reached us. */
  firstSignalAt: string | null;
  /** When that was durable. */
  committedAt: string | null;
  /** First accepted opening at a destination that wakes people (PagerDuty, Opsgenie). */
  firstPageAt: string | null;
  /** First accepted step at any destination. */
  firstToldAt: string | null;
  /** First acknowledgement by a person. */
  acknowledgedAt: string | null;
  mitigatedAt: string | null;
  resolvedAt: string | null;
  /** Post-incident review. */
  reviewedAt: string | null;
}

/** Whole seconds; null where one end is missing or the order is wrong. */
export interface Durations {
  /** Start of impact to Microsoft's first communication. */
  toCommunicate: number | null;
  /** Start of impact to our first sight of it. */
  toNotice: number | null;
  /** Our first sight to the first page; where nobody is paged, to the first message. */
  toNotify: number | null;
  /** First page (or message) to the first acknowledgement. */
  toAcknowledge: number | null;
  /** Start of impact to mitigation. */
  toMitigate: number | null;
  /** Start of impact to the end as told by Azure. */
  toResolve: number | null;
}

export const DURATIONS = [
  'toCommunicate',
  'toNotice',
  'toNotify',
  'toAcknowledge',
  'toMitigate',
  'toResolve',
] as const satisfies (keyof Durations)[];

/** Derives the durations of one incident. */
export function durationsOf(clocks: ClockFacts): Durations {
  const told = clocks.firstPageAt ?? clocks.firstToldAt;
  return {
    toCommunicate: between(clocks.impactStartedAt, clocks.firstCommunicationAt),
    toNotice: between(clocks.impactStartedAt, clocks.firstSignalAt),
    toNotify: between(clocks.firstSignalAt, told),
    toAcknowledge: between(told, clocks.acknowledgedAt),
    toMitigate: between(clocks.impactStartedAt, clocks.mitigatedAt),
    toResolve: between(clocks.impactStartedAt, clocks.resolvedAt),
  };
}

function between(from: string | null, to: string | null): number | null {
  if (from === null || to === null) return null;
  const seconds = Math.round((Date.parse(to) - Date.parse(from)) / 1000);
  return seconds >= 0 ? seconds : null;
}

/** A span of impact in milliseconds since 1970; `to` is not part of it. */
export interface Span {
  from: number;
  to: number;
}

/** Minutes that at least one span covers: two outages at once are one hour of impact, not two. */
export function coveredMinutes(spans: readonly Span[]): number {
  let total = 0;
  let end = -Infinity;
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    if (span.to <= end) continue;
    total += span.to - Math.max(span.from, end);
    end = span.to;
  }
  return total / 60_000;
}

/** Cuts a span at the ends of calendar months, UTC. Keys are `2026-09`. */
export function byMonth(span: Span): Map<string, Span> {
  const months = new Map<string, Span>();
  for (let from = span.from; from < span.to;) {
    const date = new Date(from);
    const next = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    const to = Math.min(next, span.to);
    months.set(date.toISOString().slice(0, 7), { from, to });
    from = to;
  }
  return months;
}

export interface Distribution {
  count: number;
  p50: number | null;
  p90: number | null;
  p99: number | null;
  max: number | null;
}

/** Nearest-rank percentiles: every figure is one that did occur. */
export function distribution(values: readonly (number | null)[]): Distribution {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const rank = (share: number): number | null => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
  return { count: sorted.length, p50: rank(0.5), p90: rank(0.9), p99: rank(0.99), max: sorted.at(-1) ?? null };
}

export interface ClockRow {
  clocks: ClockFacts;
  /** Not over yet: impact counts until now. */
  open: boolean;
  services: readonly string[];
  regions: readonly string[];
  registries: readonly string[];
}

export type GroupBy = 'month' | 'service' | 'region' | 'registry';

export interface ClockGroup {
  key: string;
  incidents: number;
  /** Documented by Azure, overlaps counted once. */
  impactMinutes: number;
  durations: Record<keyof Durations, Distribution>;
}

/** Groups incidents; one with three regions counts in all three. Impact is cut to the period asked for. */
export function summarise(
  rows: readonly ClockRow[],
  options: { by: GroupBy; period: Span; nowMs: number },
): ClockGroup[] {
  const groups = new Map<string, { rows: Set<ClockRow>; spans: Span[] }>();
  const add = (key: string, row: ClockRow, span: Span | null): void => {
    const group = groups.get(key) ?? { rows: new Set<ClockRow>(), spans: [] };
    group.rows.add(row);
    if (span) group.spans.push(span);
    groups.set(key, group);
  };
  for (const row of rows) {
    const span = impactOf(row, options);
    if (options.by !== 'month') for (const key of keysOf(row, options.by)) add(key, row, span);
    else if (span) for (const [month, part] of byMonth(span)) add(month, row, part);
    else add((row.clocks.impactStartedAt ?? row.clocks.firstSignalAt ?? '').slice(0, 7) || 'unknown', row, null);
  }
  return [...groups]
    .map(([key, group]) => ({
      key,
      incidents: group.rows.size,
      impactMinutes: Math.round(coveredMinutes(group.spans) * 10) / 10,
      durations: distributions([...group.rows]),
    }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function distributions(rows: readonly ClockRow[]): Record<keyof Durations, Distribution> {
  const all = rows.map((row) => durationsOf(row.clocks));
  const entries = DURATIONS.map((name) => [name, distribution(all.map((durations) => durations[name]))] as const);
  return Object.fromEntries(entries) as Record<keyof Durations, Distribution>;
}

function keysOf(row: ClockRow, by: Exclude<GroupBy, 'month'>): readonly string[] {
  if (by === 'registry') return row.registries;
  const keys = by === 'service' ? row.services : row.regions;
  return keys.length > 0 ? keys : ['unknown'];
}

/** From the start of impact to mitigation, else to the end, else to now. Null where Azure documents no start. */
function impactOf(row: ClockRow, { period, nowMs }: { period: Span; nowMs: number }): Span | null {
  const { impactStartedAt, mitigatedAt, resolvedAt } = row.clocks;
  const end = mitigatedAt ?? resolvedAt;
  if (impactStartedAt === null || (end === null && !row.open)) return null;
  const from = Math.max(Date.parse(impactStartedAt), period.from);
  const to = Math.min(end === null ? nowMs : Date.parse(end), period.to);
  return to > from ? { from, to } : null;
}
