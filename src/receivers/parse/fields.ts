/**
 * Tolerant access to JSON of unknown shape (azure-signals 0 to 4): keys in any case, values as text or number, objects
 * and arrays also as strings that hold JSON, enumerations also as `{ value, localizedValue }`. Only own keys count, so
 * `__proto__` and the like are plain names. Strings come out well-formed and without U+0000.
 */
import { safeText } from '#src/core/safe.ts';
import { parseJson } from './json.ts';

/** An object's own fields by lower-cased name; of two spellings the first that is not null counts. */
export type Fields = ReadonlyMap<string, unknown>;

const NONE: Fields = new Map();

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of an object or of a string that holds one; none for anything else. */
export function fieldsOf(value: unknown): Fields {
  const object = typeof value === 'string' ? parseNested(value) : value;
  if (!isObject(object)) return NONE;
  const fields = new Map<string, unknown>();
  for (const key of Object.keys(object)) {
    const name = key.toLowerCase();
    if ((fields.get(name) ?? null) === null) fields.set(name, object[key]);
  }
  return fields;
}

/** The value under the first of the names that is neither missing nor null. */
export function valueOf(fields: Fields, ...names: string[]): unknown {
  for (const name of names) {
    const value = fields.get(name.toLowerCase()) ?? null;
    if (value !== null) return value;
  }
  return null;
}

/** The fields of a nested object; none where it is missing. */
export function objectOf(fields: Fields, ...names: string[]): Fields {
  return fieldsOf(valueOf(fields, ...names));
}

/** The first of the names that holds a text, number or flag, as trimmed text; null where there is none or it is empty. */
export function textOf(fields: Fields, ...names: string[]): string | null {
  for (const name of names) {
    const text = scalarText(fields.get(name.toLowerCase()));
    if (text !== null) return text;
  }
  return null;
}

/** A list under the first of the names: an array, a string that holds one, or a single object as a list of one. */
export function listOf(fields: Fields, ...names: string[]): unknown[] {
  const value = valueOf(fields, ...names);
  const list = typeof value === 'string' ? parseNested(value) : value;
  return Array.isArray(list) ? list : isObject(list) ? [list] : [];
}

/** Texts under a name: a list of them or a single one. */
export function textsOf(fields: Fields, ...names: string[]): string[] {
  const value = valueOf(fields, ...names);
  const list = typeof value === 'string' ? (parseNested(value) ?? value) : value;
  return (Array.isArray(list) ? list : [list]).map(scalarText).filter((text) => text !== null);
}

/** The scalar fields of an object as pairs, names as written; at most `pairsMax`. */
export function pairsOf(value: unknown, pairsMax = 50): [string, string][] {
  const object = typeof value === 'string' ? parseNested(value) : value;
  if (!isObject(object)) return [];
  const pairs: [string, string][] = [];
  for (const key of Object.keys(object)) {
    const text = scalarText(object[key]);
    if (text !== null) pairs.push([safeText(key), text]);
    if (pairs.length >= pairsMax) break;
  }
  return pairs;
}

/** A scalar as trimmed text. Whole numbers are written out: an id of 18 digits must not turn into `6.3e17`. */
export function scalarText(value: unknown): string | null {
  if (typeof value === 'string') {
    const text = safeText(value).trim();
    return text === '' ? null : text;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return null;
    return Number.isInteger(value) && Math.abs(value) < 1e25 ? BigInt(value).toString() : String(value);
  }
  if (typeof value === 'boolean') return String(value);
  const inner = isObject(value) && Object.hasOwn(value, 'value') ? value['value'] : null;
  return typeof inner === 'string' ? scalarText(inner) : null;
}

/** For comparing words: lower case without spaces, dashes and underscores (`Resource Health`, `InProgress`, `In Progress`). */
export function compact(text: string | null): string {
  return (text ?? '').replaceAll(/[\s_-]+/g, '').toLowerCase();
}

/** The object or array that a string holds, also one that was quoted twice; null when it holds none. */
export function parseNested(text: string): object | null {
  const first = /^\s*([{["])/.exec(text.slice(0, 200))?.[1];
  if (first === undefined) return null;
  try {
    const value = parseJson(text);
    // Each further quoting doubles the marks of the one before, so a body ends this after some twenty.
    if (typeof value === 'string') return parseNested(value);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
