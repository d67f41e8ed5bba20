/** The relay as a process: signals, reloads, exit codes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CONFIG_HEAD, READ_TOKEN } from '#test/support/relay.ts';

const ROOT = join(import.meta.dirname, '../..');
const CONFIG = `${CONFIG_HEAD}destinations:
  hook: { type: webhook, url: "http://127.0.0.1:9/hook", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= }
routes: [{ match: {}, to: [hook] }]
`;

let folder: string;
let child: ChildProcess | undefined;
let closed: Promise<unknown> = Promise.resolve();
let said = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'relay-process-'));
});
afterEach(async () => {
  await end();
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Only what is given stands in the environment. */
function start(config: string, env: Record<string, string> = {}): ChildProcess {
  const file = join(folder, 'relay.yaml');
  writeFileSync(file, config);
  said = '';
  const more = { PORT: '0', RELAY_CONFIG: file, RELAY_DATA_DIR: join(folder, 'data'), ...env };
  child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'src/main.ts')], {
    env: { PATH: process.env['PATH'], ...more },
  });
  closed = once(child, 'close');
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  return child;
}

async function hears(text: string): Promise<void> {
  await expect.poll(() => said, { timeout: 40_000, interval: 20 }).toContain(text);
}

/** When all that it said has been heard as well, which may be after its exit. */
async function codeOf(one: ChildProcess): Promise<number | null> {
  await closed;
  return one.exitCode;
}

async function end(): Promise<number | null> {
  const one = child;
  if (!one) return null;
  child = undefined;
  one.kill('SIGTERM');
  return codeOf(one);
}

test('a SIGHUP in the middle of the start is answered after it, and ends nothing', async () => {
  const relay = start(CONFIG);
  await hears('embedded postgres started');
  relay.kill('SIGHUP');
  await hears('config.reloaded');
  expect(said.indexOf('relay.started')).toBeLessThan(said.indexOf('config.reloaded'));
  expect(await end()).toBe(0);
});

test('a config that changes in the middle of the start is read after it', async () => {
  start(CONFIG);
  await hears('embedded postgres started');
  writeFileSync(join(folder, 'relay.yaml'), CONFIG.replace('match: {}', 'match: { kind: outage }'));
  await hears('config.reloaded');
  expect(said.indexOf('relay.started')).toBeLessThan(said.indexOf('config.reloaded'));
  expect(await end()).toBe(0);
});

test('a reload with faults changes nothing and shows; one with warnings says them', async () => {
  const relay = start(CONFIG);
  await hears('relay.started');
  const [, port] = /"port":(\d+),"role"/.exec(said) ?? [];
  const ask = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { authorization: `Bearer ${READ_TOKEN}` },
    });
    return response.text();
  };
  writeFileSync(join(folder, 'relay.yaml'), CONFIG.replace('to: [hook]', 'to: [hok]'));
  relay.kill('SIGHUP');
  await hears('config.refused');
  expect(await ask('/readyz')).toContain('unknown destination');
  expect(await ask('/metrics')).toContain('relay_config_reload_ok 0');
  expect(await ask('/v1/destinations')).toContain('"hook"');
  writeFileSync(join(folder, 'relay.yaml'), CONFIG.replace('match: {}', 'match: { kind: outage }'));
  relay.kill('SIGHUP');
  await hears('an incident that no route takes goes to every destination');
  expect(await ask('/metrics')).toContain('relay_config_reload_ok 1');
  await expect.poll(async () => JSON.parse(await ask('/readyz')) as unknown).toMatchObject({ status: 'ok' });
  // It ends itself with 1 after 14 s.
  expect(await end()).toBe(0);
});

test.each([
  ['empty', ''],
  ['cut before the destinations', CONFIG.slice(0, CONFIG.indexOf('destinations:'))],
])('a reload that finds the file %s keeps what is in force', async (_, text) => {
  const relay = start(CONFIG);
  await hears('relay.started');
  const [, port] = /"port":(\d+),"role"/.exec(said) ?? [];
  writeFileSync(join(folder, 'relay.yaml'), text);
  relay.kill('SIGHUP');
  await hears('config.refused');
  const call = async (path: string, token: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } })).text();
  expect(await call('/v1/destinations', READ_TOKEN)).toContain('"hook"');
  expect(await call('/readyz', READ_TOKEN)).toContain('cut short');
  writeFileSync(join(folder, 'relay.yaml'), CONFIG);
  relay.kill('SIGHUP');
  await hears('config.reloaded');
  expect(JSON.parse(await call('/readyz', READ_TOKEN))).toMatchObject({ status: 'ok' });
});

test('a reload that takes the last destination away, and says so, is in force', async () => {
  const relay = start(CONFIG);
  await hears('relay.started');
  writeFileSync(join(folder, 'relay.yaml'), `${CONFIG.slice(0, CONFIG.indexOf('destinations:'))}destinations: {}\n`);
  relay.kill('SIGHUP');
  await hears('config.reloaded');
  expect(said).not.toContain('config.refused');
});

test.each([
  ['environment', CONFIG, { PORT: 'abc', LOG_LEVEL: 'loud' }, ['PORT:', 'LOG_LEVEL:']],
  [
    'config',
    CONFIG.replace('to: [hook]', 'to: [hok]').replace('webhook,', 'wehbook,'),
    {},
    ['relay.yaml:5:', 'relay.yaml:6:'],
  ],
])('faults of the %s end it with 1, all of them named', async (_, config, env, named) => {
  const relay = start(config, env);
  expect(await codeOf(relay)).toBe(1);
  for (const text of named) expect(said).toContain(text);
});
