/** `npm run bench [-- scenario]`: a table of what was measured beside its goal, and the same as JSON. No figure decides anything. */
import { cpus, totalmem } from 'node:os';
import { accept } from './accept.ts';
import { hub } from './hub.ts';
import { latency } from './latency.ts';
import { reads } from './reads.ts';
import { start } from './start.ts';
import { storm } from './storm.ts';
import { table, type Line } from './table.ts';
import { through } from './through.ts';

const quick = process.argv.includes('--quick');
const scenarios: Record<string, () => Promise<Line[]>> = {
  accept: () => accept({ runs: quick ? 1 : 5, count: quick ? 3_000 : 10_000 }),
  through: () => through({ count: quick ? 3_000 : 15_000 }),
  latency: () => latency({ count: quick ? 60 : 300 }),
  storm,
  hub: () => hub({ records: quick ? 5_000 : 20_000 }),
  start,
  reads: () => reads({ requests: quick ? 100 : 500 }),
};

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((name) => !scenarios[name]);
if (unknown.length > 0) {
  process.stderr.write(`unknown scenario ${unknown.join(', ')}; known: ${Object.keys(scenarios).join(', ')}\n`);
  process.exit(2);
}
const lines: Line[] = [];
for (const [name, run] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`${name} ...\n`);
  lines.push(...(await run()));
}
console.log(
  `${cpus().length} cores (${cpus()[0]?.model ?? '?'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
);
console.log(table(lines));
console.log(JSON.stringify(lines));
process.exit(0);
