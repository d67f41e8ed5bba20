/** `npm run infra:check`: prints one line per fault; exit code 1 if there is any. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkBicep } from './check.ts';

const folder = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const { files, policies, faults } = await checkBicep(folder);
for (const { file, line, column, rule, message } of faults) {
  console.error(`${relative(process.cwd(), file)}:${line}:${column} ${rule}: ${message}`);
}
console.log(
  `infra: ${files.length} Bicep files and ${policies.length} policy definitions parsed and linted (not compiled), ${faults.length} faults`,
);
process.exitCode = faults.length > 0 || files.length === 0 ? 1 : 0;
