/** Where an incident is: grows with what each signal says, and never shrinks. */
import type { Growth, Scope } from './incident.ts';
import { impactKey, type Impact, type Signal } from './signal.ts';

/** The scope with what the signal adds, and what that was. */
export function addScope(scope: Scope, signal: Signal): { scope: Scope; grown: Growth } {
  const impacts = newImpacts(scope.impacts, signal.impacts);
  const subscriptions = signal.subscriptions.filter((s) => !scope.subscriptions.includes(s));
  const resources = signal.resources.filter((r) => !scope.resources.includes(r));
  // Evidence tells nothing of where the incident is, and so is no witness of it.
  const sources = signal.type === 'evidence' || scope.sources.includes(signal.source) ? [] : [signal.source];
  return {
    scope: {
      impacts: join(scope.impacts, impacts),
      subscriptions: join(scope.subscriptions, subscriptions),
      resources: join(scope.resources, resources),
      sources: join(scope.sources, sources),
    },
    grown: { impacts, subscriptions, resources },
  };
}

/** Names of services and regions vary in case between channels (azure-signals 4.2); the spelling that came first stays. */
function newImpacts(known: readonly Impact[], named: readonly Impact[]): Impact[] {
  if (named.length === 0) return [];
  const keys = new Set(known.map(impactKey));
  return named.filter((impact) => !keys.has(impactKey(impact)));
}

function join<T>(known: T[], added: T[]): T[] {
  return added.length === 0 ? known : [...known, ...added];
}
