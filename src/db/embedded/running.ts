import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { serverUrl } from './connection.ts';
import { readPassword } from './password.ts';
import { readPostmasterFile } from './postmaster.ts';

/** Address of the server that a relay on this machine runs in its data folder, for a guest; null where none is ready. */
export async function runningServer(dataDir: string): Promise<string | null> {
  const folder = await realpath(resolve(dataDir)).catch(() => null);
  if (folder === null) return null;
  const file = readPostmasterFile(join(folder, 'postgres'));
  const password = await readPassword(folder);
  return file?.status === 'ready' && password !== null ? serverUrl(password, file.port) : null;
}
