/**
 * Fills `${NAME}` from the environment and `${file:path}` from a file into every text of the config, also inside longer
 * texts; `$${` stands for a plain `${`. Keys are left alone.
 */
import { isAbsolute, join } from 'node:path';
import type { ConfigPath, Report } from './fault.ts';

export interface InterpolateOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; throws when it cannot be read. */
  readFile: (path: string) => string;
  /** Folder that relative paths start from: that of the config. */
  folder: string;
  report: Report;
}

export interface Interpolated {
  value: unknown;
  /** What was filled in: any of it may be a secret. */
  filledIn: string[];
}

/** Deeper than any config; stops a map that contains itself through an alias. */
const DEPTH_MAX = 40;

/** A copy of plain data with every reference filled in. What cannot be filled in is reported and left empty. */
export function interpolate(value: unknown, options: InterpolateOptions): Interpolated {
  const filledIn: string[] = [];
  const walk = (node: unknown, path: ConfigPath): unknown => {
    if (typeof node === 'string') return fill(node, { path, filledIn, options });
    if (typeof node !== 'object' || node === null) return node;
    if (path.length >= DEPTH_MAX) {
      options.report.fault(path, `is nested deeper than ${DEPTH_MAX} levels`);
      return null;
    }
    if (Array.isArray(node)) return node.map((item: unknown, index) => walk(item, [...path, index]));
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return { value: walk(value, []), filledIn };
}

/** A path from the config, seen from the config's folder. */
export function besideConfig(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

interface FillContext {
  path: ConfigPath;
  filledIn: string[];
  options: InterpolateOptions;
}

function fill(text: string, context: FillContext): string {
  if (!text.includes('${')) return text;
  return text.replaceAll(REFERENCE, (whole: string, inner: string | undefined) => {
    if (inner === undefined) return '${';
    const value = whole.endsWith('}') ? resolve(inner.trim(), context) : misread(context);
    if (value !== '') context.filledIn.push(value);
    return value;
  });
}

function resolve(reference: string, { path, options, filledIn }: FillContext): string {
  const { env, report, folder, readFile } = options;
  if (reference.startsWith('file:')) {
    const file = reference.slice('file:'.length);
    try {
      const text = readFile(besideConfig(file, folder))
        .replace(/^\uFEFF/, '')
        .replace(/[\r\n]+$/, '');
      if (text !== '') return text;
      report.unfilled(path, `the file ${JSON.stringify(file)} is empty`);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      report.unfilled(path, `cannot read the file ${JSON.stringify(file)} (${code})`, {
        hint: 'paths start from the folder of the config',
      });
    }
    return '';
  }
  if (!NAME.test(reference)) return misread({ path, options, filledIn });
  const value = Object.hasOwn(env, reference) ? env[reference] : undefined;
  if (value !== undefined && value !== '') return value;
  const state = value === undefined ? 'not set' : 'empty';
  report.unfilled(path, `the environment variable ${reference} is ${state}`, {
    hint: 'set it, or write $${ for a plain ${',
  });
  return '';
}

function misread({ path, options }: FillContext): string {
  options.report.unfilled(path, 'holds a ${...} that is neither ${NAME} nor ${file:path}', {
    hint: 'write $${ for a plain ${',
  });
  return '';
}
