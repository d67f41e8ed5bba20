/** Deadlines as an iCalendar feed. Without METHOD: then DTSTAMP is the time of the last change (RFC 5545, 3.8.7.2), and the text is stable. */
import { component, day, text, utc, word, type CalendarProperty } from '#src/text/icalendar.ts';
import type { DeadlineAnswer } from './deadlines.ts';

export interface CalendarOptions {
  relayId: string;
  /** Base of links; null: none. */
  publicUrl: string | null;
}

const REFRESH = 'PT6H';
const NAMED_MAX = 20;

/** The whole calendar. The same deadlines give the same text. */
export function calendarOf(deadlines: readonly DeadlineAnswer[], options: CalendarOptions): string {
  const head: CalendarProperty[] = [
    { name: 'VERSION', value: word('2.0') },
    { name: 'PRODID', value: text('-//Health Relay//Deadlines//EN') },
    { name: 'CALSCALE', value: word('GREGORIAN') },
    { name: 'X-WR-CALNAME', value: text('Azure deadlines') },
    { name: 'REFRESH-INTERVAL;VALUE=DURATION', value: word(REFRESH) },
    { name: 'X-PUBLISHED-TTL', value: word(REFRESH) },
  ];
  const events = deadlines.map((one) => component('VEVENT', propertiesOf(one, options)));
  // A calendar must hold a component (RFC 5545, 3.6): a time zone does no harm.
  return `${component('VCALENDAR', head, events.length > 0 ? events : [utcZone()])}\r\n`;
}

function propertiesOf(one: DeadlineAnswer, { relayId, publicUrl }: CalendarOptions): CalendarProperty[] {
  const regions = [...new Set(one.impacts.map((impact) => impact.region))].filter((region) => region !== '');
  const all: (CalendarProperty | null)[] = [
    // By Azure's own id: it outlives our database.
    { name: 'UID', value: text(`${(one.trackingId ?? one.id).toLowerCase()}@${relayId}.health-relay`) },
    { name: 'DTSTAMP', value: utc(one.updatedAt) },
    { name: 'LAST-MODIFIED', value: utc(one.updatedAt) },
    { name: 'SEQUENCE', value: word(one.revision - 1) },
    { name: 'STATUS', value: word(one.status === 'cancelled' ? 'CANCELLED' : 'CONFIRMED') },
    ...(one.kind === 'maintenance' ? window(one) : wholeDay(one)),
    // Nobody is busy because of it.
    { name: 'TRANSP', value: word('TRANSPARENT') },
    { name: 'SUMMARY', value: text(one.headline) },
    { name: 'DESCRIPTION', value: text(descriptionOf(one)) },
    { name: 'CATEGORIES', value: text(one.kind) },
    regions.length === 0 ? null : { name: 'LOCATION', value: text(regions.slice(0, NAMED_MAX).join(', ')) },
    publicUrl === null ? null : { name: 'URL', value: word(`${publicUrl}/incidents/${encodeURIComponent(one.id)}`) },
  ];
  return all.filter((property) => property !== null);
}

function window({ at, until }: DeadlineAnswer): CalendarProperty[] {
  const start = { name: 'DTSTART', value: utc(at) };
  return until === null ? [start] : [start, { name: 'DTEND', value: utc(until) }];
}

/** A retirement has a day and no hour. */
function wholeDay({ at }: DeadlineAnswer): CalendarProperty[] {
  return [
    { name: 'DTSTART;VALUE=DATE', value: day(at) },
    { name: 'DTEND;VALUE=DATE', value: day(at, 1) },
  ];
}

function descriptionOf(one: DeadlineAnswer): string {
  const services = [...new Set(one.impacts.map((impact) => impact.service))].slice(0, NAMED_MAX);
  const lines = [
    one.title,
    one.status === 'cancelled' ? 'Cancelled.' : '',
    services.length === 0 ? '' : `Services: ${services.join(', ')}`,
    `Our resources: ${one.affected}`,
    one.owners.length === 0 ? '' : `Owners: ${one.owners.slice(0, NAMED_MAX).join(', ')}`,
    one.trackingId === null ? '' : `Tracking ID: ${one.trackingId}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function utcZone(): string {
  const standard = component('STANDARD', [
    { name: 'DTSTART', value: word('19700101T000000') },
    { name: 'TZOFFSETFROM', value: word('+0000') },
    { name: 'TZOFFSETTO', value: word('+0000') },
  ]);
  return component('VTIMEZONE', [{ name: 'TZID', value: word('UTC') }], [standard]);
}
