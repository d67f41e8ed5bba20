/** The peer as a process of its own: frozen and killed without a goodbye, with news in hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRelay, type RelayProcess } from '#test/chaos/relay-process.ts';
import { CONFIG_HEAD, READ_TOKEN, type TestRelay } from '#test/support/relay.ts';
import {
  countOf,
  GRACE_MS,
  MISSING_AFTER_MS,
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
  // West runs in this process: after a stall of ours east must ask it all the same.
  writeFileSync(configFile, CONFIG_HEAD + pair.yaml('east').replace(`${MISSING_AFTER_MS}ms`, '30s'));
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

async function stateAtEast(trackingId: string, destination: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${READ_TOKEN}` };
  const answer = await fetch(`${east.url}/v1/incidents/${trackingId}/deliveries`, { headers });
  const { deliveries = [] } = (await answer.json()) as { deliveries?: { destination: string; state: string }[] };
  return deliveries.find((one) => one.destination === destination)?.state;
}

test('killed with the call to Teams under way: one card by the other, its end too; back again, it settles what it began, marked', async () => {
  pair.teams.failNext({ kind: 'hang', taken: false });
  await pair.post([east, west], { trackingId: 'PROC-001', communication: 1, stage: 'Active', level: 'Error' });
  await expect.poll(() => pair.teams.requests.length).toBe(1);
  // Its page is written down, or it would come once more, after the end that west tells.
  await expect.poll(() => stateAtEast('PROC-001', 'oncall')).toBe('delivered');
  await east.kill();
  await expect.poll(() => countOf('PROC-001', pair), { timeout: 30_000 }).toEqual({ teams: 1, slack: 1, pages: 1 });
  await pair.post([west], { trackingId: 'PROC-001', communication: 2, stage: 'Resolved', level: 'Error' });
  await expect.poll(() => countOf('PROC-001', pair).teams).toBe(2);
  await east.start();
  // East knows only its own half: it says once more what nobody has confirmed to it, and marks it.
  await expect.poll(() => countOf('PROC-001', pair).teams, { timeout: 30_000 }).toBe(3);
  expect(pair.teams.cards.at(-1)!.text).toContain('REPEAT');
  expect(countOf('PROC-001', pair).pages).toBe(1);
});

test('frozen before the news: told by the other; thawed, it tells what it heard meanwhile, once, and the page is one', async () => {
  east.signal('SIGSTOP');
  await expect
    .poll(() => peerPart(west), { timeout: 30_000 })
    .toMatchObject({ status: 'degraded', detail: expect.stringContaining('no answer (timeout)') });
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
