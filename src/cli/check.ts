/** `relay check`: every fault that would stop the relay at its start, before it is started. */
import { formatEnvironmentFaults, readEnvironment } from '#src/config/env.ts';
import { formatFaults, type Fault } from '#src/config/fault.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { parseCommand, type Command, type Io } from './command.ts';
import type { OnlineResult } from './check-online.ts';
import { configFile, readConfig } from './setup.ts';
import { plain, table } from './table.ts';

export const command: Command = {
  name: 'check',
  summary: 'read environment and relay.yaml and list every fault and warning',
  usage: `[--online] [--config file] [--json]

Finds the same faults as a start of the relay. Exit code 1 if there is one; warnings alone are 0. Where a relay is running,
a destination that this config removes or gives other vendor keys, while something is open there, is a warning.

  --online        also resolve every target under the egress rules, and ask the vendors that can be asked without
                  leaving a trace (ServiceNow: access, close code, mandatory columns)
  --config file   (RELAY_CONFIG, else relay.yaml)
  --json          for programs

Environment: that of the relay; RELAY_URL and RELAY_TOKEN for the running one.`,
  async run(args, io) {
    const { values } = parseCommand(args, {
      options: { online: { type: 'boolean' }, config: { type: 'string' }, json: { type: 'boolean' } },
    });
    const environment = readEnvironment(io.env);
    const file = configFile(io, values.config);
    const loaded = await readConfig(io, file);
    const warnings = [
      ...loaded.warnings,
      ...(environment.ok && loaded.ok ? await besideRunning(io, loaded.config) : []),
    ];
    const online = values.online === true && loaded.ok ? await goOnline(loaded.config) : [];
    const found = {
      ok: environment.ok && loaded.ok && online.every(({ faults }) => faults.length === 0),
      environment: environment.ok ? [] : environment.faults,
      faults: loaded.ok ? [] : loaded.faults,
      warnings,
      online,
    };
    if (values.json === true) io.out(`${JSON.stringify({ file, ...found }, null, 2)}\n`);
    else {
      if (!environment.ok) io.err(`${formatEnvironmentFaults(environment.faults)}\n`);
      if (!loaded.ok) io.err(`${formatFaults(loaded.faults, file)}\n`);
      if (warnings.length > 0) io.err(indentWarnings(formatFaults(warnings, file)));
      if (loaded.ok) io.out(summary(file, loaded.config));
      if (online.length > 0) showOnline(online, io);
    }
    return found.ok ? 0 : 1;
  },
};

async function goOnline(config: RelayConfig): Promise<OnlineResult[]> {
  const { checkOnline } = await import('./check-online.ts');
  return checkOnline(config);
}

async function besideRunning(io: Io, config: RelayConfig): Promise<Fault[]> {
  const { checkRunning } = await import('./check-running.ts');
  return checkRunning(io, config);
}

function indentWarnings(text: string): string {
  return `${text
    .split('\n')
    .map((line) => `warning: ${line}`)
    .join('\n')}\n`;
}

function summary(file: string, { destinations, routes, receivers }: RelayConfig): string {
  const { tokens, eventHubs } = receivers;
  const counts = [
    count(tokens.length, 'receiver token'),
    count(eventHubs.length, 'Event Hub'),
    count(destinations.length, 'destination'),
    count(routes.length, 'route'),
  ];
  return `${file}: no faults; ${counts.join(', ')}\n`;
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

function showOnline(online: readonly OnlineResult[], io: Io): void {
  const rows = online.map(({ destination, type, faults, probed, notes }) => {
    const good = probed
      ? 'reachable by the rules, and the vendor says yes'
      : 'its name resolves; this kind cannot be asked';
    const said = [...(faults.length === 0 ? [good] : faults), ...notes.map((note) => `note: ${note}`)];
    return [destination, type, faults.length === 0 ? 'ok' : 'FAULT', said.map(plain).join('; ')];
  });
  io.out(`\n${table(['DESTINATION', 'TYPE', 'ONLINE', 'SAYS'], rows)}`);
}
