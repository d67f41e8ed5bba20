/**
 * The proof of what the relay promises: real processes, strict vendors, and everything done to them that we can think
 * of. `npm run chaos [-- --long] [-- --only <scenario>[,<scenario>]] [-- --seed N] [-- --out file.json]`. Last line of
 * standard output: the result as JSON. Exit code 1 when any promise was broken.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { access } from './access.ts';
import { destinations } from './destinations.ts';
import { disorder } from './disorder.ts';
import { frozen } from './frozen.ts';
import { hostile } from './hostile.ts';
import { kill } from './kill.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { reload } from './reload.ts';
import { runScenario, type Scenario, type ScenarioResult } from './scenario.ts';
import { storm } from './storm.ts';
import { resultTable } from './table.ts';

const SEED = 20_260_914;
const SCENARIOS: readonly Scenario[] = [
  storm,
  kill,
  frozen,
  redis,
  postgres,
  destinations,
  disorder,
  hostile,
  access,
  reload,
];

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: String(SEED) },
    out: { type: 'string' },
  },
});
const wanted = values.only?.split(',');
const unknown = wanted?.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name)) ?? [];
const seed = Number(values.seed);
if (unknown.length > 0 || !Number.isSafeInteger(seed)) {
  process.stderr.write(
    `usage: chaos [--long] [--only ${SCENARIOS.map((scenario) => scenario.name).join('|')}] [--seed N] [--out file]\n`,
  );
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const started = performance.now();
const results: ScenarioResult[] = [];
for (const scenario of SCENARIOS.filter((one) => wanted?.includes(one.name) ?? true)) {
  process.stderr.write(`${scenario.name} ...\n`);
  results.push(await runScenario(scenario, { seed, long: values.long }));
}
const kept = results.every((result) => result.kept);
const report = {
  kept,
  seed,
  form: values.long ? 'long' : 'short',
  durationMs: Math.round(performance.now() - started),
  machine: { cpus: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', node: process.version },
  scenarios: results,
};
process.stdout.write(`${resultTable(results)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(kept ? 0 : 1);
