/**
 * The record for people outside: a customer, an auditor, a status page. What Microsoft said and when, what we knew when;
 * no names of people, no subscriptions, no destinations, no names of our own resources or rules.
 */
import type { SubscriptionInfo } from '#src/config/types.ts';
import { isServiceHealth } from '#src/core/incident.ts';
import type { Kind } from '#src/core/signal.ts';
import type { Entry, IncidentRecord } from '../incidents-record.ts';

const SUBSCRIPTION_PATH = /\/subscriptions\/[0-9a-z-]{8,}(?:\/resource[a-z]+\/[^\s"'<>,;)]*)?/gi;
/** Shorter names are words that would be torn out of other words. */
const NAME_CHARS_MIN = 4;

/** Takes out what is not for others. Pure. */
export function externalRecord(record: IncidentRecord, names: ReadonlyMap<string, SubscriptionInfo>): IncidentRecord {
  const { incident } = record;
  const known = incident.subscriptions.flatMap((id) => [id, names.get(id)?.name, names.get(id)?.team]);
  const own = [...incident.resources.map((id) => id.split('/').at(-1)), ...known];
  const hide = hider(own.filter((word): word is string => typeof word === 'string' && word.length >= NAME_CHARS_MIN));
  // The title of an own alert is made of the names of rule and resource.
  const title = isServiceHealth(incident.kind as Kind) ? incident.title : 'An alert of our own';
  const headline = title === incident.title ? incident.headline : `[${incident.kind}] ${title}`;
  return {
    ...record,
    incident: {
      ...incident,
      title: hide(title),
      headline: hide(headline),
      identity: '',
      details: {},
      subscriptions: [],
      subscriptionCount: 0,
      resources: [],
    },
    timeline: record.timeline
      .flatMap((entry) => externalEntry(entry, title !== incident.title))
      .map((entry) => hide(entry)),
    deliveries: [],
    provenance: [],
    related: [],
    evidence: [],
  };
}

function externalEntry(entry: Entry, ownTitle: boolean): Entry[] {
  const { data } = entry;
  switch (entry.kind) {
    case 'communication':
      return [
        { ...entry, data: pick(data, ['communicationId', 'stage', 'title', 'severity', 'text', 'html', 'withheld']) },
      ];
    case 'state': {
      const summary = ownTitle && typeof data['stage'] === 'string' ? data['stage'] : entry.summary;
      return [
        {
          ...entry,
          summary,
          who: entry.voice === 'source' ? 'Azure' : entry.who,
          data: pick(data, ['from', 'to', 'stage']),
          changes: null,
        },
      ];
    }
    case 'scope': {
      const impacts = Array.isArray(data['impacts']) ? data['impacts'] : [];
      if (impacts.length === 0) return [];
      const summary = `Scope grew by ${impacts.length} impact${impacts.length === 1 ? '' : 's'}`;
      return [{ ...entry, summary, data: { impacts } }];
    }
    case 'note':
      if (data['event'] !== 'acknowledged') return [];
      return [
        {
          ...entry,
          summary: 'Acknowledged by our on-call',
          who: 'Our on-call',
          data: { event: 'acknowledged' },
          changes: null,
        },
      ];
    case 'decision':
    case 'attempt':
    case 'evidence':
    default:
      return [];
  }
}

function pick(data: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([key]) => keys.includes(key)));
}

/** Replaces names in every string of a value, whatever their case. */
function hider(names: readonly string[]): <T>(value: T) => T {
  const longest = [...new Set(names)].toSorted((a, b) => b.length - a.length);
  const escaped = longest.map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`));
  const pattern = escaped.length > 0 ? new RegExp(escaped.join('|'), 'gi') : null;
  const text = (value: string): string => {
    const masked = value.replaceAll(SUBSCRIPTION_PATH, '[our resource]');
    return pattern ? masked.replaceAll(pattern, '[ours]') : masked;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, walk(entry)]));
  };
  return <T>(value: T): T => walk(value) as T;
}
