/** Where an incident is: grows with what each signal says, and never shrinks. */
import type { Growth, Scope } from './incident.ts';
import type { Signal } from './signal.ts';

/** The scope with what the signal adds, and what that was. */
export function addScope(scope: Scope, signal: Signal): { scope: Scope; grown: Growth } {
  const impacts = signal.impacts.filter(
    (i) => !scope.impacts.some((k) => k.service === i.service && k.region === i.region),
  );
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

function join<T>(known: T[], added: T[]): T[] {
  return added.length === 0 ? known : [...known, ...added];
}
