/** Environment and config as the relay itself would read them; what is wrong ends the command with all faults at once. */
import { resolve } from 'node:path';
import { formatEnvironmentFaults, readEnvironment, type Environment } from '#src/config/env.ts';
import { formatFaults, type Fault } from '#src/config/fault.ts';
import type { LoadResult } from '#src/config/load.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import type { PostgresAddress } from '#src/db/address.ts';
import { Failure, UsageError, type Io } from './command.ts';

/** The environment; throws {@link Failure} with every fault of it. */
export function openEnvironment(io: Io): Environment {
  const environment = readEnvironment(io.env);
  if (!environment.ok) throw new Failure(formatEnvironmentFaults(environment.faults));
  return environment.value;
}

/** The Postgres of the environment, with Entra tokens where it asks for them; null where the relay starts its own. */
export async function postgresAddress(env: Environment): Promise<PostgresAddress | null> {
  if (env.databaseUrl === null) return null;
  if (env.databaseAuth === 'password') return { url: env.databaseUrl };
  const { createStoreTokens } = await import('#src/azure/store-tokens.ts');
  return { url: env.databaseUrl, ...createStoreTokens(env, () => undefined).password };
}

/** The Postgres of the environment, else the one that a relay on this machine runs for itself. */
export async function pastAddress(io: Io): Promise<PostgresAddress> {
  const env = openEnvironment(io);
  const given = await postgresAddress(env);
  if (given !== null) return given;
  const { runningServer } = await import('#src/db/embedded/running.ts');
  const url = await runningServer(resolve(io.cwd, env.dataDir));
  if (url !== null) return { url };
  throw new Failure('DATABASE_URL is not set, and no relay runs with a Postgres of its own in RELAY_DATA_DIR');
}

/** Path of the config as the user wrote it: the option, else `RELAY_CONFIG`, else `relay.yaml`. */
export function configFile(io: Io, option: string | undefined): string {
  return option ?? (io.env['RELAY_CONFIG']?.trim() || 'relay.yaml');
}

/** Reads the config with the adapters of this build. */
export async function readConfig(io: Io, file: string): Promise<LoadResult> {
  const [{ adapters }, { loadConfigFile }] = await Promise.all([
    import('#adapters/index.ts'),
    import('#src/config/load.ts'),
  ]);
  return loadConfigFile({ file: resolve(io.cwd, file), env: io.env, adapters });
}

export interface OpenConfig {
  config: RelayConfig;
  warnings: Fault[];
  /** Replaces every secret of the config in a text. */
  hide: (text: string) => string;
}

/** Reads the config; throws {@link Failure} with every fault of it. */
export async function openConfig(io: Io, option: string | undefined): Promise<OpenConfig> {
  const file = configFile(io, option);
  const loaded = await readConfig(io, file);
  if (!loaded.ok) throw new Failure(formatFaults(loaded.faults, file));
  const { configSecrets, redactor } = await import('#src/config/secrets.ts');
  return { config: loaded.config, warnings: loaded.warnings, hide: redactor(configSecrets(loaded.config)) };
}

/** The destination of that name; throws {@link UsageError} with the name that may have been meant. */
export async function destinationNamed(config: RelayConfig, name: string): Promise<Destination> {
  const found = config.destinations.find((destination) => destination.name === name);
  if (found !== undefined) return found;
  const { suggest } = await import('#src/config/suggest.ts');
  const known = config.destinations.map((destination) => destination.name);
  const hint = known.length === 0 ? 'the config has none' : suggest(name, known);
  throw new UsageError(`there is no destination ${JSON.stringify(name.slice(0, 60))}; ${hint}`);
}
