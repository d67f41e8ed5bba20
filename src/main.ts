/** The process: environment, config, signals, exit code. */
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { adapters, startApp } from './app.ts';
import { readEnvironment } from './config/env.ts';
import { formatFaults } from './config/fault.ts';
import { loadConfigFile } from './config/load.ts';
import { configSecrets, redactor, urlSecrets } from './config/secrets.ts';
import { createLog } from './log.ts';

/** After this long without an end the process goes all the same: the SDKs below may hang (azure-local 1.2). */
const STOP_LIMIT_MS = 14_000;

async function main(): Promise<void> {
  const environment = readEnvironment(process.env);
  if (!environment.ok) {
    for (const fault of environment.faults)
      process.stderr.write(`${fault.variable}: ${fault.message} (${fault.hint})\n`);
    process.exit(1);
  }
  const env = environment.value;
  const load = (): ReturnType<typeof loadConfigFile> =>
    loadConfigFile({ file: env.configFile, env: process.env, adapters });
  const loaded = load();
  if (!loaded.ok) {
    process.stderr.write(`${formatFaults(loaded.faults, env.configFile)}\n`);
    process.exit(1);
  }
  const logging = await createLog({ level: env.logLevel, pretty: process.stdout.isTTY });
  const { log } = logging;
  const guard = (config: typeof loaded.config): void =>
    logging.redactWith(redactor([...configSecrets(config), ...urlSecrets(env.databaseUrl, env.redisUrl)]));
  guard(loaded.config);
  for (const warning of loaded.warnings)
    log.warn({ line: warning.line, path: warning.path, hint: warning.hint }, warning.message);
  if (loaded.config.receivers.tokens.length === 0 || loaded.config.api.tokens.length === 0)
    log.warn('no token is configured for receivers or API: only this machine may call');

  const app = await startApp({ env, config: loaded.config, log });

  const reload = (): void => {
    const next = load();
    app.metrics.reload.set(next.ok ? 1 : 0);
    if (!next.ok) {
      const faults = formatFaults(next.faults, env.configFile);
      app.config.refuse(faults);
      log.error({ faults }, 'config.refused');
      return;
    }
    guard(next.config);
    app.config.replace(next.config);
    log.info('config.reloaded');
  };
  app.metrics.reload.set(1);
  process.on('SIGHUP', reload);
  // Editors and mounted secrets replace the file: the folder is watched, changes are taken together.
  let pending: NodeJS.Timeout | undefined;
  const watcher = watch(dirname(env.configFile), (_, file) => {
    if (file !== null && file !== basename(env.configFile) && file !== '..data') return;
    clearTimeout(pending);
    pending = setTimeout(reload, 300);
  });
  watcher.on('error', (error) => log.warn({ error: error.message }, 'config.watch'));

  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'relay.stopping');
    watcher.close();
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    void app.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

main().catch((error: unknown) => {
  process.stderr.write(`the relay did not start: ${(error as Error).message}\n`);
  process.exit(1);
});
