/** Parameter files must give what their Bicep file asks for, and nothing else. Only names are compared. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isOptional } from './modules.ts';
import type { Bicep, Fault } from './syntax.ts';

/** Looks at `x.parameters.json` beside `x.bicep`, and at each `.bicepparam` there that uses it. */
export function parameterFileFaults(bicep: Bicep): Fault[] {
  const folder = dirname(bicep.file);
  return readdirSync(folder).flatMap((name) => {
    const file = join(folder, name);
    const given = namesIn(file, basename(bicep.file));
    return given === null ? [] : compare(bicep, file, given);
  });
}

/** Names that a parameter file gives; null when it is none of this Bicep file. */
function namesIn(file: string, bicepName: string): string[] | null {
  if (basename(file) === bicepName.replace(/\.bicep$/, '.parameters.json')) {
    return Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { parameters: Record<string, unknown> }).parameters);
  }
  if (!file.endsWith('.bicepparam')) return null;
  // The grammar does not know parameter files, so their text has to do.
  const text = readFileSync(file, 'utf8');
  if (/^using '([^']+)'/m.exec(text)?.[1] !== bicepName) return null;
  return [...text.matchAll(/^param (\w+) =/gm)].map(([, name]) => name ?? '');
}

function compare(bicep: Bicep, file: string, given: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  const report = (message: string): void => void faults.push({ file, line: 1, column: 1, rule: 'parameters', message });
  for (const name of given) {
    if (bicep.declared.get(name)?.kind !== 'parameter') report(`${name} is no parameter of ${basename(bicep.file)}`);
  }
  for (const [name, declaration] of bicep.declared) {
    if (declaration.kind === 'parameter' && !isOptional(declaration) && !given.includes(name))
      report(`${name} is not given`);
  }
  return faults;
}
