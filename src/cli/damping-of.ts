/** `sustained` and `flapping` for the commands that call nobody. */
import { dampingRules, flappingInWords, sustainedInWords } from '#src/core/damping.ts';
import type { Incident } from '#src/core/incident.ts';
import type { UpdatesPolicy } from '#src/core/plan.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { digestDueMs } from '#src/pipeline/digest.ts';
import type { FoldedIncident } from './fold-payloads.ts';
import { play, type Message, type PlayOptions } from './play.ts';

/** What the routes that named a destination ask of an incident before it is told: one sentence each. */
export function explainDamping(
  routes: readonly number[],
  incident: Pick<Incident, 'kind' | 'severity'>,
  config: RelayConfig,
): string[] {
  const asking = routes.map((index) => config.routes[index]!);
  if (!asking.some((route) => route.sustained || route.flapping)) return [];
  if (incident.kind !== 'alert' && incident.kind !== 'resource')
    return [`told at once: sustained and flapping are for alerts and resources, not for kind ${incident.kind}`];
  if (config.passThrough) return ['told at once: passThrough turns sustained and flapping off'];
  const rules = dampingRules(asking, incident);
  const waits = (rules?.sustained ?? []).map((rule) => {
    const periods = (rule.times - 1) * (rule.inMs / rule.of);
    return `told once it is sustained (${sustainedInWords(rule)}): ${Math.ceil(periods / 1000)} s after its opening at the latest`;
  });
  if (rules?.flapping) waits.push(`told once while it flaps (${flappingInWords(rules.flapping)})`);
  const asks = (key: 'sustained' | 'flapping'): boolean => asking.some((route) => route[key]);
  const missed = (['sustained', 'flapping'] as const).filter(
    (key) => asks(key) && (key === 'sustained' ? (rules?.sustained.length ?? 0) === 0 : !rules?.flapping),
  );
  for (const key of missed) {
    const why = asking.every((route) => route[key])
      ? `severity ${incident.severity}, and the rule does not say severe: true`
      : 'another route names this destination and does not ask for it';
    waits.push(`${key} does not hold: ${why}`);
  }
  return waits;
}

/** What a destination hears of the episodes of one identity. */
export function playOf(
  destination: Destination,
  episodes: readonly FoldedIncident[],
  { config, untilMs, silence }: { config: RelayConfig; untilMs: number; silence?: PlayOptions['silence'] },
): Message[] {
  const routes = episodes
    .at(-1)!
    .decision.destinations.find((one) => one.destination === destination.name)
    ?.routes.map((index) => config.routes[index]!);
  const { kind } = episodes.at(-1)!.incident;
  return play({
    episodes: episodes.map((one) => ({
      episode: one.incident.episode,
      firstRevision: one.told.get(destination.name)!,
      revisions: one.revisions,
    })),
    reports: episodes.flatMap((one) => one.reports),
    rules: (severity) =>
      config.passThrough || !routes || routes.length === 0 ? null : dampingRules(routes, { kind, severity }),
    updates: (oldestMs) => policyAt(destination, { oldestMs, passThrough: config.passThrough }),
    ...(silence ? { silence } : {}),
    untilMs,
  });
}

/** As in the pipeline: passThrough turns off what collects. */
function policyAt(
  { updates, timezone }: Destination,
  { oldestMs, passThrough }: { oldestMs: number; passThrough: boolean },
): UpdatesPolicy {
  if (passThrough && (updates.policy === 'digest' || updates.policy === 'latest')) return { policy: 'each' };
  return updates.policy === 'digest'
    ? { policy: 'digest', dueMs: digestDueMs(updates.at, timezone, oldestMs) }
    : updates;
}
