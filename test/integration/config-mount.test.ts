/**
 * `relay.yaml` as Kubernetes mounts it: a symbolic link into `..data`, itself a link to a dated folder. An update makes a
 * new folder and renames a new `..data` over the old one; the path of the config itself never changes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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
function publish(text: string, { into = mount, name = 'relay.yaml' } = {}): void {
  const before = existsSync(join(into, '..data')) ? readlinkSync(join(into, '..data')) : null;
  const dated = `..2026_11_25_00_00_00.${++updates}`;
  mkdirSync(join(into, dated));
  writeFileSync(join(into, dated, name), text);
  symlinkSync(dated, join(into, '..data_tmp'));
  renameSync(join(into, '..data_tmp'), join(into, '..data'));
  if (before === null) symlinkSync(join('..data', name), join(into, name));
  else rmSync(join(into, before), { recursive: true });
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

  // A secret that the config names by a path, in a mount of its own: rotated, it is in force without a restart.
  const secrets = join(folder, 'secrets');
  mkdirSync(secrets);
  publish('first-token-of-the-eyes-0123456789\n', { into: secrets, name: 'eyes' });
  const named = hook('fourth').replace(READ_TOKEN, `"\${file:${join(secrets, 'eyes')}}"`);
  publish(named);
  await expect.poll(() => times('config.reloaded')).toBe(3);
  const status = async (token: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/v1/destinations`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await status('first-token-of-the-eyes-0123456789')).toBe(200);
  publish('second-token-of-the-eyes-0123456789\n', { into: secrets, name: 'eyes' });
  await expect.poll(() => times('config.reloaded')).toBe(4);
  expect(await status('second-token-of-the-eyes-0123456789')).toBe(200);
  expect(await status('first-token-of-the-eyes-0123456789')).toBe(401);
  relay.kill('SIGTERM');
  expect(await new Promise((resolve) => relay!.once('exit', resolve))).toBe(0);
});
