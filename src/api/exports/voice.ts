/** Whose word an entry is. The reader of a review must be able to tell Microsoft's from ours and from a person's. */
import type { TimelineRow } from '#src/db/reads.ts';

/** `source`: a rule or resource of our own, as Azure Monitor reported it. */
export type Voice = 'microsoft' | 'source' | 'relay' | 'person';

export interface Speaker {
  voice: Voice;
  /** Microsoft, Health Relay, a person's name, or the source. */
  who: string;
}

const RELAY: Speaker = { voice: 'relay', who: 'Health Relay' };

/** Decided by what wrote the entry, never by its text. */
export function speakerOf(row: Pick<TimelineRow, 'kind' | 'data'>): Speaker {
  const { author, source } = row.data;
  if (row.kind === 'communication') return { voice: 'microsoft', who: 'Microsoft' };
  if (row.kind === 'note' && typeof author === 'string') return { voice: 'person', who: author };
  const told = row.kind === 'state' || row.kind === 'note';
  if (told && typeof source === 'string' && source !== 'relay') return { voice: 'source', who: `Azure (${source})` };
  return RELAY;
}

/** One line for each voice, for legends. */
export const VOICE_WORDS: Readonly<Record<Voice, string>> = {
  microsoft: 'Microsoft: what Azure Service Health said, unchanged',
  source: 'Azure: what our own alert rules and resources reported',
  relay: 'Health Relay: what this system decided, did and measured',
  person: 'A person: notes, corrections and acknowledgements, with the name',
};
