/**
 * What Azure has reported about one identity over time, by our receipt clock and across its episodes: what `sustained`
 * and `flapping` judge (docs/adr/sustained-and-flapping.md). Pure data.
 */

/** One distinct report. The same report through another action group or schema is no second one. */
export interface Report {
  /** When we received it. */
  atMs: number;
  episode: number;
  /** It says that something is wrong; false: that it is over. */
  firing: boolean;
  /** It changed the state. Else it repeats it, as stateless rules do at every evaluation (azure-signals 3). */
  turn: boolean;
}

/** A span in which the alert was firing; `toMs` is Infinity while it still is. */
export interface Span {
  episode: number;
  fromMs: number;
  toMs: number;
}

/** In order of receipt, less repeats that came in after the end that they repeat. */
export function inOrder(reports: readonly Report[]): Report[] {
  const kept: Report[] = [];
  let firing = false;
  for (const report of reports.toSorted((a, b) => a.atMs - b.atMs)) {
    if (!report.turn && !firing) continue;
    firing = report.turn ? report.firing : firing;
    kept.push(report);
  }
  return kept;
}

/** The spans in which it was firing, oldest first. An episode that begins before the one before it has ended ends that one. */
export function spansOf(ordered: readonly Report[]): Span[] {
  const spans: Span[] = [];
  for (const { atMs, episode, firing, turn } of ordered) {
    if (!turn) continue;
    const open = spans.at(-1);
    if (open && open.toMs === Infinity && (!firing || open.episode !== episode)) open.toMs = atMs;
    if (firing && (spans.at(-1)?.toMs ?? 0) !== Infinity) spans.push({ episode, fromMs: atMs, toMs: Infinity });
  }
  return spans;
}
