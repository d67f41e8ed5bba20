/** Starts a relay with more receivers than the usual test config has. */
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adapters, startApp, type App } from '#src/app.ts';
import { readEnvironment } from '#src/config/env.ts';
import { formatFaults } from '#src/config/fault.ts';
import { loadConfig } from '#src/config/load.ts';
import { createLog } from '#src/log.ts';
import type { HubTuning } from '#src/receivers/event-hubs/tuning.ts';
import { API_TOKEN, CONFIG_HEAD } from '../relay.ts';

export interface StartOptions {
  databaseUrl: string;
  /** YAML in flow style, to stand beside `tokens` in `receivers`. */
  receivers: string;
  /** YAML below the usual head. */
  config?: string;
  tuning?: Partial<HubTuning>;
  environment?: Record<string, string>;
}

/** The usual config with these receivers. */
export function withReceivers(receivers: string, config = ''): string {
  return CONFIG_HEAD.replace('receivers: {', `receivers: { ${receivers},`) + config;
}

/** Starts on a database that nobody else uses. */
export async function startWithReceivers(options: StartOptions): Promise<App> {
  const env = readEnvironment({
    PORT: '0',
    LOG_LEVEL: process.env['TEST_LOG'] ?? 'silent',
    DATABASE_URL: options.databaseUrl,
    ...options.environment,
  });
  if (!env.ok) throw new Error(JSON.stringify(env.faults));
  const text = withReceivers(options.receivers, options.config);
  const loaded = loadConfig(text, { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults, 'relay.yaml'));
  const { log } = await createLog({ level: env.value.logLevel, pretty: false });
  return startApp({ env: env.value, config: loaded.config, log, hubTuning: options.tuning ?? {} });
}

/** The relay as people run it, in a process of its own, with the usual times. `folder` takes its config. */
export function startRelayProcess(options: StartOptions & { folder: string }): ChildProcess {
  const file = join(options.folder, 'relay.yaml');
  writeFileSync(file, withReceivers(options.receivers, options.config));
  return spawn(process.execPath, ['src/main.ts'], {
    cwd: join(import.meta.dirname, '../../..'),
    env: {
      ...process.env,
      PORT: '0',
      LOG_LEVEL: 'error',
      DATABASE_URL: options.databaseUrl,
      RELAY_CONFIG: file,
      ...options.environment,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** Body of an API answer, parsed where it is JSON. */
// Answers are asserted on by path.
// oxlint-disable-next-line typescript/no-explicit-any
export async function getFrom(app: App, path: string): Promise<any> {
  const response = await fetch(app.url + path, { headers: { authorization: `Bearer ${API_TOKEN}` } });
  const text = await response.text();
  return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
}
