/** Runs a history through the pure fold and a pager that is told everything at once: what would people have heard? */
import { fold } from '#src/core/fold.ts';
import { isOpen, type Incident, type Scope } from '#src/core/incident.ts';
import type { Signal, SignalOutcome } from '#src/core/signal.ts';

export interface FoldRun {
  /** Newest episode. */
  incident: Incident;
  scope: Scope;
  outcomes: SignalOutcome[];
  /** Openings that a pager would have been given. */
  pages: number;
  episodes: number;
}

/** Exact repeats are dropped before the fold, as the pipeline does by fingerprint. */
export function runFold(signals: readonly Signal[]): FoldRun {
  const seen = new Set<string>();
  let current: { incident: Incident; scope: Scope } | null = null;
  let pages = 0;
  let episodes = 0;
  let told = false;
  const outcomes: SignalOutcome[] = [];
  for (const signal of signals) {
    if (seen.has(signal.fingerprint)) {
      outcomes.push('duplicate');
      continue;
    }
    seen.add(signal.fingerprint);
    const result = fold({ current, signal, receivedAt: '2026-09-20T00:00:00.000Z', newId: `inc_${seen.size}` });
    current = { incident: result.incident, scope: result.scope };
    outcomes.push(result.outcome);
    if (result.created) {
      episodes++;
      told = false;
    }
    const open = isOpen(result.incident.state);
    if (open && !told) pages++;
    told = open;
  }
  return { ...current!, outcomes, pages, episodes };
}

/** What must not depend on the order of arrival. */
export function settled(run: FoldRun): Record<string, unknown> {
  const { state, stage, severity, title, startedAt, mitigatedAt, resolvedAt, endsAt } = run.incident;
  const { impacts, subscriptions } = run.scope;
  return {
    state,
    stage,
    severity,
    title,
    startedAt,
    mitigatedAt,
    resolvedAt,
    endsAt,
    impacts: impacts.map((i) => `${i.service}/${i.region}`).sort(),
    subscriptions: [...subscriptions].sort(),
  };
}
