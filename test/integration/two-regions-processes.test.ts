/** The peer as a process of its own: frozen and killed without a goodbye, with news in hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRelay, type RelayProcess } from '#test/chaos/relay-process.ts';
import { CONFIG_HEAD, type TestRelay } from '#test/support/relay.ts';
import {
  countOf,
  GRACE_MS,
  openTwoRegions,
  openTwoStores,
  peerPart,
  stopTwoStores,
  type TwoRegions,
  type TwoStores,
} from '#test/support/two-regions.ts';
import { startTcpProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';

let stores: TwoStores;
let pair: TwoRegions;
let folder: string;
let east: RelayProcess;
let west: TestRelay;
let gate: TcpProxy;

beforeAll(async () => {
  stores = await openTwoStores('postgres');
});
afterAll(() => stopTwoStores(stores));
beforeEach(async () => {
  pair = await openTwoRegions(stores);
  folder = mkdtempSync(join(tmpdir(), 'relay-pair-'));
  const configFile = join(folder, 'relay.yaml');
  writeFileSync(configFile, CONFIG_HEAD + pair.yaml('east'));
  east = await createRelay({ name: 'east', folder, configFile, environment: pair.east.environment });
  await east.start();
  gate = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(east.url).port) });
  const config = pair.yaml('west').replace(`:${pair.east.proxy.port}`, `:${gate.port}`);
  west = await pair.startAs('west', config);
  for (const relay of [east, west]) await expect.poll(async () => (await peerPart(relay))?.status).toBe('ok');
});
afterEach(async () => {
  await east.kill();
  await gate.stop();
  await pair.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('killed with the call to Teams under way: one card by the other, its end too; back again, it settles what it began, marked', async () => {
  pair.teams.failNext({ kind: 'hang', taken: false });
  await pair.post([east, west], { trackingId: 'PROC-001', communication: 1, stage: 'Active', level: 'Error' });
  await expect.poll(() => pair.teams.requests.length).toBe(1);
  await east.kill();
  await expect.poll(() => countOf('PROC-001', pair), { timeout: 20_000 }).toEqual({ teams: 1, slack: 1, pages: 1 });
  await pair.post([west], { trackingId: 'PROC-001', communication: 2, stage: 'Resolved', level: 'Error' });
  await expect.poll(() => countOf('PROC-001', pair).teams).toBe(2);
  await east.start();
  // East knows only its own half: it says once more what nobody has confirmed to it, and marks it.
  await expect.poll(() => countOf('PROC-001', pair).teams, { timeout: 20_000 }).toBe(3);
  expect(pair.teams.cards.at(-1)!.text).toContain('REPEAT');
  expect(countOf('PROC-001', pair).pages).toBe(1);
});

test('frozen before the news: told by the other; thawed, it tells what it heard meanwhile, once, and the page is one', async () => {
  east.signal('SIGSTOP');
  await expect.poll(async () => (await peerPart(west))?.status, { timeout: 20_000 }).toBe('degraded');
  expect((await peerPart(west))!.detail).toContain('no answer (timeout)');
  const news = { trackingId: 'PROC-002', communication: 1, stage: 'Active', level: 'Error' } as const;
  const frozen = pair.post([east], news);
  await pair.post([west], news);
  await expect.poll(() => countOf('PROC-002', pair)).toEqual({ teams: 1, slack: 1, pages: 1 });
  east.signal('SIGCONT');
  await frozen;
  await expect.poll(() => countOf('PROC-002', pair).teams).toBe(2);
  await expect.poll(async () => (await peerPart(west))?.status).toBe('ok');
  // East stands by at Slack, asks west and hears that it was told.
  await sleep(GRACE_MS + 1_500);
  expect(countOf('PROC-002', pair)).toEqual({ teams: 2, slack: 1, pages: 1 });
});
