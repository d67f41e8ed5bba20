/** Reads YAML and remembers where everything stands, so that each fault can name its line. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type ParsedNode } from 'yaml';
import type { ConfigPath, Fault, Locate } from './fault.ts';

export interface YamlSource {
  /** Plain data; null when the text could not be read. */
  value: unknown;
  faults: Fault[];
  warnings: Fault[];
  locate: Locate;
}

/** How often aliases may multiply before a document is refused: a few bytes can otherwise grow to gigabytes. */
const ALIASES_MAX = 100;

/** Never throws. Duplicate keys are faults, but the rest is read all the same, so that all faults come at once. */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = (list: Document['errors'] | Document['warnings']): Fault[] =>
    list.map((problem) => ({ ...place(problem.pos[0]), path: '', ...wording(problem.code, problem.message) }));
  const faults = problems(document.errors);
  let value: unknown = null;
  if (document.errors.every((error) => error.code === 'DUPLICATE_KEY')) {
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAX });
    } catch {
      faults.push({
        ...place(0),
        path: '',
        message: 'aliases (*name) multiply too often or lead nowhere',
        hint: 'write the values out',
      });
    }
  }
  const locate: Locate = (path, at) => place(offsetOf(document, path, at));
  return { value, faults, warnings: problems(document.warnings), locate };
}

/** The library's words, less the piece of source that some messages quote: it could hold a secret. */
function wording(code: string, message: string): { message: string; hint: string } {
  if (code === 'DUPLICATE_KEY')
    return { message: 'this key stands twice in the same map', hint: 'remove one of the two' };
  const quote = message.search(/: ["'`]/);
  return { message: `not valid YAML: ${quote < 0 ? message : message.slice(0, quote)}`, hint: '' };
}

/** Where a path stands: a value if it is a scalar, else its key; for what is missing, the key of its nearest parent. */
function offsetOf(document: Document.Parsed, path: ConfigPath, at: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    const holder: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(holder)) {
      const pair = holder.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(holder) && typeof step === 'number' && step < holder.items.length) {
      node = holder.items[step];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return at === 'value' && (isScalar(node) || isAlias(node)) ? (startOf(node) ?? offset) : offset;
}

function startOf(node: unknown): number | undefined {
  return (node as ParsedNode | null | undefined)?.range?.[0];
}
