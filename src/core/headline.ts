/** The stable first part of every message about an incident (design section 6, text). */
import type { Impact, Kind } from './signal.ts';

const KIND_WORDS: Record<Kind, string> = {
  outage: 'Outage',
  maintenance: 'Maintenance',
  advisory: 'Advisory',
  security: 'Security',
  resource: 'Resource health',
  alert: 'Alert',
  change: 'Change',
  unrecognised: 'Unrecognised',
  canary: 'Canary',
};

/** Marks that turn the direction of what follows: one in a rule's name would show the tracking ID behind it backwards. */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/g;

/** `[Outage] Container Registry, West Europe +1: image pulls fail (CNT1-0AR)`; not cut. */
export function headline(incident: {
  kind: Kind;
  title: string;
  trackingId: string | null;
  impacts: readonly Impact[];
}): string {
  const first = incident.impacts[0];
  const more = incident.impacts.length > 1 ? ` +${incident.impacts.length - 1}` : '';
  const where = first ? `${first.region ? `${first.service}, ${first.region}` : first.service}${more}: ` : '';
  const id = incident.trackingId ? ` (${incident.trackingId})` : '';
  return `[${KIND_WORDS[incident.kind]}] ${where}${shortTitle(incident.title, first)}${id}`.replaceAll(TURNS, '');
}

/** Azure's titles often begin with the service and region that the headline has just said. */
function shortTitle(title: string, first: Impact | undefined): string {
  if (!first) return title;
  let rest = title;
  for (const part of [first.service, first.region]) {
    if (part && rest.toLowerCase().startsWith(`${part.toLowerCase()} - `)) rest = rest.slice(part.length + 3);
  }
  return rest.trim() === '' ? title : rest;
}
