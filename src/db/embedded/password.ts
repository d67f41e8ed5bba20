import { randomBytes } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedError } from './error.ts';
import { giveToOwner, renameDurably } from './folder.ts';

/** Name of the one role. */
export const ROLE = 'relay';

/** The cluster's password from the data folder, or null when there is none yet. */
export async function readPassword(folder: string): Promise<string | null> {
  const text = await readFile(passwordPath(folder), 'utf8').catch(() => '');
  return text.trim() === '' ? null : text.trim();
}

/** Makes a random password (192 bits) and stores it durably with mode 600, before any cluster depends on it. */
export async function createPassword(folder: string): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  const half = `${passwordPath(folder)}.new`;
  await rm(half, { force: true });
  const file = await open(half, 'wx', 0o600);
  try {
    await file.writeFile(`${password}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await giveToOwner(half, folder);
  await renameDurably(half, passwordPath(folder));
  return password;
}

/** The password of a cluster that exists; without it nobody gets in. */
export async function requirePassword(folder: string): Promise<string> {
  const password = await readPassword(folder);
  if (password !== null) return password;
  throw new EmbeddedError(
    'damaged',
    `${passwordPath(folder)} is missing or not readable, and without it there is no way into the database beside it. Put it back, or move ${folder} away to begin anew.`,
  );
}

function passwordPath(folder: string): string {
  return join(folder, 'postgres.password');
}
