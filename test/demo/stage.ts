/** The stage: folder, stand-ins and relay, put up in order and taken down again whatever happens. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownPort } from '#test/support/own-port.ts';
import { startCast, stopCast, type Cast } from './cast.ts';
import { relayYaml } from './config.ts';
import { furnish } from './estate.ts';
import { createRelayClient, type RelayClient } from './relay-client.ts';
import { spawnRelay } from './relay-process.ts';

export interface Stage {
  url: string;
  /** Holds the config and all data; removed at the end. */
  folder: string;
  cast: Cast;
  relay: RelayClient;
  /** Fires when the caller's signal does or the relay ends by itself. */
  signal: AbortSignal;
  /** The last lines of the relay's log. */
  tail(): string;
  /** Leaves no process and no folder. Never throws; may be called once. */
  stop(): Promise<void>;
}

/** Prefix of the demo's folder below the folder for temporary files. */
const FOLDER_PREFIX = 'health-relay-demo-';

/** Starts everything; what was already started is taken down again when a later part fails or the signal fires. */
export async function startStage(options: { signal: AbortSignal }): Promise<Stage> {
  const cleanups: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.toReversed())
      await cleanup().catch((error: unknown) => process.stderr.write(`left behind: ${String(error)}\n`));
  };
  try {
    const folder = await realpath(await mkdtemp(join(tmpdir(), FOLDER_PREFIX)));
    cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const cast = await startCast();
    cleanups.push(() => stopCast(cast));
    furnish(cast);
    const port = await ownPort();
    const url = `http://127.0.0.1:${port}`;
    const configFile = join(folder, 'relay.yaml');
    await writeFile(configFile, relayYaml(cast, url), { mode: 0o600 });
    options.signal.throwIfAborted();
    const child = spawnRelay({ dataDir: join(folder, 'data'), configFile, port, url });
    cleanups.push(() => child.stop());
    const signal = AbortSignal.any([options.signal, child.ended]);
    try {
      await child.ready(signal);
    } catch (error) {
      if (!options.signal.aborted) process.stderr.write(`${child.tail()}\n`);
      throw error;
    }
    const relay = createRelayClient(url, signal);
    await relay.estateKnown();
    return { url, folder, cast, relay, signal, tail: () => child.tail(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
