/** `relay doctor`: looks at a deployment from where it runs, and says what is wrong and what to do. */
import { formatFaults } from '#src/config/fault.ts';
import { readEnvironment } from '#src/config/env.ts';
import { parseCommand, type Command, type Io } from './command.ts';
import type { Finding } from './doctor/finding.ts';
import { configFile, readConfig } from './setup.ts';

export const command: Command = {
  name: 'doctor',
  summary: 'look at stores, clocks, disks, network and the running relay from here',
  usage: `[--config <file>] [--json]

Run it where the relay runs, with the relay's environment. Looks at the config, Postgres (version, schema, settings that
durability rests on, connections), Redis (eviction, append-only file, memory), clocks, the folders of the relay, every
target (name, egress rules, TCP and TLS; nothing is sent to a vendor), Event Hubs, and what a running relay says of
itself. Nothing is changed anywhere.

  --config <file>   another config than RELAY_CONFIG, or relay.yaml
  --json            {"ok","faults","warnings","findings":[{"area","check","status","says","means","do"}]}

Environment: that of the relay; RELAY_URL and RELAY_TOKEN for the running one. Exit code 1 if there is a fault.`,
  async run(args, io) {
    const { values } = parseCommand(args, { options: { config: { type: 'string' }, json: { type: 'boolean' } } });
    const findings = await findAll(io, values.config);
    const { findingsText, sums } = await import('./doctor/report.ts');
    const { faults, warnings } = sums(findings);
    if (values.json === true) io.out(`${JSON.stringify({ ok: faults === 0, faults, warnings, findings }, null, 2)}\n`);
    else io.out(findingsText(findings));
    return faults === 0 ? 0 : 1;
  },
};

async function findAll(io: Io, option: string | undefined): Promise<Finding[]> {
  const file = configFile(io, option);
  const environment = readEnvironment({ ...io.env, RELAY_CONFIG: file });
  const loaded = await readConfig(io, file);
  if (environment.ok && loaded.ok) {
    const { examine } = await import('./doctor/examine.ts');
    return examine(io, environment.value, loaded);
  }
  const { reporter } = await import('./doctor/finding.ts');
  const report = reporter('config');
  const means = 'the relay does not start, and nothing else was looked at';
  for (const { variable, message, hint } of environment.ok ? [] : environment.faults)
    report.fault(variable, `${variable} ${message}`, { means, do: hint });
  for (const fault of loaded.ok ? [] : loaded.faults)
    report.fault(`line ${fault.line}`, formatFaults([fault], file), { means, do: 'correct the file' });
  return report.findings;
}
