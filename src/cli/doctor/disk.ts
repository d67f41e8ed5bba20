/** The folders of the relay: there, writable, durable, with room. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { bytesText, reasonOf, type Reporter, type Subject } from './finding.ts';

const MIB = 1024 ** 2;
/** The spool takes up to 512 MiB (pipeline/spool/spool.ts). */
const SPOOL_WARN_BYTES = 600 * MIB;
const DATA_WARN_BYTES = 1024 * MIB;
const FAULT_BYTES = 32 * MIB;

/** Numbers of file systems as statfs(2) gives them. */
const FILE_SYSTEMS: Readonly<Record<number, { name: string; kind: 'memory' | 'container' | 'smb' }>> = {
  0x01021994: { name: 'tmpfs', kind: 'memory' },
  0x858458f6: { name: 'ramfs', kind: 'memory' },
  0x794c7630: { name: 'overlay', kind: 'container' },
  0xff534d42: { name: 'cifs', kind: 'smb' },
  0xfe534d42: { name: 'smb2', kind: 'smb' },
};

/** Looks at the folder of the embedded database, where there is one, and at that of the spool. */
export function checkDisk({ env, cwd }: Subject, report: Reporter): void {
  if (env.databaseUrl === null) {
    checkFolder(resolve(cwd, env.dataDir), { name: 'data', warnBytes: DATA_WARN_BYTES }, report);
  }
  if (env.role === 'worker') return;
  if (env.spoolDir === null) {
    report.warn('spool', 'there is no spool', {
      means:
        'while Postgres is away senders get 503; Azure gives up after 75 seconds, and only back-fill finds what it had',
      do: 'set RELAY_SPOOL_DIR to a folder on a durable volume',
    });
  } else checkFolder(resolve(cwd, env.spoolDir), { name: 'spool', warnBytes: SPOOL_WARN_BYTES }, report);
}

/** One folder, or, before the first start, the nearest one above that exists. Leaves nothing behind. */
export function checkFolder(
  folder: string,
  { name, warnBytes }: { name: string; warnBytes: number },
  report: Reporter,
): void {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  const where = there === folder ? folder : `${folder} (to be made in ${there})`;
  const fault = tryToWrite(there);
  if (fault !== null) {
    return report.fault(name, `${where} cannot be written: ${fault}`, {
      means: name === 'spool' ? 'signals are refused with 503 while Postgres is away' : 'the embedded Postgres stops',
      do: 'make room, or give the user of the relay the right to write there',
    });
  }
  report.ok(name, `${where} can be written and synced`);
  const { type, bavail, bsize, files, ffree } = statfsSync(there);
  judgeDurability(name, type, report);
  const freeBytes = bavail * bsize;
  const noNames = files > 0 && ffree === 0;
  const says = noNames
    ? `no file can be made in ${there}: its inodes are used up`
    : `${bytesText(freeBytes)} are free in ${there}`;
  const advice = { means: 'when it is full nothing more can be kept there', do: 'make room, or take a larger volume' };
  if (noNames || freeBytes < FAULT_BYTES) report.fault(`${name} space`, says, advice);
  else if (freeBytes < warnBytes) report.warn(`${name} space`, says, advice);
  else report.ok(`${name} space`, says);
}

function judgeDurability(name: string, type: number, report: Reporter): void {
  const system = FILE_SYSTEMS[type >>> 0];
  if (system === undefined) return;
  const check = `${name} durable`;
  if (system.kind === 'memory') {
    report.fault(check, `the folder lies in memory (${system.name})`, {
      means: 'what was acknowledged is gone when the machine or the container ends',
      do: 'put the folder on a disk',
    });
  } else if (system.kind === 'container') {
    report.warn(check, `the folder lies in the layer of a container (${system.name})`, {
      means: 'it goes with the container: an update takes along what was acknowledged',
      do: 'mount a volume there',
    });
  } else {
    report.fault(check, `the folder is an SMB share (${system.name})`, {
      means: 'locks fail there, so that two replicas could take the same slot',
      do: 'take NFS or a block device',
    });
  }
}

/** Writes, syncs and removes a small file, as the spool would; the reason when that fails. */
function tryToWrite(folder: string): string | null {
  let made: string | null = null;
  try {
    made = mkdtempSync(join(folder, '.relay-doctor-'));
    const file = openSync(join(made, 'probe'), 'w', 0o600);
    try {
      writeSync(file, randomBytes(8_192));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return null;
  } catch (error) {
    return reasonOf(error);
  } finally {
    if (made !== null) rmSync(made, { recursive: true, force: true });
  }
}
