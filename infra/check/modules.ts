/** What one file says of another: modules, their parameters and outputs, and files read in. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  bodyOf,
  children,
  declaredPath,
  fault,
  literal,
  propertiesOf,
  walk,
  type Bicep,
  type Declaration,
  type Fault,
} from './syntax.ts';

const LOADERS = /^load(Text|Json|Yaml)Content$/;

/** @param load reads another Bicep file; only called for files that exist */
export async function moduleFaults(bicep: Bicep, load: (path: string) => Promise<Bicep>): Promise<Fault[]> {
  const faults: Fault[] = missingFiles(bicep);
  for (const [name, declaration] of bicep.declared) {
    if (declaration.kind !== 'module') continue;
    const path = declaredPath(declaration.node);
    if (path === null) {
      faults.push(fault(bicep, declaration.node, { rule: 'modules', message: `module ${name} has no plain path` }));
      continue;
    }
    // Registry modules (br:, ts:) would need the network; none is used here.
    const file = join(dirname(bicep.file), path);
    if (!existsSync(file)) {
      faults.push(fault(bicep, declaration.node, { rule: 'modules', message: `module file ${path} does not exist` }));
      continue;
    }
    const target = await load(file);
    faults.push(...parameterFaults(bicep, declaration, target), ...outputFaults(bicep, name, target));
  }
  return faults;
}

function missingFiles(bicep: Bicep): Fault[] {
  const faults: Fault[] = [];
  walk(bicep.root, (node) => {
    if (node.type !== 'call_expression' || !LOADERS.test(node.childForFieldName('function')?.text ?? '')) return;
    const given = node.childForFieldName('arguments');
    const path = given === null ? null : literal(children(given)[0]);
    if (path !== null && existsSync(join(dirname(bicep.file), path))) return;
    faults.push(
      fault(bicep, node, { rule: 'modules', message: `file ${path ?? '(not a plain path)'} does not exist` }),
    );
  });
  return faults;
}

function parameterFaults(bicep: Bicep, module: Declaration, target: Bicep): Fault[] {
  const faults: Fault[] = [];
  const given = bodyOf(module.node);
  const params = given === undefined ? undefined : propertiesOf(given).get('params')?.value;
  const names = params === undefined ? new Map<string, never>() : propertiesOf(params);
  for (const [name, { key }] of propertiesOf(params ?? module.node)) {
    if (target.declared.get(name)?.kind === 'parameter') continue;
    faults.push(
      fault(bicep, key, { rule: 'modules', message: `${declaredPath(module.node)} has no parameter ${name}` }),
    );
  }
  for (const [name, parameter] of target.declared) {
    if (parameter.kind !== 'parameter' || names.has(name) || isOptional(parameter)) continue;
    faults.push(
      fault(bicep, module.name, {
        rule: 'modules',
        message: `parameter ${name} of ${declaredPath(module.node)} is not given`,
      }),
    );
  }
  return faults;
}

/** With a default, or of a type that takes null. */
export function isOptional(parameter: Declaration): boolean {
  const [, type, value] = children(parameter.node);
  return value !== undefined || (type?.text.endsWith('?') ?? false);
}

/** `name.outputs.x`, `name!.outputs.x` and `name[i].outputs.x` must name an output of the module. */
function outputFaults(bicep: Bicep, module: string, target: Bicep): Fault[] {
  const faults: Fault[] = [];
  walk(bicep.root, (node) => {
    if (node.type !== 'member_expression') return;
    const found = /^(\w+)(?:\[[^\]]*\])?!?\.\??outputs\.(\w+)$/.exec(node.text);
    if (found?.[1] !== module || target.declared.has(`output ${found[2]}`)) return;
    faults.push(fault(bicep, node, { rule: 'modules', message: `module ${module} has no output ${found[2]}` }));
  });
  return faults;
}
