/** Logs go to standard output as JSON lines, pretty on a terminal. Secrets of the config are blotted out of every line. */
import { pino, type Logger } from 'pino';
import type { LogLevel } from './config/env.ts';

export type Log = Logger;

export interface LogSettings {
  level: LogLevel;
  /** Pretty-print for people; JSON lines otherwise. */
  pretty: boolean;
}

/** A logger whose redaction can be renewed when the config is reloaded. */
export async function createLog(
  settings: LogSettings,
): Promise<{ log: Log; redactWith(redact: (text: string) => string): void }> {
  let redact = (text: string): string => text;
  const sink = settings.pretty
    ? (await import('pino-pretty')).default({ colorize: true, ignore: 'pid,hostname' })
    : process.stdout;
  const log = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['*.token', '*.password', '*.secret', 'headers.authorization'],
    },
    { write: (line: string) => void sink.write(redact(line)) },
  );
  return { log, redactWith: (next) => void (redact = next) };
}
