import { constants } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EmbeddedError, OWN_SERVER_HINT } from './error.ts';

/** The user that Postgres runs as when we are root. */
export interface OrdinaryUser {
  uid: number;
  gid: number;
}

/**
 * Postgres refuses to run as root. As root this names the user to run it as: the owner of the cluster if there is one
 * already, else the owner of the data folder, so that a start with sudo and one without get along, else `nobody`, else
 * the first other user of /etc/passwd (initdb wants an entry there, so a number made up will not do). No user is ever
 * added. Null when we are not root: Postgres then runs as we do.
 *
 * @throws EmbeddedError `no-user`
 */
export async function ordinaryUser(clusterDir: string, folder: string): Promise<OrdinaryUser | null> {
  if (process.getuid?.() !== 0) return null;
  const cluster = await stat(clusterDir).catch(() => null);
  if (cluster !== null && cluster.uid !== 0) return { uid: cluster.uid, gid: cluster.gid };
  const owner = await stat(folder);
  const users = await ordinaryUsers();
  const chosen =
    users.find((user) => user.uid === owner.uid) ?? users.find((user) => user.name === 'nobody') ?? users[0];
  if (chosen === undefined) {
    throw new EmbeddedError(
      'no-user',
      `Postgres does not run as root, and /etc/passwd names no ordinary user to run it as. Start the relay as an ordinary user, ${OWN_SERVER_HINT}.`,
    );
  }
  return { uid: chosen.uid, gid: chosen.gid };
}

async function ordinaryUsers(): Promise<(OrdinaryUser & { name: string })[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((user) => Number.isInteger(user.uid) && user.uid > 0 && Number.isInteger(user.gid) && user.gid > 0);
}

/** Whether the user can read the file, or enter the folder, through all folders above it. By mode bits alone. */
export async function canReach(path: string, user: OrdinaryUser): Promise<boolean> {
  try {
    const real = await realpath(path);
    const target = await stat(real);
    if (!allows(target, user, target.isDirectory() ? constants.S_IXOTH : constants.S_IROTH)) return false;
    for (let folder = dirname(real); ; folder = dirname(folder)) {
      if (!allows(await stat(folder), user, constants.S_IXOTH)) return false;
      if (folder === dirname(folder)) return true;
    }
  } catch {
    return false;
  }
}

/** `bit` is one of the bits for others; the owner's and the group's are six and three places higher. */
function allows(entry: { mode: number; uid: number; gid: number }, user: OrdinaryUser, bit: number): boolean {
  const shift = entry.uid === user.uid ? 6 : entry.gid === user.gid ? 3 : 0;
  return (entry.mode & (bit << shift)) !== 0;
}
