/**
 * JSON text of a record: whole for the fingerprint, and without the fields that are never kept (design section 2). The
 * platform's serialiser recurses and fails on JSON nested some thousand levels deep, so there is a second one that does not.
 */

/** Tokens, personal data and addresses of callers. Compared without case, at any depth. */
const REMOVED = new Set(['claims', 'authorization', 'httprequest', 'caller', 'calleripaddress', 'identity']);
const NAMES_REMOVED = /"(?:claims|authorization|httprequest|caller|calleripaddress|identity)\\*"\s*:/i;

/** A bare whole number of 16 digits or more, which a double may not hold. May stand in a text as well: then the slower way finds nothing. */
const LONG_NUMBER = /[:[,]\s*-?\d{16}/;

/**
 * `JSON.parse`, but a whole number that a double cannot hold comes out as the text of its digits: communication ids are
 * up to 18 digits long, and two that differ in the last one are two posts (azure-signals 1.1). Throws a SyntaxError.
 */
export function parseJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  try {
    return parseWithSource(text, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
        ? source
        : value,
    );
  } catch (error) {
    // The way with a function recurses, and fails on JSON nested some thousand levels deep.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

/** The library's types do not know yet what the third argument holds. */
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/** The JSON text of a parsed value. Never throws; a value that is no JSON gives `NOT_JSON`. */
export function jsonText(value: unknown): string {
  return serialise(value, false);
}

/** Stands in for a value that was never JSON (a cycle, a BigInt); such a value can only come from our own code. */
export const NOT_JSON = '"[not JSON]"';

/** The record's JSON text for storage: without the removed fields, and fit for `text` and `jsonb` columns of Postgres. */
export function storedText(value: unknown, json: string): string {
  return withoutBadEscapes(NAMES_REMOVED.test(json) ? serialise(value, true) : json);
}

function serialise(value: unknown, remove: boolean): string {
  try {
    return JSON.stringify(remove ? scrub(value) : value) ?? 'null';
  } catch (error) {
    // RangeError: nested too deep for the stack.
    return error instanceof RangeError ? serialiseDeep(value, remove) : NOT_JSON;
  }
}

/** A copy without the removed fields; cheaper than a replacer function, which would be called for every value. */
function scrub(value: unknown): unknown {
  if (typeof value === 'string') return keepText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(scrub);
  // Without a prototype, for `__proto__` is a name like any other here.
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value)) {
    if (!isRemoved(key)) copy[key] = scrub((value as Record<string, unknown>)[key]);
  }
  return copy;
}

function isRemoved(key: string): boolean {
  // `claims` and `callerIpAddress` are the shortest and the longest.
  return key.length >= 6 && key.length <= 15 && REMOVED.has(key.toLowerCase());
}

/** JSON inside a string may name the removed fields as well. */
function keepText(text: string): string {
  const first = /\S/.exec(text)?.[0];
  if ((first !== '{' && first !== '[' && first !== '"') || !NAMES_REMOVED.test(text)) return text;
  try {
    return JSON.stringify(scrub(parseJson(text)));
  } catch {
    // What begins with a quotation mark and is no JSON is a sentence, unless it is JSON that was quoted and then cut.
    return /^[\s"\\]*[{[]/.test(text) ? '[removed: unreadable text that names a caller]' : text;
  }
}

interface Frame {
  /** Null for an array. */
  keys: string[] | null;
  values: Record<string, unknown> | unknown[];
  next: number;
  first: boolean;
}

/** As JSON.stringify, with an own stack in place of recursion. */
function serialiseDeep(root: unknown, remove: boolean): string {
  const parts: string[] = [];
  const stack: Frame[] = [];
  const write = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) {
      parts.push(JSON.stringify(remove && typeof value === 'string' ? keepText(value) : value) ?? 'null');
    } else {
      const isArray = Array.isArray(value);
      parts.push(isArray ? '[' : '{');
      stack.push({ keys: isArray ? null : Object.keys(value), values: value as Frame['values'], next: 0, first: true });
    }
  };
  write(root);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const { keys, values, next } = frame;
    const length = keys === null ? (values as unknown[]).length : keys.length;
    if (next >= length) {
      parts.push(keys === null ? ']' : '}');
      stack.pop();
      continue;
    }
    frame.next += 1;
    if (keys !== null && remove && isRemoved(keys[next]!)) continue;
    if (!frame.first) parts.push(',');
    frame.first = false;
    if (keys !== null) parts.push(`${JSON.stringify(keys[next])}:`);
    write(keys === null ? (values as unknown[])[next] : (values as Record<string, unknown>)[keys[next]!]);
  }
  return parts.join('');
}

/** `jsonb` refuses U+0000 and lone surrogates even as escapes; a pair is never written as an escape, so each escape is a lone one. */
function withoutBadEscapes(json: string): string {
  if (!json.includes('\\u0000') && !json.includes('\\ud')) return json;
  return json.replaceAll(/\\(?:u(?:0000|d[89a-f][\da-f]{2})|.)/g, (escape) => (escape.length > 2 ? '\\ufffd' : escape));
}
