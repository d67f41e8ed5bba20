/** What a command of `npm run relay -- <command>` is, and the two ways in which one ends early. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { suggest } from '#src/config/suggest.ts';

/** The world of a command: tests bring their own. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** All of standard input. */
  readStdin(): Promise<Uint8Array>;
  env: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  cwd: string;
}

/** 0: all is well. 1: the thing failed. 2: the command was not used as it can be. */
export type ExitCode = 0 | 1 | 2;

export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** Below the usage line: arguments, options, examples. Begins with what follows the name. */
  usage: string;
  run(args: readonly string[], io: Io): Promise<ExitCode>;
}

/** Wrong arguments: exit code 2. The message is for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The thing failed: exit code 1. The message is for people and holds no secret. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** Options and positionals of a command line; at least `min` and at most `max` positionals. Throws {@link UsageError}. */
export function parseCommand<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  { options, min = 0, max = min }: { options: T; min?: number; max?: number },
) {
  try {
    const parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
    const { length } = parsed.positionals;
    if (length < min) throw new UsageError(length === 0 ? 'an argument is missing' : 'arguments are missing');
    if (length > max) throw new UsageError(`unexpected argument "${parsed.positionals[max]}"`);
    return parsed;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(wording(error as NodeJS.ErrnoException, args, Object.keys(options)));
  }
}

function wording(error: NodeJS.ErrnoException, args: readonly string[], known: readonly string[]): string {
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return error.message.split('. ')[0] ?? error.message;
  const unknown = args.find((arg) => arg.startsWith('-') && !known.includes(optionName(arg))) ?? '';
  const hint = suggest(optionName(unknown), known).replaceAll(/"(.+?)"/g, '--$1');
  return `unknown option ${unknown.split('=')[0]}${hint === '' ? '' : `; ${hint}`}`;
}

function optionName(arg: string): string {
  return arg.replace(/^-+/, '').split('=')[0] ?? '';
}
