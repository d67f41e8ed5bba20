/**
 * A strict reader of iCalendar (RFC 5545), written from the standard and sharing nothing with the writer: works on octets, refuses
 * what the grammar does not allow, and checks what a published event must have.
 */

export interface ReadProperty {
  name: string;
  parameters: Record<string, string>;
  /** Unescaped where the property is TEXT. */
  value: string;
}

export interface ReadComponent {
  name: string;
  properties: ReadProperty[];
  components: ReadComponent[];
}

const TEXT = ['UID', 'SUMMARY', 'DESCRIPTION', 'CATEGORIES', 'LOCATION', 'PRODID', 'X-WR-CALNAME', 'TZID'];
const ONCE = [
  'UID',
  'DTSTAMP',
  'DTSTART',
  'DTEND',
  'SEQUENCE',
  'STATUS',
  'SUMMARY',
  'DESCRIPTION',
  'URL',
  'TRANSP',
  'LAST-MODIFIED',
  'LOCATION',
];
const LINE = /^([A-Z][A-Z0-9-]*)((?:;[A-Z][A-Z0-9-]*=[^";:,]+)*):(.*)$/s;
const UTC = /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])[0-5]\d([0-5]\d|60)Z$/;
const DATE = /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/;

/** The calendar, or an error that says which rule was broken. */
export function readCalendar(octets: Uint8Array): ReadComponent {
  const lines = logicalLines(octets);
  const stack: ReadComponent[] = [];
  let root: ReadComponent | null = null;
  for (const line of lines) {
    const property = readLine(line);
    if (property.name === 'BEGIN') {
      const made: ReadComponent = { name: property.value, properties: [], components: [] };
      if (stack.length === 0 && root !== null) throw new Error('two calendars in one stream');
      stack.at(-1)?.components.push(made);
      root ??= made;
      stack.push(made);
    } else if (property.name === 'END') {
      const closed = stack.pop();
      if (closed?.name !== property.value) throw new Error(`END:${property.value} closes ${closed?.name ?? 'nothing'}`);
    } else {
      const open = stack.at(-1);
      if (!open) throw new Error(`${property.name} stands outside of every component`);
      // Calendar properties stand before its components (RFC 5545, 3.6).
      if (open.components.length > 0) throw new Error(`${property.name} stands after a component`);
      open.properties.push(property);
    }
  }
  if (stack.length > 0 || root === null) throw new Error('a component is not closed');
  checkCalendar(root);
  return root;
}

export function valueOf(component: ReadComponent, name: string): string | undefined {
  return component.properties.find((property) => property.name === name)?.value;
}

/** Splits at CRLF, checks every physical line, then unfolds on octets. */
function logicalLines(octets: Uint8Array): string[] {
  const strict = new TextDecoder('utf-8', { fatal: true });
  const physical: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at < octets.length; at++) {
    if (octets[at] === 0x0a) throw new Error('a line feed without a carriage return');
    if (octets[at] !== 0x0d) continue;
    if (octets[at + 1] !== 0x0a) throw new Error('a carriage return without a line feed');
    physical.push(octets.subarray(from, at));
    from = at + 2;
    at += 1;
  }
  if (from !== octets.length) throw new Error('the last line has no end');
  const logical: string[] = [];
  for (const line of physical) {
    if (line.length > 75) throw new Error(`a line of ${line.length} octets`);
    if (line.length === 0) throw new Error('an empty line');
    // Each physical line must be whole characters: readers that unfold after decoding would break otherwise.
    const text = strict.decode(line);
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    if (/[\u0000-\u0008\u000A-\u001F\u007F]/.test(text)) throw new Error('a control character');
    if (!text.startsWith(' ') && !text.startsWith('\t')) logical.push(text);
    else if (logical.length === 0) throw new Error('the first line is a continuation');
    else logical[logical.length - 1] += text.slice(1);
  }
  return logical;
}

function readLine(line: string): ReadProperty {
  const match = LINE.exec(line);
  if (!match) throw new Error(`no content line: ${line}`);
  const [, name = '', rest = '', value = ''] = match;
  const pairs = rest
    .split(';')
    .slice(1)
    .map((part) => part.split('=') as [string, string]);
  return { name, parameters: Object.fromEntries(pairs), value: TEXT.includes(name) ? unescaped(name, value) : value };
}

function unescaped(name: string, value: string): string {
  if (/(^|[^\\])(\\\\)*[,;]/.test(value)) throw new Error(`${name} has a bare comma or semicolon: ${value}`);
  return value.replaceAll(/\\(.?)/gs, (_, character: string) => {
    if (character === 'n' || character === 'N') return '\n';
    if (!['\\', ',', ';'].includes(character)) throw new Error(`${name} has the escape \\${character}`);
    return character;
  });
}

function checkCalendar(calendar: ReadComponent): void {
  if (calendar.name !== 'VCALENDAR') throw new Error(`a stream of ${calendar.name}`);
  if (valueOf(calendar, 'VERSION') !== '2.0' || !valueOf(calendar, 'PRODID')) throw new Error('no VERSION or PRODID');
  if (calendar.components.length === 0) throw new Error('a calendar without a component');
  const uids = new Set<string>();
  for (const event of calendar.components.filter((one) => one.name === 'VEVENT')) {
    for (const name of ONCE) {
      const count = event.properties.filter((property) => property.name === name).length;
      if (count > 1) throw new Error(`${name} stands ${count} times`);
    }
    const uid = valueOf(event, 'UID');
    if (!uid || uids.has(uid)) throw new Error(`UID ${uid} is missing or stands twice`);
    uids.add(uid);
    if (!UTC.test(valueOf(event, 'DTSTAMP') ?? '')) throw new Error('DTSTAMP is no UTC time');
    if (!/^\d+$/.test(valueOf(event, 'SEQUENCE') ?? '')) throw new Error('SEQUENCE is no number');
    if (!['TENTATIVE', 'CONFIRMED', 'CANCELLED'].includes(valueOf(event, 'STATUS') ?? '')) throw new Error('STATUS');
    checkSpan(event);
  }
}

function checkSpan(event: ReadComponent): void {
  const [start, end] = ['DTSTART', 'DTEND'].map((name) => event.properties.find((one) => one.name === name));
  if (!start) throw new Error('no DTSTART');
  for (const one of [start, end]) {
    if (!one) continue;
    if (!(one.parameters['VALUE'] === 'DATE' ? DATE : UTC).test(one.value)) throw new Error(`${one.name} ${one.value}`);
  }
  if (!end) return;
  if (end.parameters['VALUE'] !== start.parameters['VALUE']) throw new Error('DTSTART and DTEND are of two types');
  if (end.value <= start.value) throw new Error('DTEND is not later than DTSTART');
}
