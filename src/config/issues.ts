/** Turns zod's issues into faults in our words, with a line and a hint. Values are never quoted. */
import { z } from 'zod';
import type { ConfigPath, Report } from './fault.ts';
import { nearest, suggest } from './suggest.ts';

type Issue = z.core.$ZodIssue;

export interface IssueOptions {
  report: Report;
  /** Where the checked value stands in the document. */
  base: ConfigPath;
  /** For "did you mean": the schema that was applied, or the known keys of its root. */
  schema: z.ZodType;
  /** Keys that are known at the root beside the schema's own. */
  alsoKnown?: readonly string[];
  value: unknown;
}

/** Reports every issue of a failed parse. */
export function reportIssues(error: z.ZodError, options: IssueOptions): void {
  for (const issue of error.issues.flatMap((one) => flatten(one, options.value))) reportIssue(issue, options);
}

function reportIssue(issue: Issue, options: IssueOptions): void {
  const { report, base } = options;
  const inside = steps(issue.path);
  const path = [...base, ...inside];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(options.schema, inside, inside.length === 0 ? (options.alsoKnown ?? []) : []);
    for (const key of issue.keys) {
      report.fault([...path, key], `unknown key "${key}"`, { hint: suggest(key, known), at: 'key' });
    }
    return;
  }
  const given = at(options.value, inside);
  if ((issue.code === 'invalid_union' || issue.code === 'custom') && unfilledBelow(given, path, report)) return;
  const allowed = allowedWords(issue);
  if (given === undefined) {
    report.fault(path, 'is missing', { hint: allowed ? `one of ${allowed.join(', ')}` : whatIsWanted(issue) });
  } else if (allowed) {
    const near = typeof given === 'string' ? nearest(given, allowed) : null;
    report.fault(path, `must be ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}`, {
      hint: near === null ? '' : `did you mean "${near}"?`,
    });
  } else {
    report.fault(path, inWords(issue));
  }
}

/**
 * A union says only "Invalid input" and hides what each branch found. We take the branch that the value was meant for:
 * one that does not already fail at its root, with the fewest issues.
 */
function flatten(issue: Issue, value: unknown): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0 || issue.message !== 'Invalid input') return [issue];
  const given = at(value, steps(issue.path));
  const branches: readonly Issue[][] = issue.errors;
  const meant = branches.filter((errors) => !errors.some((error) => failsAtRoot(error, given)));
  const best = meant.toSorted((a, b) => a.length - b.length)[0];
  // The last branch is the general one; its words are better than zod's "Invalid input".
  if (best === undefined) return [{ ...(branches.at(-1)?.[0] ?? issue), path: issue.path }];
  return best
    .map((inner): Issue => ({ ...inner, path: [...issue.path, ...inner.path] }))
    .flatMap((inner) => flatten(inner, value));
}

/** The value is of another type than the branch takes; a wrong word is still of the right type. */
function failsAtRoot(error: Issue, given: unknown): boolean {
  if (error.path.length > 0) return false;
  if (error.code === 'invalid_value') return typeof given !== 'string';
  return error.code === 'invalid_type';
}

function allowedWords(issue: Issue): string[] | null {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  const options: unknown = issue.code === 'invalid_union' ? (issue as { options?: unknown }).options : undefined;
  return Array.isArray(options) && options.length > 0 ? options.map(String) : null;
}

/** The schema's own words where it has some, ours instead of zod's general ones. */
function inWords(issue: Issue): string {
  if (!issue.message.startsWith('Invalid input')) return issue.message;
  if (issue.code !== 'invalid_type') return 'is not of a form that is known here';
  return `must be ${TYPE_WORDS[issue.expected] ?? `a ${issue.expected}`}`;
}

function whatIsWanted(issue: Issue): string {
  return issue.message.startsWith('Invalid input') && issue.code !== 'invalid_type' ? '' : inWords(issue);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text (in quotes)',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  boolean: 'true or false',
};

/** A part of this value could not be filled in, which is already reported. */
function unfilledBelow(value: unknown, path: ConfigPath, report: Report): boolean {
  if (report.isUnfilled(path)) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, item]) =>
    unfilledBelow(item, [...path, Array.isArray(value) ? Number(key) : key], report),
  );
}

function steps(path: readonly PropertyKey[]): (string | number)[] {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

function at(value: unknown, path: ConfigPath): unknown {
  let node = value;
  for (const step of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return undefined;
    node = (node as Record<string | number, unknown>)[step];
  }
  return node;
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  additionalProperties?: SchemaNode | boolean;
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
  allOf?: SchemaNode[];
}

/** Keys that a schema takes at a path, read from its JSON Schema: the only public view into a zod schema. */
function knownKeys(schema: z.ZodType, path: ConfigPath, also: readonly string[]): string[] {
  let nodes = branches(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode);
  for (const step of path) {
    nodes = nodes.flatMap((node) => {
      const rest = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
      const next = typeof step === 'number' ? node.items : (node.properties?.[step] ?? rest);
      return next === undefined ? [] : branches(next);
    });
  }
  return [...new Set([...nodes.flatMap((node) => Object.keys(node.properties ?? {})), ...also])];
}

function branches(node: SchemaNode): SchemaNode[] {
  return [node, ...[node.anyOf, node.oneOf, node.allOf].flatMap((list) => (list ?? []).flatMap(branches))];
}
