/**
 * Offline check of Bicep: syntax, names, modules, property names, habits (azure-local 6). It is no compiler: it knows no
 * types of values, no scopes and no limits of Azure. The real CLI runs in the manual job of the CI workflow.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { habitFaults } from './habits.ts';
import { moduleFaults } from './modules.ts';
import { nameFaults } from './names.ts';
import { parameterFileFaults } from './parameter-file.ts';
import { policyFaults } from './policy.ts';
import { propertyFaults, type Snapshot } from './properties.ts';
import { parseBicep, syntaxFaults, type Bicep, type Fault } from './syntax.ts';

export interface CheckResult {
  /** Files that were looked at, sorted. */
  files: string[];
  /** Policy definitions that were looked at, sorted. */
  policies: string[];
  faults: Fault[];
}

/** Checks every Bicep file and every policy definition below a folder. */
export async function checkBicep(folder: string): Promise<CheckResult> {
  const snapshot = JSON.parse(readFileSync(new URL('./types.json', import.meta.url), 'utf8')) as Snapshot;
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.includes('node_modules'),
  );
  const named = (end: string): string[] => all.filter((name) => name.endsWith(end)).map((name) => join(folder, name));
  const files = named('.bicep').sort();
  const parsed = new Map<string, Promise<Bicep>>();
  const load = (path: string): Promise<Bicep> => {
    const known = parsed.get(path) ?? parseBicep(path);
    parsed.set(path, known);
    return known;
  };
  const faults: Fault[] = [];
  for (const file of files) {
    const bicep = await load(file);
    const broken = syntaxFaults(bicep);
    if (broken.length > 0) faults.push(...broken);
    else {
      faults.push(...nameFaults(bicep), ...(await moduleFaults(bicep, load)), ...propertyFaults(bicep, snapshot));
      faults.push(...habitFaults(bicep), ...parameterFileFaults(bicep));
    }
  }
  const policies = named('-policy.json').sort();
  for (const policy of policies) faults.push(...policyFaults(policy, snapshot));
  return { files, policies, faults };
}
