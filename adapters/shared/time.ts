/** Times for people: UTC first, as Azure writes them, then the destination's own clock. */

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const formats = new Map<string, Intl.DateTimeFormat | null>();

/**
 * `23 Nov 2026, 08:05 UTC (09:05 Europe/Berlin)`; the day is repeated where it differs there. `timezone` is an IANA
 * name; UTC or one that this runtime does not know is not said twice. Text that is no date comes back as it is.
 */
export function timeIn(at: string, timezone: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const utc = `${dayOf(date)}, ${date.toISOString().slice(11, 16)} UTC`;
  const local = localParts(date, timezone);
  if (local === null) return utc;
  const day =
    Number(local['day']) === date.getUTCDate() ? '' : `${Number(local['day'])} ${MONTHS[Number(local['month']) - 1]}, `;
  return `${utc} (${day}${local['hour']}:${local['minute']} ${timezone})`;
}

function dayOf(date: Date): string {
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

function localParts(date: Date, timezone: string): Record<string, string> | null {
  const format = formatOf(timezone);
  return format === null
    ? null
    : Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
}

/** Cached: making one costs a hundred times as much as using it. */
function formatOf(timezone: string): Intl.DateTimeFormat | null {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = makeFormat(timezone);
    formats.set(timezone, format);
  }
  return format;
}

function makeFormat(timezone: string): Intl.DateTimeFormat | null {
  if (/^(?:etc\/)?(?:utc|gmt)$/i.test(timezone)) return null;
  try {
    const fields = { day: 'numeric', month: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
    return new Intl.DateTimeFormat('en-GB', { ...fields, hourCycle: 'h23', timeZone: timezone });
  } catch {
    return null;
  }
}
