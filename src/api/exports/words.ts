/** Times, durations and facts in the words that page and exports share. */
import { PAGERS } from '#src/db/clocks.ts';
import type { IncidentRecord } from '../incidents-record.ts';

/** `2026-09-14 08:05`; the reader is told once that all times are UTC. */
export function clock(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}

/** `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function durationWords(seconds: number): string {
  if (seconds < 1) return 'under 1 s';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60)
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export interface Moment {
  label: string;
  /** Null: has not happened, or nobody told us. */
  at: string | null;
  /** What to say then. */
  none: string;
  voice: 'Microsoft' | 'Azure' | 'Health Relay' | 'A person';
  /** How long it took, measured from what. */
  took: string | null;
}

/** The clocks in the order of a review; what cannot be told says so. */
export function momentsOf(record: Pick<IncidentRecord, 'incident' | 'clocks' | 'timeline' | 'deliveries'>): Moment[] {
  const { clocks, incident } = record;
  const acknowledged = record.timeline.find(
    (entry) => entry.data['event'] === 'acknowledged' && entry.voice === 'person',
  );
  const { durations: d } = clocks;
  const took = (seconds: number | null, since: string): string | null =>
    seconds === null ? null : `${durationWords(seconds)} after ${since}`;
  const azure = incident.trackingId === null ? 'Azure' : 'Microsoft';
  const all: (Omit<Moment, 'none'> & { always?: boolean })[] = [
    { label: 'Impact started', at: clocks.impactStartedAt, voice: azure, took: null, always: true },
    {
      label: 'First communication by Microsoft',
      at: clocks.firstCommunicationAt,
      voice: azure,
      took: took(d.toCommunicate, 'impact started'),
      always: incident.trackingId !== null,
    },
    {
      label: 'First signal received',
      at: clocks.firstSignalAt,
      voice: 'Health Relay',
      took: took(d.toNotice, 'impact started'),
      always: true,
    },
    told(record, took),
    {
      label: acknowledged ? `Acknowledged by ${acknowledged.who}` : 'Acknowledged',
      at: clocks.acknowledgedAt,
      voice: 'A person',
      took: took(d.toAcknowledge, clocks.firstPageAt ? 'the page' : 'the message'),
      always: true,
    },
    {
      label: 'Mitigated',
      at: clocks.mitigatedAt,
      voice: azure,
      took: took(d.toMitigate, 'impact started'),
      always: true,
    },
    { label: 'Resolved', at: clocks.resolvedAt, voice: azure, took: took(d.toResolve, 'impact started'), always: true },
    { label: 'Post-incident review', at: clocks.reviewedAt, voice: azure, took: null },
  ];
  const none = incident.state === 'planned' || incident.state === 'active' ? 'not yet' : 'not known';
  return all.filter((moment) => moment.always === true || moment.at !== null).map((moment) => ({ ...moment, none }));
}

function told(
  { clocks, deliveries }: Pick<IncidentRecord, 'clocks' | 'deliveries'>,
  took: (seconds: number | null, since: string) => string | null,
): Omit<Moment, 'none'> & { always: boolean } {
  const paged = clocks.firstPageAt !== null || clocks.firstToldAt === null;
  const at = clocks.firstPageAt ?? clocks.firstToldAt;
  // Outcomes are written together: a channel that was told in the same moment is not who was paged.
  const counted = clocks.firstPageAt === null ? deliveries : deliveries.filter((d) => PAGERS.includes(d.type));
  const first = counted.find((d) => d.attempts.some((a) => a.outcome === 'accepted' && a.finishedAt === at));
  const by = first ? ` by ${first.destination}` : '';
  return {
    label: paged ? `First page accepted${by}` : `First message accepted${by} (nobody was paged)`,
    at,
    voice: 'Health Relay',
    took: took(clocks.durations.toNotify, 'the first signal'),
    always: true,
  };
}

/** What the incident is, less its times: label and value, never empty. */
export function factsOf(record: Pick<IncidentRecord, 'incident'>): [string, string][] {
  const { incident } = record;
  const impacts = incident.impacts.map((i) => (i.region ? `${i.service} in ${i.region}` : i.service));
  const all: [string, string | null][] = [
    ['Tracking ID', incident.trackingId],
    ['Kind', incident.kind],
    [
      'State',
      incident.stage && incident.stage.toLowerCase() !== incident.state
        ? `${incident.state} (${incident.stage})`
        : incident.state,
    ],
    ['Severity', incident.severity],
    ['Services and regions', impacts.join('; ')],
    ['Subscriptions hit', incident.subscriptionCount > 0 ? String(incident.subscriptionCount) : null],
    ['Planned end', incident.endsAt && `${clock(incident.endsAt)} UTC`],
  ];
  return all.filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== '');
}
