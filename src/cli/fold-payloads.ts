/**
 * What the relay would make of payloads, without a database: parse, fold, routes. The same pure functions as in the
 * pipeline, one payload after the other as if each were a request of its own.
 */
import type { RelayConfig } from '#src/config/types.ts';
import type { Report } from '#src/core/alert-history.ts';
import { fold, type FoldResult } from '#src/core/fold.ts';
import { isOpen, type Incident, type Scope, type Snapshot } from '#src/core/incident.ts';
import { matchesGlob } from '#src/core/route-condition.ts';
import type { RouteDecision } from '#src/core/route.ts';
import type { Signal, SignalOutcome, SourceContext } from '#src/core/signal.ts';
import { judgeRoutes } from '#src/pipeline/routing.ts';
import { readSignals } from '#src/receivers/read.ts';

/** An incident as the payloads leave it. */
export interface FoldedIncident {
  incident: Incident;
  scope: Scope;
  /** The routes' word on the incident as it stands. */
  decision: RouteDecision;
  /** Every destination that was matched on the way, with the revision it first matched at: none is ever taken away. */
  told: Map<string, number>;
  /** The routes that named it then; empty where no route took the incident. */
  by: Map<string, readonly number[]>;
  /** Revisions, ascending, with our receipt. */
  revisions: { revision: number; atMs: number; snapshot: Snapshot }[];
  /** What Azure reported of it: openings, ends, and repeats of openings. */
  reports: Report[];
  /** Event times of those: the same report through another door is no second one. */
  counted: Set<string>;
  /** An event such as an image push that nobody is told of unless a route asks for `kind: change` by name. */
  contextOnly: boolean;
}

export interface FoldedSignal {
  signal: Signal;
  outcome: SignalOutcome;
  reason: string | null;
  /** Null for a test notification. */
  incident: FoldedIncident | null;
}

export interface FoldedPayloads {
  /** In the order of arrival. */
  signals: FoldedSignal[];
  /** Every incident and episode, in the order in which they came up. */
  incidents: FoldedIncident[];
}

/** The source that a payload is taken to come from: the named one, else the first of the config, else `local`. */
export function sourceOf(config: RelayConfig, name: string | undefined): SourceContext {
  const { tokens } = config.receivers;
  const found = name === undefined ? tokens[0] : tokens.find((token) => token.source === name);
  return { source: found?.source ?? name ?? 'local', subscription: found?.subscription ?? null };
}

/** Folds parsed payloads in order. `now` is the receipt time of the first, and of all where `afterMs` gives no other. */
export function foldPayloads(
  payloads: readonly unknown[],
  options: { config: RelayConfig; source: SourceContext; now: Date; afterMs?: readonly number[] },
): FoldedPayloads {
  const { config, source, now } = options;
  const folding = createFolding(config);
  const signals = payloads.flatMap((payload, index) => {
    const receivedAt = new Date(now.getTime() + (options.afterMs?.[index] ?? 0)).toISOString();
    return folding.take(readSignals(payload, { ...source, receivedAt, door: 'webhook' }), receivedAt);
  });
  return { signals, incidents: folding.incidents };
}

export interface Folding {
  /** Folds the signals of one commit, then judges the routes on what they have touched. `receivedAt` is ISO 8601 UTC. */
  take(signals: readonly Signal[], receivedAt: string): FoldedSignal[];
  /** Every incident and episode so far, in the order in which they came up. */
  incidents: FoldedIncident[];
}

/** A fold in memory that takes one commit after the other. */
export function createFolding(config: RelayConfig): Folding {
  const newest = new Map<string, FoldedIncident>();
  const seen = new Map<string, FoldedIncident | null>();
  const incidents: FoldedIncident[] = [];
  return {
    incidents,
    take(signals, receivedAt) {
      const folded = signals.map((signal) => takeOne(signal, receivedAt));
      for (const one of new Set(folded.map(({ incident }) => incident))) if (one !== null) judge(one, config);
      return folded;
    },
  };

  function takeOne(signal: Signal, receivedAt: string): FoldedSignal {
    const repeat = seen.get(signal.fingerprint);
    if (repeat !== undefined)
      return { signal, outcome: 'duplicate', reason: 'the very same message', incident: repeat };
    if (signal.test) {
      seen.set(signal.fingerprint, null);
      return { signal, outcome: 'test', reason: signal.reason, incident: null };
    }
    const current = newest.get(signal.identity) ?? null;
    const newId = `inc_preview${incidents.length + 1}`;
    const next = fold({ current, signal, receivedAt, newId });
    const contextual = signal.kind === 'change' && signal.phase === 'note';
    let one = current;
    if (one === null || next.created) {
      const decision = { destinations: [], unrouted: false };
      const base = { incident: next.incident, scope: next.scope, decision, contextOnly: contextual };
      one = { ...base, told: new Map(), by: new Map(), revisions: [], reports: [], counted: new Set() };
      newest.set(signal.identity, one);
      incidents.push(one);
    }
    one.incident = next.incident;
    one.scope = next.scope;
    one.contextOnly &&= signal.phase === 'note';
    const atMs = Date.parse(receivedAt);
    for (const { revision, snapshot } of next.entries) if (snapshot) one.revisions.push({ revision, atMs, snapshot });
    note(one, { signal, atMs, next });
    seen.set(signal.fingerprint, one);
    return { signal, outcome: next.outcome, reason: next.reason, incident: one };
  }
}

/** As the reports are read from the tables (src/db/damping.ts): a repeat counts once, whichever door it came through. */
function note(one: FoldedIncident, { signal, atMs, next }: { signal: Signal; atMs: number; next: FoldResult }): void {
  const { episode } = one.incident;
  const turned = next.entries.findLast((entry) => entry.snapshot && TURNS.includes(entry.snapshot.change))?.snapshot;
  const repeats = ['duplicate', 'updated'].includes(next.outcome) && !one.counted.has(signal.occurredAt);
  if (turned) one.reports.push({ atMs, episode, firing: isOpen(turned.state), turn: true });
  else if (repeats) one.reports.push({ atMs, episode, firing: true, turn: false });
  one.counted.add(signal.occurredAt);
}

const TURNS: readonly string[] = ['open', 'close', 'reopen'];

function judge(one: FoldedIncident, config: RelayConfig): void {
  if (one.contextOnly && !asksForChanges(config)) return;
  one.decision = judgeRoutes(config, one.incident, one.scope);
  for (const { destination, routes } of one.decision.destinations) {
    if (one.told.has(destination)) continue;
    one.told.set(destination, one.incident.revision);
    one.by.set(destination, routes);
  }
}

function asksForChanges(config: RelayConfig): boolean {
  return config.routes.some((route) => route.match.kind?.some((pattern) => matchesGlob(pattern, 'change')));
}
