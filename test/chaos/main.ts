/**
 * The proof of what the relay promises: real processes, strict vendors, and everything done to them that we can think
 * of. `npm run chaos [-- --long [--share 0.1]] [-- --only <scenario>[,<scenario>]] [-- --seed N] [-- --out file.json]`. Last line of
 * standard output: the result as JSON. Exit code 1 when any promise was broken.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { access } from './access.ts';
import { children } from './children.ts';
import { destinations } from './destinations.ts';
import { disk } from './disk.ts';
import { disorder } from './disorder.ts';
import { frozen } from './frozen.ts';
import { hostile } from './hostile.ts';
import { hour } from './hour.ts';
import { hub } from './hub.ts';
import { kill } from './kill.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { reload } from './reload.ts';
import { severed } from './severed.ts';
import { runScenario, type Scenario, type ScenarioResult } from './scenario.ts';
import { soak } from './soak.ts';
import { storm } from './storm.ts';
import { resultTable } from './table.ts';
import { twins } from './twins.ts';
import { wire } from './wire.ts';

const SEED = 20_260_914;
const SCENARIOS: readonly Scenario[] = [
  storm,
  kill,
  hub,
  frozen,
  redis,
  postgres,
  destinations,
  disorder,
  hostile,
  access,
  reload,
  wire,
  children,
  twins,
  severed,
  hour,
  disk,
  soak,
];

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    share: { type: 'string', default: '1' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(SEED) },
    out: { type: 'string' },
  },
});
const wanted = values.only?.split(',');
const unknown = wanted?.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name)) ?? [];
const seed = Number(values.seed);
const share = Number(values.share);
if (unknown.length > 0 || !Number.isSafeInteger(seed) || !(share > 0 && share <= 1)) {
  process.stderr.write(
    `usage: chaos [--long [--share 0.1]] [--only ${SCENARIOS.map((scenario) => scenario.name).join('|')}] [--seed N] [--out file]\n`,
  );
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const started = performance.now();
const results: ScenarioResult[] = [];
for (const scenario of SCENARIOS.filter((one) => wanted?.includes(one.name) ?? true)) {
  process.stderr.write(`${scenario.name} ...\n`);
  results.push(await runScenario(scenario, { seed, long: values.long, share }));
}
const kept = results.every((result) => result.kept);
const report = {
  kept,
  seed,
  form: values.long ? (share < 1 ? `${share} of the long form` : 'long') : 'short',
  durationMs: Math.round(performance.now() - started),
  machine: { cpus: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', node: process.version },
  scenarios: results,
};
process.stdout.write(`${resultTable(results)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(kept ? 0 : 1);
