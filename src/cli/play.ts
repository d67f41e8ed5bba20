/**
 * What destinations would hear of folded payloads over time, without a database or a vendor that fails: the planner and
 * the judgement of `sustained` and `flapping` as in the pipeline, on a clock that jumps from moment to moment.
 */
import type { Action } from '#src/core/adapter.ts';
import type { Report } from '#src/core/alert-history.ts';
import { judgeDamping, type Damping, type DampingRules } from '#src/core/damping.ts';
import { isOpen, type Snapshot } from '#src/core/incident.ts';
import { plan, toldAfter, type SilenceCause, type Told, type UpdatesPolicy } from '#src/core/plan.ts';
import type { Severity } from '#src/core/signal.ts';

/** One episode at one destination. */
export interface Episode {
  episode: number;
  /** The revision at which the destination first matched. */
  firstRevision: number;
  revisions: readonly { revision: number; atMs: number; snapshot: Snapshot }[];
}

export interface Message {
  atMs: number;
  action: Action;
  episode: number;
  /** The episode whose page it concerns. */
  page: number;
}

export interface PlayOptions {
  /** Of one identity, in order. */
  episodes: readonly Episode[];
  reports: readonly Report[];
  /** Null: nothing is damped. */
  rules(severity: Severity): DampingRules | null;
  /** Asked anew for each step, by the oldest revision that it would tell. */
  updates(oldestMs: number): UpdatesPolicy;
  /** What holds an episode back at a moment; absent: nothing does. */
  silence?(episode: number, nowMs: number): SilenceCause | null;
  untilMs: number;
}

interface Standing extends Episode {
  told: Told;
  toldSeverity: Severity | null;
  delivered: number;
  page: number;
  announced: boolean;
  lastMs: number | null;
  holdMs: number;
}

/** Everything that one destination hears of one identity until a moment, in order. */
export function play(options: PlayOptions): Message[] {
  const { episodes, untilMs } = options;
  const messages: Message[] = [];
  const all = episodes.map((one): Standing => ({
    ...one,
    told: 'nothing',
    toldSeverity: null,
    delivered: 0,
    page: one.episode,
    announced: false,
    lastMs: null,
    holdMs: -Infinity,
  }));
  const times = new Set(episodes.flatMap((one) => one.revisions.map((r) => r.atMs)).filter((ms) => ms <= untilMs));
  for (let now = least(times); now !== null; now = least(times)) {
    times.delete(now);
    // The newest first: it takes the page over before the one before it is looked at.
    for (const one of all.toReversed()) {
      for (const next of speak(one, all, { ...options, nowMs: now, messages })) if (next <= untilMs) times.add(next);
    }
  }
  return messages;
}

function least(times: ReadonlySet<number>): number | null {
  return times.size === 0 ? null : Math.min(...times);
}

/** Brings one episode up to date. Returns the moments at which it must be looked at again. */
function* speak(
  one: Standing,
  all: readonly Standing[],
  { nowMs, messages, ...options }: PlayOptions & { nowMs: number; messages: Message[] },
): Generator<number> {
  for (;;) {
    const seen = one.revisions.filter((r) => r.atMs <= nowMs);
    const last = seen.at(-1);
    if (!last || last.revision < one.firstRevision) return;
    const damping = judged(one, last.snapshot, { ...options, nowMs });
    if (damping?.flapping && one.told === 'nothing' && isOpen(last.snapshot.state)) takeOver(one, all, damping);
    // The newest revision is wanted once more, to say that it has stopped (src/db/damping.ts).
    const quiet = damping?.announced && damping.flapping?.state === 'stopped' && one.told === 'open';
    if (quiet && one.delivered === last.revision) one.delivered -= 1;
    const pending = seen.filter((r) => r.revision > one.delivered);
    const next = plan({
      updates: options.updates(pending[0]?.atMs ?? nowMs),
      repeat: 'key',
      told: one.told,
      toldSeverity: one.toldSeverity,
      deliveredRevision: one.delivered,
      firstRevision: one.firstRevision,
      revisions: pending.map((r) => ({ ...r, recordedAtMs: r.atMs })),
      unsettled: null,
      lastAcceptedAtMs: one.lastMs,
      parent: null,
      silence: options.silence?.(one.episode, nowMs) ?? null,
      damping,
      nowMs,
    });
    if (next.do === 'hold' || next.do === 'wait') return yield next.untilMs;
    if (next.do === 'level' || next.do === 'giveUp') return;
    one.delivered = next.do === 'skip' ? next.to : next.covers[1];
    if (next.do === 'skip') continue;
    messages.push({ atMs: nowMs, action: next.action, episode: one.episode, page: one.page });
    one.told = toldAfter(one.told, next.action);
    one.toldSeverity = last.snapshot.severity;
    one.lastMs = nowMs;
    const flaps = damping?.flapping;
    one.announced = next.action === 'open' ? flaps?.state === 'flapping' : one.announced && !quiet;
    if (one.announced && flaps) yield flaps.untilMs;
  }
}

function judged(
  one: Standing,
  last: Snapshot,
  { rules, reports, nowMs }: Pick<PlayOptions, 'rules' | 'reports'> & { nowMs: number },
): Damping | null {
  const asked = rules(last.severity);
  if (asked === null) return null;
  const known = reports.filter((report) => report.atMs <= nowMs);
  return judgeDamping(asked, known, { episode: one.episode, announced: one.announced, nowMs });
}

function takeOver(one: Standing, all: readonly Standing[], damping: Damping): void {
  const before = all.findLast((other) => other.episode < one.episode && other.told === 'open' && other.announced);
  if (!before) return;
  Object.assign(one, { told: 'open', toldSeverity: before.toldSeverity, page: before.page, announced: true });
  const newest = before.revisions.at(-1)!.revision;
  Object.assign(before, { told: 'closed', announced: false, delivered: newest });
  damping.announced = true;
}
