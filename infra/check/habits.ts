/** House rules: everything is described, and no secret is a plain parameter or an output. */
import { walk, fault, type Bicep, type Fault } from './syntax.ts';

/** Parameters of these names hold secrets. */
const SECRET = /(password|secret|token|webhookUrl|connectionString|accountKey)$/i;
/** Calls that answer with keys. */
const KEYS = /\.list\w*(Keys|Credentials|Secrets)\w*\(/i;

export function habitFaults(bicep: Bicep): Fault[] {
  const faults: Fault[] = [];
  for (const [key, { kind, name, node, decorators }] of bicep.declared) {
    const report = (message: string): void => void faults.push(fault(bicep, name, { rule: 'habits', message }));
    if ((kind === 'parameter' || kind === 'output') && !decorators.includes('description'))
      report(`${key} has no description`);
    if (kind === 'parameter' && SECRET.test(key) && !decorators.includes('secure'))
      report(`${key} holds a secret and is not @secure()`);
    if (kind !== 'output') continue;
    if (KEYS.test(node.text)) report(`${key} shows a key to everyone who may read deployments`);
    walk(node, (inner) => {
      const used = inner.type === 'identifier' ? bicep.declared.get(inner.text) : undefined;
      if (used?.decorators.includes('secure')) report(`${key} shows the secret ${inner.text}`);
    });
  }
  return faults;
}
