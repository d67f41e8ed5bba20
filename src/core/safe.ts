/**
 * Makes values from outside fit for a column (design section 5): well-formed Unicode, no U+0000, plausible dates,
 * lengths cut. Pure; never throws.
 */
import { sha256Hex } from './fingerprint.ts';

/** Replaces lone surrogates and U+0000 by U+FFFD and cuts to `charsMax` UTF-16 units without splitting a pair. */
export function safeText(text: string, charsMax = Number.POSITIVE_INFINITY): string {
  let safe = text.length > charsMax ? cutUnits(text, charsMax) : text;
  if (!safe.isWellFormed()) safe = safe.toWellFormed();
  return safe.includes('\0') ? safe.replaceAll('\0', '\uFFFD') : safe;
}

/** Upper limits of a signal's fields. Characters are UTF-16 units; the `BytesMax` ones are part of database keys. */
export const LIMITS = {
  titleChars: 500,
  nameChars: 300,
  detailChars: 2000,
  textChars: 100_000,
  htmlChars: 400_000,
  detailsMax: 30,
  impactsMax: 5000,
  subscriptionsMax: 1000,
  resourcesMax: 1000,
  /** A B-tree entry of Postgres holds 2,704 bytes; subscription, service, region and resource share one. */
  subscriptionBytesMax: 100,
  serviceBytesMax: 300,
  regionBytesMax: 200,
  resourceBytesMax: 800,
  postIdBytesMax: 200,
} as const;

// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const NOT_ONE_LINE = /[^\S ]| {2}|[\u0000-\u001F\u007F-\u009F]/;

/** As `safeText`, and on one line: every run of white space and control characters becomes one space. */
export function safeLine(text: string, charsMax = Number.POSITIVE_INFINITY): string {
  // The factor leaves room for what the collapse takes away, yet bounds the work on a megabyte of text.
  const bounded = safeText(text, charsMax * 4);
  if (!NOT_ONE_LINE.test(bounded)) return safeText(bounded.trim(), charsMax);
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return safeText(bounded.replaceAll(/[\s\u0000-\u001F\u007F-\u009F]+/g, ' ').trim(), charsMax);
}

/** A text for a database key: at most `bytesMax` bytes of UTF-8; a longer one keeps its start and gets a hash, so that two stay two. */
export function safeKey(text: string, bytesMax: number): string {
  const safe = safeText(text);
  // A UTF-16 unit takes at most 3 bytes, so short texts need no counting.
  if (safe.length * 3 <= bytesMax || utf8Bytes(safe) <= bytesMax) return safe;
  const start = cutUnits(safe, Math.floor((bytesMax - 17) / 3));
  return `${start}~${sha256Hex(safe).slice(0, 16)}`;
}

/** Length in UTF-8, bytes, of well-formed text. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    // A surrogate pair is two units and four bytes.
    if (unit >= 0xd800 && unit <= 0xdfff) bytes += 1;
    else if (unit > 0x7ff) bytes += 2;
    else if (unit > 0x7f) bytes += 1;
  }
  return bytes;
}

const DAY_MS = 86_400_000;
/** Before Azure: an event time earlier than this is no event time. */
const EARLIEST_MS = Date.UTC(2010, 0, 1);
/** Clocks differ and Azure's posts may be dated a little ahead; two days is more than any time zone mistake. */
const EVENT_AHEAD_MS = 2 * DAY_MS;
/** Retirements are announced years ahead. */
const PLAN_AHEAD_MS = 10 * 366 * DAY_MS;

/** The time of something that has happened, as ISO 8601 UTC with milliseconds; null when missing or implausible seen from `receivedAt`. */
export function eventTime(value: unknown, receivedAt: string): string | null {
  return plausibleTime(value, Date.parse(receivedAt) + EVENT_AHEAD_MS);
}

/** The time of something that may be planned: as `eventTime`, and up to ten years ahead. */
export function planTime(value: unknown, receivedAt: string): string | null {
  return plausibleTime(value, Date.parse(receivedAt) + PLAN_AHEAD_MS);
}

function plausibleTime(value: unknown, latestMs: number): string | null {
  const ms = parseTimeMs(value);
  // Written so that an unreadable receipt time (NaN) refuses nothing.
  return ms === null || ms < EARLIEST_MS || ms > latestMs ? null : new Date(ms).toISOString();
}

const ISO_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?\s?(Z|[+-]\d\d:?\d\d)?$/i;
const US_TIME =
  /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:,?\s(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,12})?)?\s?(AM|PM)?)?(?:\s?(?:Z|UTC|\+00:00))?$/i;

/**
 * Milliseconds since 1970, or null. Reads ISO 8601 with any number of fraction digits (cut to milliseconds), US dates
 * as of log alerts V1, and numbers of seconds or milliseconds (azure-signals 3, 7.1). Without an offset it is UTC.
 */
export function parseTimeMs(value: unknown): number | null {
  if (typeof value === 'number') return numberTimeMs(value);
  if (typeof value !== 'string' || value.length > 50) return null;
  const text = value.trim();
  const iso = ISO_TIME.exec(text);
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, offset] = iso;
    const ms = fraction ? Number(fraction.slice(0, 3).padEnd(3, '0')) : 0;
    const local = utcMs([year, month, day, hour, minute, second], ms);
    return local === null ? null : local - offsetMs(offset);
  }
  const us = US_TIME.exec(text);
  if (us) {
    const [, month, day, year, hour, minute, second, half] = us;
    const twelve = half ? (Number(hour) % 12) + (half.toUpperCase() === 'PM' ? 12 : 0) : Number(hour ?? 0);
    return utcMs([year, month, day, String(twelve), minute, second], 0);
  }
  return /^\d{9,13}$/.test(text) ? numberTimeMs(Number(text)) : null;
}

function utcMs(parts: (string | undefined)[], ms: number): number | null {
  const [year, month, day, hour, minute, second] = parts.map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return null;
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

function offsetMs(offset: string | undefined): number {
  if (offset === undefined || offset === 'Z' || offset === 'z') return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2));
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000;
}

function numberTimeMs(value: number): number | null {
  if (value >= 1e11 && value < 1e14) return Math.trunc(value);
  return value >= 1e9 && value < 1e11 ? Math.trunc(value * 1000) : null;
}

/** First `units` UTF-16 units, one less where that would split a surrogate pair. */
function cutUnits(text: string, units: number): string {
  const last = text.charCodeAt(units - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? units - 1 : units);
}
