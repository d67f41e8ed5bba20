/**
 * The entry. Loads everything else with what Node compiled at the last start, kept in the data folder, which is nobody
 * else's: a start on a folder that is there took 0.99 s without and 0.67 s with it.
 */
import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { prepareFolder } from './db/embedded/folder.ts';

/**
 * Only on the embedded footing: its folder is local and our own. Elsewhere a declared one may be a network share, slower
 * than compiling, and the system's folder for temporary files could be written by others.
 */
async function keepCompiled(): Promise<void> {
  if (process.env['DATABASE_URL']) return;
  const folder = join(await prepareFolder(process.env['RELAY_DATA_DIR'] || '.relay'), 'compiled');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  enableCompileCache(folder);
}

// A folder that cannot be written is told by whoever needs it.
await keepCompiled().catch(() => undefined);
const { runProcess } = await import('./process.ts');
runProcess().catch((error: unknown) => {
  process.stderr.write(`the relay did not start: ${(error as Error).message}\n`);
  process.exit(1);
});
