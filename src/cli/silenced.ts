/** Which silence would hold an incident back at a destination: those of the config, and what a case brings along. */
import type { RelayConfig } from '#src/config/types.ts';
import type { SilenceCause } from '#src/core/plan.ts';
import { isInForce, silenceFor, type Silence } from '#src/core/silence.ts';
import { factsAt } from '#src/pipeline/silence-of.ts';
import type { FoldedIncident } from './fold-payloads.ts';

/** Null where none does, and while the config passes everything through. Silences set by call are the running relay's. */
export function silencedBy(
  destination: string,
  { incident, scope }: FoldedIncident,
  { config, now, more = [] }: { config: RelayConfig; now: Date; more?: readonly Silence[] },
): SilenceCause | null {
  if (config.passThrough) return null;
  const silences = [...config.silences.filter((one) => isInForce(one, now.getTime())), ...more];
  if (silences.length === 0) return null;
  return silenceFor(silences, { destination, facts: factsAt(destination, incident, { config, scope }) });
}
