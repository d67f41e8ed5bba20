/** From a command line to an exit code. */
import { nearest } from '#src/config/suggest.ts';
import { UsageError, Failure, type Command, type ExitCode, type Io } from './command.ts';
import { commands } from './commands.ts';
import { indent, table } from './table.ts';

const HELP = ['--help', '-h', 'help'];

/** Runs one command. Never throws: whatever goes wrong becomes a message on `err` and an exit code. */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  const [name, ...args] = argv;
  if (name === undefined || HELP.includes(name)) return help(args[0], io, name === undefined ? 2 : 0);
  const command = commands.find((one) => one.name === name);
  if (command === undefined) return unknownCommand(name, io);
  const end = args.indexOf('--');
  if (args.slice(0, end < 0 ? args.length : end).some((arg) => arg === '--help' || arg === '-h')) {
    io.out(`${usageOf(command)}\n`);
    return 0;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`${error.message}\n\n${usageOf(command)}\n`);
      return 2;
    }
    io.err(`${error instanceof Failure ? error.message : `${name} failed: ${(error as Error).message}`}\n`);
    return 1;
  }
}

function help(name: string | undefined, io: Io, code: ExitCode): ExitCode {
  if (name !== undefined) {
    const command = commands.find((one) => one.name === name);
    if (command === undefined) return unknownCommand(name, io);
    io.out(`${usageOf(command)}\n`);
    return 0;
  }
  const list = table(
    [],
    commands.map((command) => [command.name, command.summary]),
  );
  const text = `usage: npm run relay -- <command> [options]\n\n${indent(list)}\nnpm run relay -- <command> --help says more.\n`;
  if (code === 0) io.out(text);
  else io.err(text);
  return code;
}

function unknownCommand(name: string, io: Io): ExitCode {
  const names = commands.map((command) => command.name);
  const near = nearest(name, names);
  const hint = near === null ? `commands: ${names.join(', ')}` : `did you mean "${near}"?`;
  io.err(`there is no command ${JSON.stringify(name.slice(0, 60))}; ${hint}\n`);
  return 2;
}

function usageOf(command: Command): string {
  return `usage: npm run relay -- ${command.name} ${command.usage}`.replaceAll(/ +$/gm, '').trimEnd();
}
