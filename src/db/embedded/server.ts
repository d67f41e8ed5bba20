import { join } from 'node:path';
import { findBinaries } from './binaries.ts';
import { ping, serverUrl } from './connection.ts';
import { EmbeddedError } from './error.ts';
import { prepareFolder } from './folder.ts';
import { ensureCluster } from './initialize.ts';
import { lockFolder } from './lock.ts';
import type { EmbeddedLog } from './log.ts';
import { adoptOrphan } from './orphan.ts';
import { readPassword, requirePassword } from './password.ts';
import { freePort } from './free-port.ts';
import { launchPostmaster, type LaunchOptions } from './postmaster.ts';
import { endPostgres } from './processes.ts';
import { openServerLog, type ServerLogFile } from './server-log.ts';
import { superviseServer, type SupervisedServer } from './supervise.ts';
import { ordinaryUser } from './user.ts';

/** A Postgres that is ours alone. */
export interface EmbeddedPostgres {
  /** `postgres://` on loopback, with the password: not for logs. Stays the same until stop(). */
  url: string;
  /** True when a server that outlived its relay was taken over. */
  adopted: boolean;
  /** Of the postmaster; another one after it died and was started again. */
  readonly pid: number;
  /** Ends Postgres (fast; harder after 8 s), then lets go of the folder. The data stays. Can be called again. */
  stop(): Promise<void>;
}

interface StartEmbeddedOptions {
  /** RELAY_DATA_DIR. The cluster is `postgres` in it, with password, log and lock beside it. */
  dataDir: string;
  log?: EmbeddedLog;
  /** Breaks off the start; has no effect afterwards. */
  signal?: AbortSignal;
  /** For tests alone: no fsync, so a power cut may cost everything. */
  unsafeFast?: boolean;
}

/**
 * Starts the Postgres of the embedded footing, or takes over the one that a killed relay left running, and watches over
 * it: should it die, it is started again under the same url. Safe against kill -9 at any point, of us or of Postgres.
 *
 * Our end without stop() leaves Postgres running, on purpose: whoever still drains keeps the database, and the next
 * start takes it over.
 *
 * @throws EmbeddedError with a message for people: folder in use, package missing, disk full, no user to run as, ...
 */
export async function startEmbedded(options: StartEmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = await prepareFolder(options.dataDir);
  const lock = await lockFolder(folder);
  let log: ServerLogFile | null = null;
  try {
    log = await openServerLog(folder);
    const opened = log;
    const { url, adopted, server } = await open(folder, { ...options, serverLog: opened });
    let stopped: Promise<void> | null = null;
    async function stop(): Promise<void> {
      await server.stop();
      opened.close();
      lock.release();
    }
    return {
      url,
      adopted,
      get pid() {
        return server.pid();
      },
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    log?.close();
    lock.release();
    throw error;
  }
}

async function open(
  folder: string,
  options: StartEmbeddedOptions & { serverLog: ServerLogFile },
): Promise<{ url: string; adopted: boolean; server: SupervisedServer }> {
  const { signal, log: report } = options;
  const unsafeFast = options.unsafeFast === true;
  const clusterDir = join(folder, 'postgres');
  const user = await ordinaryUser(clusterDir, folder);
  // Needed for an orphan too: it may have to be started again.
  const binaries = await findBinaries(user);
  const known = (await readPassword(folder)) ?? '';
  const orphan = await adoptOrphan(clusterDir, { password: known, unsafeFast, signal });
  const launch = { binaries, user, log: options.serverLog, unsafeFast };
  await ensureCluster(clusterDir, { ...launch, folder, signal });
  const password = await requirePassword(folder);
  const { pid, port } = orphan ?? (await launchOnFreePort(clusterDir, { ...launch, signal }));
  const url = serverUrl(password, port);
  if (orphan === null) await requireAnswer(url, { clusterDir, pid });
  const server = superviseServer(clusterDir, { ...launch, pid, port, report });
  const adopted = orphan !== null;
  report?.info({ pid, port, folder, adopted }, adopted ? 'embedded postgres taken over' : 'embedded postgres started');
  return { url, adopted, server };
}

/** A port that was free a moment ago may be taken by now: then another one. */
async function launchOnFreePort(
  clusterDir: string,
  options: Omit<LaunchOptions, 'port'>,
): Promise<{ pid: number; port: number }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return { pid: await launchPostmaster(clusterDir, { ...options, port }), port };
    } catch (error) {
      if (tries === 3 || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function requireAnswer(url: string, server: { clusterDir: string; pid: number }): Promise<void> {
  try {
    await ping(url, 10_000);
  } catch (error) {
    await endPostgres(server.pid, server.clusterDir, { fastMs: 3000, immediateMs: 2000 });
    throw new EmbeddedError('failed', `Postgres started but does not answer: ${String(error)}`, { cause: error });
  }
}
