/** Bodies that we do not understand: told once per source and shape, never dropped (design 3.7). */
import { hashParts } from '#src/core/fingerprint.ts';
import { unrecognisedIdentity } from '#src/core/identity.ts';
import type { Draft, ReadContext } from './draft.ts';
import { fieldsOf, isObject, textOf } from './fields.ts';

/** Four levels tell schemas apart; deeper ones are content more often than shape. */
const DEPTH_MAX = 4;
const PATHS_MAX = 300;
/** A look at more elements of a list would make the shape depend on its length. */
const ELEMENTS_MAX = 5;

/** A draft for a value that no parser took. `reason` says why. */
export function unrecognisedDraft(value: unknown, context: ReadContext, reason: string): Draft {
  const shape = shapeHash(value);
  const keys = isObject(value) ? Object.keys(value).slice(0, 30) : [];
  const words = schemaWords(value);
  const content = keys.length > 0 ? keys.slice(0, 12).join(', ') : describe(value);
  return {
    schema: 'unknown',
    type: 'unrecognised',
    identity: unrecognisedIdentity(context.source, shape),
    kind: 'unrecognised',
    phase: 'open',
    stage: null,
    state: 'active',
    severity: 'warning',
    postHash: shape,
    title: `Unrecognised signal from ${context.source.slice(0, 100)}${words.length > 0 ? ` (${words.join(', ')})` : ''}: ${content}`,
    text: reason,
    occurredAt: [],
    details: [
      ['Source', context.source],
      ['Received through', context.door],
      ['Keys', keys.join(', ')],
      ['Schema', words.join(', ')],
    ],
    reason,
  };
}

/** Hash of the sorted key paths and of nothing else: equal for two bodies of one shape, whatever their values, those that name a schema too. */
function shapeHash(value: unknown): string {
  const paths = new Set<string>();
  collect(value, '', 0, paths);
  return hashParts([...paths].sort());
}

function collect(value: unknown, path: string, depth: number, paths: Set<string>): void {
  if (paths.size >= PATHS_MAX) return;
  if (Array.isArray(value)) {
    if (depth < DEPTH_MAX)
      for (const element of value.slice(0, ELEMENTS_MAX)) collect(element, `${path}[]`, depth + 1, paths);
    if (value.length === 0 || depth >= DEPTH_MAX) paths.add(`${path}[]`);
  } else if (isObject(value) && depth < DEPTH_MAX) {
    const keys = Object.keys(value);
    if (keys.length === 0) paths.add(`${path}{}`);
    for (const key of keys.slice(0, PATHS_MAX)) collect(value[key], `${path}/${stableKey(key)}`, depth + 1, paths);
  } else {
    // The type of a leaf counts only at the top, where there is nothing else; inside, a null may become a text.
    paths.add(path === '' ? describe(value) : path);
  }
}

/** Ids and numbers as keys are content: a map by id must not look new each time. */
function stableKey(key: string): string {
  return /^[\da-f-]{6,}$/i.test(key) || /^\d+$/.test(key) ? '*' : key.slice(0, 200);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value)
    ? `a list of ${value.length === 0 ? 'nothing' : 'values'}`
    : isObject(value)
      ? 'an object'
      : `a ${typeof value}`;
}

/** Words that name a schema where there are such: for people. A sender that makes them up must not make incidents. */
function schemaWords(value: unknown): string[] {
  if (!isObject(value)) return [];
  const fields = fieldsOf(value);
  const names = fields.has('specversion') ? ['schemaId', 'type'] : ['schemaId', 'eventType', 'category'];
  return names.map((name) => textOf(fields, name)).filter((word) => word !== null && word.length <= 150) as string[];
}
