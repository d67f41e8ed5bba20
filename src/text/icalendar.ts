/**
 * Writes iCalendar text (RFC 5545): escaped values, lines folded at 75 octets, CRLF. Only what a feed of events needs; the
 * caller says which properties there are.
 */

/** Without the line end; a continuation line counts its leading blank (RFC 5545, 3.1). */
const LINE_OCTETS_MAX = 75;

/** A value as it stands after the colon. */
export type CalendarValue = { raw: string };

export interface CalendarProperty {
  /** With its parameters: `DTSTART;VALUE=DATE`. */
  name: string;
  value: CalendarValue;
}

/** Free text (RFC 5545, 3.3.11); control characters other than the line end go. */
export function text(value: string): CalendarValue {
  return {
    raw: value
      .replaceAll(/\r\n?/g, '\n')
      .replaceAll(/[^\P{Cc}\n]/gu, ' ')
      .replaceAll(/[\\;,]/g, (character) => `\\${character}`)
      .replaceAll('\n', '\\n'),
  };
}

/** A moment in UTC, to the second (RFC 5545, 3.3.5). */
export function utc(iso: string): CalendarValue {
  return { raw: `${iso.slice(0, 19).replaceAll(/[-:]/g, '')}Z` };
}

/** A day, of the moment in UTC, and so many days later (RFC 5545, 3.3.4). */
export function day(iso: string, later = 0): CalendarValue {
  const ms = Date.parse(iso) + later * 86_400_000;
  return { raw: new Date(ms).toISOString().slice(0, 10).replaceAll('-', '') };
}

/** A number, a word of the standard, an address: nothing that would need an escape. */
export function word(value: string | number): CalendarValue {
  return { raw: String(value).replaceAll(/[\p{Cc}\s]/gu, '') };
}

/** A component with its properties and inner components, without the last line end. */
export function component(
  name: string,
  properties: readonly CalendarProperty[],
  inner: readonly string[] = [],
): string {
  return [
    `BEGIN:${name}`,
    ...properties.map((property) => fold(`${property.name}:${property.value.raw}`)),
    ...inner,
    `END:${name}`,
  ].join('\r\n');
}

/** Never within a character. */
function fold(line: string): string {
  if (Buffer.byteLength(line) <= LINE_OCTETS_MAX) return line;
  const lines: string[] = [];
  let [current, octets] = ['', 0];
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (octets + size > LINE_OCTETS_MAX) {
      lines.push(current);
      [current, octets] = [' ', 1];
    }
    current += character;
    octets += size;
  }
  return [...lines, current].join('\r\n');
}
