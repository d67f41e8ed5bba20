/**
 * `relay.yaml` as Kubernetes mounts it: a symbolic link into `..data`, itself a link to a dated folder. An update makes a
 * new folder and renames a new `..data` over the old one; the path of the config itself never changes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONFIG_HEAD, openStores, READ_TOKEN, type Stores } from '#test/support/relay.ts';

const ROOT = join(import.meta.dirname, '../..');
let stores: Stores;
let folder: string;
let mount: string;
let relay: ChildProcess | undefined;
let said = '';
let updates = 0;

beforeAll(async () => {
  stores = await openStores('postgres');
  folder = mkdtempSync(join(tmpdir(), 'relay-mount-'));
  mount = join(folder, 'etc-relay');
  mkdirSync(mount);
});
afterAll(async () => {
  relay?.kill('SIGKILL');
  await stores.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the kubelet's atomic writer does, in its order; the first time it also makes the visible link. */
function publish(config: string): void {
  const dated = `..2026_11_25_00_00_00.${++updates}`;
  mkdirSync(join(mount, dated));
  writeFileSync(join(mount, dated, 'relay.yaml'), config);
  symlinkSync(dated, join(mount, '..data_tmp'));
  renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  if (updates === 1) symlinkSync(join('..data', 'relay.yaml'), join(mount, 'relay.yaml'));
  else rmSync(join(mount, `..2026_11_25_00_00_00.${updates - 1}`), { recursive: true });
}

const hook = (name: string): string => `${CONFIG_HEAD}destinations:
  ${name}: { type: webhook, url: "http://127.0.0.1:9/", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= }
routes: [{ match: {}, to: [${name}] }]
`;
const times = (text: string): number => said.split(text).length - 1;

async function destinations(port: string): Promise<string> {
  const headers = { authorization: `Bearer ${READ_TOKEN}` };
  return (await fetch(`http://127.0.0.1:${port}/v1/destinations`, { headers })).text();
}

test('an update of the mounted config is taken each time, and one with faults is refused', async () => {
  publish(hook('first'));
  const environment = { ...(await stores.environment()), PORT: '0', RELAY_CONFIG: join(mount, 'relay.yaml') };
  relay = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'src/main.ts')], {
    env: { PATH: process.env['PATH'], ...environment },
  });
  for (const stream of [relay.stdout, relay.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  await expect.poll(() => said).toContain('relay.started');
  const [, port = ''] = /"port":(\d+),"role"/.exec(said) ?? [];
  expect(await destinations(port)).toContain('"first"');

  // Twice: a watch that followed the file instead of its folder would end with the folder that is removed.
  publish(hook('second'));
  await expect.poll(() => times('config.reloaded')).toBe(1);
  expect(await destinations(port)).toContain('"second"');
  publish(hook('third'));
  await expect.poll(() => times('config.reloaded')).toBe(2);
  expect(await destinations(port)).toContain('"third"');

  publish('routes: nonsense\n');
  await expect.poll(() => times('config.refused')).toBe(1);
  expect(await destinations(port)).toContain('"third"');
  relay.kill('SIGTERM');
  expect(await new Promise((resolve) => relay!.once('exit', resolve))).toBe(0);
});
