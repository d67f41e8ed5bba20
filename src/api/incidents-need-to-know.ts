/**
 * Need to know: of a security post everybody who may read sees title and scope; the text is for those whom the config
 * names (azure-signals 6: do not widen the audience of security posts by default).
 */
import type { RelayConfig } from '#src/config/types.ts';
import type { IncidentListRow } from '#src/db/incident-list.ts';
import type { TimelineRow } from '#src/db/reads.ts';
import type { Caller } from './auth.ts';

/** Whether a caller may read the full text of security posts. */
export function mayReadSecurity(config: RelayConfig, caller: Caller): boolean {
  return config.security.readers.some((reader) => reader === caller.role || reader === caller.name);
}

/** Whether the text of this kind of incident is withheld from a caller. */
export function isWithheld(config: RelayConfig, caller: Caller, kind: string): boolean {
  return kind === 'security' && !mayReadSecurity(config, caller);
}

/** The incident without what may repeat the text. */
export function withheldIncident(incident: IncidentListRow): IncidentListRow {
  return { ...incident, details: {} };
}

/** Keys of an entry's data that hold nobody's text. */
const OPEN_KEYS = new Set([
  'communicationId',
  'stage',
  'title',
  'severity',
  'source',
  'subscription',
  'late',
  'from',
  'to',
  'author',
  'event',
  'impacts',
  'subscriptions',
  'resources',
  'decision',
  'destination',
  'destinations',
  'delivery',
  'number',
  'action',
  'covers',
  'outcome',
  'status',
  'repeat',
  'via',
  'corrects',
  'why',
  'silence',
]);

/** An entry without text: what people wrote about a security post may repeat it, and so may what changed in it. */
export function withheldEntry<T extends TimelineRow>(row: T): T {
  const data = Object.fromEntries(Object.entries(row.data).filter(([key]) => OPEN_KEYS.has(key)));
  return { ...row, summary: openSummary(row), data: { ...data, withheld: true }, changes: null };
}

/** A person's note begins with its text; Microsoft's entry with its title, which everybody may see. */
export function openSummary(row: Pick<TimelineRow, 'kind' | 'summary' | 'data'>): string {
  const { author, event } = row.data;
  if (row.kind !== 'note' || typeof author !== 'string') return row.summary;
  return `${event === 'acknowledged' ? 'Acknowledged' : event === 'correction' ? 'Correction' : 'Note'} by ${author}`;
}
