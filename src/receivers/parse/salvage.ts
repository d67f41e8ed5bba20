/**
 * The last look at a body that no parser took: whatever names a tracking ID or Service Health anywhere becomes that
 * incident with what could be read (design 3.7). Walks with an own list, so depth costs no stack; linear in the size.
 */
import { detect } from './detect.ts';
import { compact, fieldsOf, isObject, parseNested, scalarText, type Fields } from './fields.ts';

export interface Found {
  /** What gave it away, for the reason. */
  how: string;
  /** The object with the find, what it holds one level down, and the objects around it, nearest first. */
  fields: Fields;
}

/** The first message of a known schema inside another envelope; null without one. */
export function findMessage(root: unknown): Record<string, unknown> | null {
  for (const { value, parent } of walk(root)) {
    if (parent !== null && isObject(value) && detect(fieldsOf(value)) !== null) return value;
  }
  return null;
}

/**
 * The elements of the lists of an object of no known schema, where they hold several messages: a list of the events API,
 * or what a sender of one's own has collected. Null where they do not; then {@link findMessage} finds the only one.
 */
export function listedMessages(value: Record<string, unknown>): unknown[] | null {
  const lists = Object.values(value).filter((inner) => Array.isArray(inner));
  const found = lists.map((list) => ({ list, keys: list.map(messageKey).filter((key) => key !== null) }));
  const keys = found.flatMap((entry) => entry.keys);
  if (new Set(keys).size < 2 || eventId(value) !== null || detect(fieldsOf(value)) !== null) return null;
  return found.filter((entry) => entry.keys.length > 0).flatMap((entry) => entry.list);
}

/** What tells a message from its neighbours: each known one counts by itself, rows about one event count once. */
function messageKey(element: unknown): unknown {
  const value = typeof element === 'string' ? parseNested(element) : element;
  if (!isObject(value)) return null;
  return detect(fieldsOf(value)) === null ? (eventId(value)?.toLowerCase() ?? null) : value;
}

function eventId(value: Record<string, unknown>): string | null {
  return named(value, 'trackingid') ?? eventName(value);
}

const TRACKING_TEXT = /\btracking[\s_-]?id\b[^a-z\d]{1,10}([a-z\d_]{4}-[a-z\d_]{3})\b/i;

/** A tracking ID as a field, else a Service Health operation, else a tracking ID in running text; null without any. */
export function findHealthEvent(root: unknown): Found | null {
  let operation: Node | null = null;
  let told: Found | null = null;
  for (const node of walk(root)) {
    const { value } = node;
    if (isObject(value)) {
      const id = eventId(value);
      if (id !== null) return { how: 'a tracking ID', fields: gather(node, new Map([['trackingid', id]])) };
      if (saysServiceHealth(value)) operation ??= node;
    } else if (typeof value === 'string' && told === null) {
      const id = TRACKING_TEXT.exec(value)?.[1];
      const own = new Map([
        ['trackingid', id],
        ['communication', value],
      ]);
      if (id !== undefined) told = { how: 'a tracking ID in a text', fields: gather(node, own) };
    }
  }
  return operation === null ? told : { how: 'the name of Service Health', fields: gather(operation, new Map()) };
}

const EVENT_ID = /\/providers\/microsoft\.resourcehealth\/events\/([^/\s]{1,100})(?:\/|$)/i;

/** A row of the events API or of Resource Graph that somebody forwards: the tracking ID is the name of the event (azure-signals 1.3). */
function eventName(value: Record<string, unknown>): string | null {
  return EVENT_ID.exec(named(value, 'id')?.slice(0, 2000) ?? '')?.[1] ?? null;
}

function saysServiceHealth(value: Record<string, unknown>): boolean {
  if (named(value, 'operationname')?.toLowerCase().startsWith('microsoft.servicehealth/')) return true;
  return ['eventsource', 'monitoringservice', 'category'].some((key) => compact(named(value, key)) === 'servicehealth');
}

/** The text under a key, whatever its case, spaces, dashes and underscores. */
function named(object: Record<string, unknown>, name: string): string | null {
  for (const key of Object.keys(object)) {
    if (key.length <= 40 && compact(key) === name) return scalarText(object[key]);
  }
  return null;
}

interface Node {
  value: unknown;
  parent: Node | null;
  /** How many strings were opened on the way. */
  opened: number;
}

/** JSON in a string in a string is seen; more is not worth the time. */
const OPENED_MAX = 3;

/** Every object, array and longer string, outer ones first; JSON in strings is opened. */
function* walk(root: unknown): Generator<Node> {
  const queue: Node[] = [{ value: root, parent: null, opened: 0 }];
  for (let i = 0; i < queue.length; i += 1) {
    const node = queue[i]!;
    yield node;
    if (typeof node.value !== 'object' || node.value === null) continue;
    for (const inner of Object.values(node.value)) {
      if (typeof inner === 'object' && inner !== null) queue.push({ value: inner, parent: node, opened: node.opened });
      // Shorter than `tracking id AAAA-BBB` and the shortest JSON that names one.
      if (typeof inner !== 'string' || inner.length < 16) continue;
      const json = node.opened < OPENED_MAX ? parseNested(inner) : null;
      queue.push({ value: json ?? inner, parent: node, opened: node.opened + (json === null ? 0 : 1) });
    }
  }
}

/** At most 20 levels around the find: the envelope of every known message is four. */
const LEVELS_MAX = 20;

function gather(node: Node, fields: Map<string, unknown>): Fields {
  let level: Node | null = node;
  for (let i = 0; level !== null && i < LEVELS_MAX; i += 1, level = level.parent) {
    const own = isObject(level.value) ? fieldsOf(level.value) : new Map<string, unknown>();
    addMissing(fields, own);
    if (i === 0) for (const inner of own.values()) addMissing(fields, isObject(inner) ? fieldsOf(inner) : new Map());
  }
  return fields;
}

function addMissing(fields: Map<string, unknown>, more: Fields): void {
  for (const [name, value] of more) if ((fields.get(name) ?? null) === null) fields.set(name, value);
}
