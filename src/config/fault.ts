/** What is wrong with a config, where, and what to do about it. */

/** Steps into the document: keys of maps, positions in lists. */
export type ConfigPath = readonly (string | number)[];

export interface Fault {
  /** Both from 1. */
  line: number;
  column: number;
  /** As in `routes[0].to[0]`; empty for the document itself. */
  path: string;
  /** What is wrong. Never holds the value of a secret. */
  message: string;
  /** What to do about it; empty when the message says it all. */
  hint: string;
}

/** Collects faults and warnings against paths; the place in the file is looked up once. */
export interface Report {
  readonly faults: Fault[];
  readonly warnings: Fault[];
  fault(path: ConfigPath, message: string, options?: ReportOptions): void;
  warn(path: ConfigPath, message: string, options?: ReportOptions): void;
  /** A value that could not be filled in: later faults at the same place would only repeat it. */
  unfilled(path: ConfigPath, message: string, options?: ReportOptions): void;
  isUnfilled(path: ConfigPath): boolean;
}

interface ReportOptions {
  hint?: string;
  /** Point at the key and not at its value. */
  at?: 'key' | 'value';
}

export type Locate = (path: ConfigPath, at: 'key' | 'value') => { line: number; column: number };

/** A report that finds places with `locate`. */
export function createReport(locate: Locate): Report {
  const faults: Fault[] = [];
  const warnings: Fault[] = [];
  const unfilled = new Set<string>();
  const entry = (path: ConfigPath, message: string, options: ReportOptions): Fault => ({
    ...locate(path, options.at ?? 'value'),
    path: pathText(path),
    message,
    hint: options.hint ?? '',
  });
  return {
    faults,
    warnings,
    fault(path, message, options = {}) {
      const fault = entry(path, message, options);
      if (options.at !== 'key' && unfilled.has(fault.path)) return;
      faults.push(fault);
    },
    warn(path, message, options = {}) {
      warnings.push(entry(path, message, options));
    },
    unfilled(path, message, options = {}) {
      const fault = entry(path, message, options);
      unfilled.add(fault.path);
      faults.push(fault);
    },
    isUnfilled: (path) => unfilled.has(pathText(path)),
  };
}

/** `routes[0].to[0]`; keys that are no plain words stand in brackets and quotes. */
export function pathText(path: ConfigPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${quoted(step)}]`;
  }
  return text;
}

/** A value from the file inside a message: in quotes, at most 60 characters. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

/** One line per fault, in the order of the file: `relay.yaml:12:9 routes[0].to[0]: unknown destination "oncal"; did you mean "oncall"?` */
export function formatFaults(faults: readonly Fault[], file: string): string {
  return faults
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, path, message, hint }) => {
      const place = path === '' ? '' : ` ${path}`;
      return `${file}:${line}:${column}${place}: ${message}${hint === '' ? '' : `; ${hint}`}`;
    })
    .join('\n');
}
