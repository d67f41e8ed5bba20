/** The process: environment, config, signals, exit code. main.ts starts it. */
import { adapters, startApp, type App } from './app.ts';
import { isOpen } from './api/auth.ts';
import { readEnvironment } from './config/env.ts';
import { formatFaults } from './config/fault.ts';
import { loadConfigFile } from './config/load.ts';
import { configSecrets, redactor, urlSecrets } from './config/secrets.ts';
import type { RelayConfig } from './config/types.ts';
import { createLog } from './log.ts';
import { releaseMemoryWhenIdle } from './memory.ts';
import { createFileWatch } from './watch-files.ts';

/** After this long without an end the process goes all the same: the SDKs below may hang (azure-local 1.2). */
const STOP_LIMIT_MS = 14_000;

/** Runs until a signal ends it; exits with 1 and the reason when it cannot start. */
export async function runProcess(): Promise<void> {
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
    logging.redactWith(
      redactor([...configSecrets(config), ...urlSecrets(env.databaseUrl, env.redisUrl, env.tracing?.otlpUrl ?? null)]),
    );
  guard(loaded.config);
  const warn = (warnings: typeof loaded.warnings): void => {
    for (const { line, path, hint, message } of warnings) log.warn({ line, path, hint }, message);
  };
  warn(loaded.warnings);
  if (loaded.config.receivers.tokens.length === 0 || loaded.config.api.tokens.length === 0)
    log.warn('no token is configured for receivers or API: only this machine may call');

  // From here on a signal ends us in order, also in the middle of the start: Postgres must not be left behind.
  const ending = new AbortController();
  let app: App | null = null;
  let reload: (() => void) | null = null;
  // What changes during the start is read after it.
  let early = false;
  const changed = (): void => {
    if (reload) reload();
    else early = true;
  };
  const watcher = createFileWatch(changed, (error) => log.warn({ error: error.message }, 'config.watch'));
  watcher.follow(loaded.files);
  const stop = (signal: string): void => {
    if (ending.signal.aborted) return;
    ending.abort();
    log.info({ signal }, 'relay.stopping');
    watcher.close();
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    void app?.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  // Without a listener it would end us, Postgres left behind.
  process.on('SIGHUP', changed);

  const started = await startApp({ env, config: loaded.config, log, signal: ending.signal });
  app = started;
  releaseMemoryWhenIdle();
  if (ending.signal.aborted) {
    await started.stop();
    process.exit(0);
  }

  reload = (): void => {
    const next = load();
    watcher.follow(next.files);
    const cut = next.ok ? cutShort(started.config.current(), next) : null;
    started.metrics.reload.set(next.ok && cut === null ? 1 : 0);
    if (!next.ok || cut !== null) {
      const faults = next.ok ? `${env.configFile}: ${cut}` : formatFaults(next.faults, env.configFile);
      started.config.refuse(faults);
      log.error({ faults }, 'config.refused');
      return;
    }
    guard(next.config);
    started.config.replace(next.config);
    log.info('config.reloaded');
    warn(next.warnings);
  };
  started.metrics.reload.set(1);
  if (early) reload();
}

/**
 * Why a config that has no fault is not taken over by a reload: a file that is being written, or that a full disk has cut,
 * is good YAML at many of its lines. Without tokens every sender would be told 401, which Azure does not repeat. Who wants
 * no destination any more can say so: `destinations: {}`.
 */
function cutShort(
  now: RelayConfig,
  { config: next, sections }: { config: RelayConfig; sections: string[] },
): string | null {
  const lost = [
    now.destinations.length > 0 && !sections.includes('destinations') ? 'destinations' : null,
    !isOpen(now, 'receive') && isOpen(next, 'receive') ? 'receivers' : null,
    !isOpen(now, 'read') && isOpen(next, 'read') ? 'api' : null,
  ].filter((name) => name !== null);
  return lost.length === 0
    ? null
    : `names none of ${lost.join(', ')} any more, as a file that was cut short; restart the relay if that is meant`;
}
