/** `relay check` beside a running relay: what a new config would leave open at a vendor. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { API_TOKEN, CONFIG_HEAD, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';
import { relay as command } from '#test/unit/cli/memory-io.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

let stores: Stores;
let running: TestRelay;
let vendor: WebhookServer;
let folder: string;

const hook = (more = ''): string => `{ type: webhook, url: "${vendor.url}/hook", secret: "${SECRET}"${more} }`;
const config = (destinations: string, to: string, head = ''): string =>
  `${head}destinations:\n${destinations}\nroutes: [{ match: {}, to: [${to}] }]\n`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relay-check-'));
  vendor = await new WebhookServer(SECRET).start();
  stores = await openStores('embedded');
  running = await startRelay(
    stores,
    config(`  first: ${hook()}\n  second: ${hook()}\n  idle: ${hook()}`, 'first, second'),
  );
  await running.post(serviceHealth({ trackingId: 'CHCK-001', communication: 1, stage: 'Active' }));
});
afterAll(async () => {
  await running.stop();
  await stores.stop();
  await vendor.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function warningsOf(text: string, url = running.url): Promise<{ path: string; message: string; hint: string }[]> {
  const file = join(folder, 'new.yaml');
  writeFileSync(file, CONFIG_HEAD + text);
  const ran = await command(['check', '--config', file, '--json'], { env: { RELAY_URL: url, RELAY_TOKEN: API_TOKEN } });
  expect(ran.code).toBe(0);
  return JSON.parse(ran.out).warnings;
}

test('a destination that is gone or has other vendor keys is a warning while something is open there', async () => {
  await running.level('CHCK-001', 2);
  expect(await warningsOf(config(`  second: ${hook(', id: other')}`, 'second'))).toEqual([
    expect.objectContaining({
      path: 'destinations.first',
      message: expect.stringMatching(/^is gone, and CHCK-001 is still open/),
    }),
    expect.objectContaining({
      path: 'destinations.second',
      message: expect.stringMatching(/^has another id/),
      hint: 'write id: second',
    }),
  ]);
  const rekeyed = await warningsOf(
    config(`  first: ${hook()}\n  second: ${hook()}`, 'first, second', 'relayId: another\n'),
  );
  expect(rekeyed.map(({ path, hint }) => [path, hint])).toEqual([
    ['destinations.first', 'write relayId: relay'],
    ['destinations.second', 'write relayId: relay'],
  ]);
  const other = config(
    `  first: { type: slack, webhookUrl: "${vendor.url}/slack" }\n  second: ${hook()}`,
    'first, second',
  );
  expect(await warningsOf(other)).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/^was a webhook/) }),
  ]);
});

test('one that goes elsewhere under its old name is a warning as well', async () => {
  const moved = `{ type: webhook, url: "${vendor.url}/elsewhere", secret: "${SECRET}" }`;
  expect(await warningsOf(config(`  first: ${hook()}\n  second: ${moved}\n  idle: ${moved}`, 'first, second'))).toEqual(
    [
      expect.objectContaining({
        path: 'destinations.second',
        message: expect.stringMatching(/^goes to another account/),
      }),
    ],
  );
});

test('one that is retired, renamed with its id, or has nothing open is none', async () => {
  const kept = config(
    `  first: ${hook(', retired: true')}\n  page: ${hook(', id: second')}\n  new: ${hook()}`,
    'page, new',
  );
  expect(await warningsOf(kept)).toEqual([]);
});

test('where no relay answers, or it lets nobody ask, check says what it says of the file', async () => {
  const gone = config(`  new: ${hook()}`, 'new');
  expect(await warningsOf(gone)).toHaveLength(2);
  expect(await warningsOf(gone, 'http://127.0.0.1:9')).toEqual([]);
  expect(await warningsOf(gone, `${vendor.url}/nothing`)).toEqual([]);
});
