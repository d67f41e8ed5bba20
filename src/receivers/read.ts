/**
 * The one way in for JSON of any shape from any door (azure-signals 1 to 4): envelopes are opened, each message becomes
 * one signal, and what nobody understands becomes a signal as well.
 */
import type { Signal } from '#src/core/signal.ts';
import { toSignal, type Draft, type ReadContext } from './parse/draft.ts';
import { isObject, parseNested } from './parse/fields.ts';
import { jsonText, NOT_JSON } from './parse/json.ts';
import { readRecord } from './parse/record.ts';
import { listedMessages } from './parse/salvage.ts';
import { unrecognisedDraft } from './parse/unrecognised.ts';

/** Beyond this many elements of one body, those that we do not understand share one signal: half a million zeros are one piece of news. */
const SINGLE_MAX = 1000;
/** Arrays and `records` inside each other: Event Hubs batches of Event Grid arrays need two levels. */
const NESTING_MAX = 4;

interface Element {
  value: unknown;
  /** Set where the element is known to hold nothing. */
  empty: string | null;
}

/**
 * Signals of a parsed body, at least one, in the body's order. Never throws. An array, `{ records }` or an unknown
 * envelope around several messages gives one signal per element; an empty one gives an unrecognised signal that says so.
 */
export function readSignals(body: unknown, context: ReadContext): Signal[] {
  const elements: Element[] = [];
  expand(body, 0, elements);
  const signals: Signal[] = [];
  const rest: unknown[] = [];
  for (const [index, { value, empty }] of elements.entries()) {
    const json = jsonText(value);
    const read = empty === null ? attempt(value, json) : { draft: null, reason: empty };
    if (read.draft === null && index >= SINGLE_MAX) rest.push(value);
    else signals.push(finish(read, { value, json }, context));
  }
  if (rest.length > 0) {
    const reason = `${rest.length} further elements of one body were not understood`;
    signals.push(finish({ draft: null, reason }, { value: rest, json: jsonText(rest) }, context));
  }
  return signals;
}

function expand(value: unknown, depth: number, elements: Element[]): void {
  const opened = typeof value === 'string' && depth < NESTING_MAX ? (parseNested(value) ?? value) : value;
  const list = listIn(opened, depth);
  if (list === null) elements.push({ value: opened, empty: null });
  else if (list.length === 0) elements.push({ value: opened, empty: 'an empty list' });
  else for (const element of list) expand(element, depth + 1, elements);
}

/**
 * The elements of an array, of `{ records: [...] }` or of an unknown envelope around several messages. An inner array
 * counts only if it holds objects: `[1, 2]` is one odd value.
 */
function listIn(value: unknown, depth: number): unknown[] | null {
  if (depth >= NESTING_MAX) return null;
  if (Array.isArray(value)) return depth === 0 || value.length === 0 || value.some(isObject) ? value : null;
  if (!isObject(value) || Object.hasOwn(value, 'schemaId')) return null;
  const key = Object.keys(value).find((name) => name.toLowerCase() === 'records');
  const records = key === undefined ? null : value[key];
  return Array.isArray(records) ? records : listedMessages(value);
}

interface Read {
  draft: Draft | null;
  /** Why there is no draft. */
  reason: string;
}

/** A parser that throws is a bug of ours, and no reason to lose the news. */
function attempt(value: unknown, json: string): Read {
  if (json === NOT_JSON) return { draft: null, reason: 'not JSON' };
  try {
    return { draft: readRecord(value), reason: 'no known schema' };
  } catch (error) {
    return { draft: null, reason: `could not be read: ${error instanceof Error ? error.message : 'unknown error'}` };
  }
}

function finish(read: Read, record: { value: unknown; json: string }, context: ReadContext): Signal {
  try {
    const draft = read.draft ?? unrecognisedDraft(record.value, context, read.reason);
    return toSignal(draft, record, context);
  } catch (error) {
    return lastResort(context, error instanceof Error ? error.message : 'unknown error');
  }
}

/** Depends on nothing in the record: what cannot even be written down is still told. */
function lastResort(context: ReadContext, message: string): Signal {
  const reason = `could not be kept: ${message}`;
  const draft = unrecognisedDraft(null, context, reason);
  return toSignal(draft, { value: null, json: JSON.stringify([context.receivedAt, reason]) }, context);
}
