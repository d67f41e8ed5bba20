/**
 * What the relay would make of payloads, without a database: parse, fold, routes. The same pure functions as in the
 * pipeline, one payload after the other as if each were a request of its own.
 */
import type { RelayConfig } from '#src/config/types.ts';
import { fold } from '#src/core/fold.ts';
import type { Incident, Scope, Snapshot } from '#src/core/incident.ts';
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
  /** Revisions, ascending. */
  revisions: { revision: number; snapshot: Snapshot }[];
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

/** Folds parsed payloads in order. `now` is the receipt time of all. */
export function foldPayloads(
  payloads: readonly unknown[],
  options: { config: RelayConfig; source: SourceContext; now: Date },
): FoldedPayloads {
  const { config, source, now } = options;
  const receivedAt = now.toISOString();
  const newest = new Map<string, FoldedIncident>();
  const seen = new Map<string, FoldedIncident | null>();
  const result: FoldedPayloads = { signals: [], incidents: [] };
  for (const payload of payloads) {
    const signals = readSignals(payload, { ...source, receivedAt, door: 'webhook' });
    const touched = new Set<FoldedIncident>();
    for (const signal of signals) {
      const folded = take(signal);
      result.signals.push(folded);
      if (folded.incident !== null) touched.add(folded.incident);
    }
    for (const one of touched) judge(one, config);
  }
  return result;

  function take(signal: Signal): FoldedSignal {
    const repeat = seen.get(signal.fingerprint);
    if (repeat !== undefined)
      return { signal, outcome: 'duplicate', reason: 'the very same message', incident: repeat };
    if (signal.test) {
      seen.set(signal.fingerprint, null);
      return { signal, outcome: 'test', reason: signal.reason, incident: null };
    }
    const current = newest.get(signal.identity) ?? null;
    const newId = `inc_preview${result.incidents.length + 1}`;
    const next = fold({ current, signal, receivedAt, newId });
    const contextual = signal.kind === 'change' && signal.phase === 'note';
    let one = current;
    if (one === null || next.created) {
      const decision = { destinations: [], unrouted: false };
      const base = { incident: next.incident, scope: next.scope, decision, contextOnly: contextual };
      one = { ...base, told: new Map(), revisions: [] };
      newest.set(signal.identity, one);
      result.incidents.push(one);
    }
    one.incident = next.incident;
    one.scope = next.scope;
    one.contextOnly &&= signal.phase === 'note';
    for (const { revision, snapshot } of next.entries) if (snapshot) one.revisions.push({ revision, snapshot });
    seen.set(signal.fingerprint, one);
    return { signal, outcome: next.outcome, reason: next.reason, incident: one };
  }
}

function judge(one: FoldedIncident, config: RelayConfig): void {
  if (one.contextOnly && !asksForChanges(config)) return;
  one.decision = judgeRoutes(config, one.incident, one.scope);
  for (const { destination } of one.decision.destinations) {
    if (!one.told.has(destination)) one.told.set(destination, one.incident.revision);
  }
}

function asksForChanges(config: RelayConfig): boolean {
  return config.routes.some((route) => route.match.kind?.some((pattern) => matchesGlob(pattern, 'change')));
}
