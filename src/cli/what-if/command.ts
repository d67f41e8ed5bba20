/** The what-if of `relay replay`: options to an answer and an exit code. */
import { Failure, UsageError, type ExitCode, type Io } from '../command.ts';
import { configFile, openConfig, pastAddress } from '../setup.ts';

export interface WhatIfOptions {
  from: string;
  to?: string | undefined;
  config?: string | undefined;
  all: boolean;
  json: boolean;
}

/** 0 when the new config tells the same, 1 when it does not. */
export async function runWhatIf(options: WhatIfOptions, io: Io): Promise<ExitCode> {
  if (options.config === undefined) throw new UsageError('--from needs --config: the config to try');
  const { parseUtc } = await import('#src/api/schemas.ts');
  const moment = (option: string, text: string): string => {
    const ms = parseUtc(text);
    if (Number.isNaN(ms)) throw new UsageError(`${option} is not a time; write 2026-09-14T08:00:00Z`);
    return new Date(ms).toISOString();
  };
  const from = moment('--from', options.from);
  const to = options.to === undefined ? new Date().toISOString() : moment('--to', options.to);
  if (from >= to) throw new UsageError('--from must be before --to');
  const file = configFile(io, undefined);
  const [today, next] = [await openConfig(io, file), await openConfig(io, options.config)];
  const address = await pastAddress(io);
  const [{ whatIf }, { whatIfText }] = await Promise.all([import('./what-if.ts'), import('./text.ts')]);
  const found = await whatIf(address, { today: today.config, next: next.config, from, to }).catch((error: unknown) => {
    if (error instanceof Failure) throw error;
    throw new Failure(`the database of the relay cannot be read: ${next.hide(today.hide((error as Error).message))}`);
  });
  const names = { today: file, next: options.config };
  if (options.json) io.out(`${JSON.stringify({ ...names, ...found }, null, 2)}\n`);
  else io.out(whatIfText(found, { ...names, all: options.all }));
  return found.added.length + found.gone.length === 0 ? 0 : 1;
}
