/** Two relays of one relayId in two regions: one page, and one card where the vendor cannot dedup; never both silent. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FOOTINGS, type TestRelay } from '#test/support/relay.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
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

interface Entry {
  summary: string;
  data: Record<string, unknown>;
}

let stores: TwoStores;
let pair: TwoRegions;
/** Asked and answered: before the first look the part is in order as well, but has something to say. */
const well = (...relays: TestRelay[]) =>
  Promise.all(relays.map((one) => expect.poll(() => peerPart(one)).toEqual({ name: 'peer', status: 'ok' })));
const missing = (relay: TestRelay) => expect.poll(async () => (await peerPart(relay))?.status).toBe('degraded');
const counts = (id: string) => countOf(id, pair);
const triggers = () => pair.pager.entries.filter((entry) => entry.event === 'trigger').length;
async function timeline(relay: TestRelay, id: string): Promise<Entry[]> {
  return (await relay.get(`/v1/incidents/${id}/timeline`)).json.timeline as Entry[];
}
async function attempts(relay: TestRelay, id: string, destination: string): Promise<{ action: string }[]> {
  const { deliveries } = (await relay.get(`/v1/incidents/${id}/deliveries`)).json;
  return (deliveries as { destination: string; attempts: { action: string }[] }[]).find(
    (one) => one.destination === destination,
  )!.attempts;
}

describe.each(FOOTINGS)('on the footing %s', (footing) => {
  beforeAll(async () => {
    stores = await openTwoStores(footing);
  });
  afterAll(() => stopTwoStores(stores));
  beforeEach(async () => {
    pair = await openTwoRegions(stores);
  });
  afterEach(() => pair.stop());

  test('both hear everything: one page, one card each, and the timeline says who told it', async () => {
    const [east, west] = [await pair.start('east'), await pair.start('west')];
    await well(east, west);
    for (const [n, stage] of ['Active', 'Active', 'Resolved'].entries()) {
      await pair.post([east, west], { trackingId: 'PAIR-001', communication: n + 1, stage, level: 'Error' });
      await expect.poll(() => counts('PAIR-001')).toEqual({ teams: n + 1, slack: n + 1, pages: 1 });
      // Of both relays: one that came after the end would be another page.
      await expect.poll(triggers).toBe(2);
    }
    await Promise.all([east.level('PAIR-001', 3), west.level('PAIR-001', 3)]);
    expect(counts('PAIR-001')).toEqual({ teams: 3, slack: 3, pages: 1 });
    expect(pair.pager.pages).toBe(1);
    expect(pair.pager.alerts().map((alert) => alert.status)).toEqual(['resolved']);
    expect(await attempts(west, 'PAIR-001', 'channel')).toEqual([]);
    const decisions = (await timeline(west, 'PAIR-001')).filter((entry) => entry.data['destination'] === 'channel');
    expect(decisions.map((entry) => entry.data['decision'])).toContain('suppressed');
    expect(decisions.at(-1)!.summary).toBe('channel: nothing sent (told by the peer)');
    await expect
      .poll(async () => (await east.get('/metrics')).text)
      .toMatch(/relay_peer_up\{peer="127\.0\.0\.1:\d+"\} 1/);
  });

  test('the peer is gone before the news: it is told at once; the peer is back: it tells the next', async () => {
    let east = await pair.start('east');
    const west = await pair.start('west');
    await well(west);
    await east.stop();
    await missing(west);
    await expect.poll(async () => (await west.get('/readyz')).json.status as string).toBe('degraded');
    await pair.post([west], { trackingId: 'PAIR-002', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => counts('PAIR-002')).toEqual({ teams: 1, slack: 1, pages: 1 });
    expect(await held(west, 'PAIR-002')).toEqual([]);
    east = await pair.start('east');
    await well(east, west);
    // What west has opened it closes, whoever else does: an open card would never close.
    await pair.post([west], { trackingId: 'PAIR-002', communication: 2, stage: 'Resolved', level: 'Error' });
    await expect.poll(() => counts('PAIR-002').teams).toBe(2);
    await pair.post([east, west], { trackingId: 'PAIR-003', communication: 1, stage: 'Active', level: 'Error' });
    await Promise.all([east.level('PAIR-003', 3), west.level('PAIR-003', 3)]);
    expect(counts('PAIR-003')).toEqual({ teams: 1, slack: 1, pages: 1 });
    expect(await attempts(west, 'PAIR-003', 'channel')).toEqual([]);
  });
});

/** What the channel's policy said of waiting for the peer. */
async function held(relay: TestRelay, trackingId: string): Promise<unknown[]> {
  return (await timeline(relay, trackingId)).filter(
    ({ data }) => data['destination'] === 'channel' && data['decision'] === 'suppressed',
  );
}

describe('between two relays', () => {
  let east: TestRelay;
  let west: TestRelay;
  beforeAll(async () => {
    stores = await openTwoStores('postgres');
  });
  afterAll(() => stopTwoStores(stores));
  beforeEach(async () => {
    pair = await openTwoRegions(stores);
  });
  afterEach(() => pair.stop());
  async function startBoth(more: { east?: object; west?: object } = {}): Promise<void> {
    [east, west] = [await pair.start('east', more.east), await pair.start('west', more.west)];
    await well(east, west);
  }

  test('the peer dies with the message in hand: it is told when the peer is missing, and its end too', async () => {
    await startBoth();
    pair.teams.failNext({ kind: 'hang', taken: false });
    await pair.post([east, west], { trackingId: 'PAIR-010', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => pair.teams.requests.length).toBe(1);
    pair.east.proxy.mode = 'away';
    pair.east.proxy.cut();
    await east.stop();
    await expect.poll(() => counts('PAIR-010').teams, { timeout: 20_000 }).toBe(1);
    await pair.post([west], { trackingId: 'PAIR-010', communication: 2, stage: 'Resolved', level: 'Error' });
    await expect.poll(() => counts('PAIR-010').teams).toBe(2);
    expect((await attempts(west, 'PAIR-010', 'channel')).map((one) => one.action)).toEqual(['open', 'resolve']);
  });

  test('the peer dies after it has told, within the grace: one message more, and one page', async () => {
    await startBoth();
    await pair.post([east, west], { trackingId: 'PAIR-011', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => counts('PAIR-011').teams).toBe(1);
    await expect.poll(() => held(west, 'PAIR-011')).not.toEqual([]);
    pair.east.proxy.mode = 'away';
    pair.east.proxy.cut();
    await east.stop();
    await west.level('PAIR-011', 3);
    expect(counts('PAIR-011')).toEqual({ teams: 2, slack: 1, pages: 1 });
    const entries = (await timeline(west, 'PAIR-011')).map((entry) => entry.summary);
    expect(entries.some((summary) => summary.includes('held back for the peer'))).toBe(true);
  });

  test('a partition: each tells, once each, the page is one; after it one of them tells', async () => {
    await startBoth();
    for (const { proxy } of [pair.east, pair.west]) {
      proxy.mode = 'away';
      proxy.cut();
    }
    await Promise.all([missing(east), missing(west)]);
    await pair.post([east, west], { trackingId: 'PAIR-012', communication: 1, stage: 'Active', level: 'Error' });
    await Promise.all([east.level('PAIR-012', 3), west.level('PAIR-012', 3)]);
    expect(counts('PAIR-012')).toEqual({ teams: 2, slack: 2, pages: 1 });
    for (const { proxy } of [pair.east, pair.west]) proxy.mode = 'pass';
    await well(east, west);
    await pair.post([east, west], { trackingId: 'PAIR-012', communication: 2, stage: 'Resolved', level: 'Error' });
    await Promise.all([east.level('PAIR-012', 3), west.level('PAIR-012', 3)]);
    expect(counts('PAIR-012')).toEqual({ teams: 4, slack: 4, pages: 1 });
    await pair.post([east, west], { trackingId: 'PAIR-013', communication: 1, stage: 'Active', level: 'Error' });
    await Promise.all([east.level('PAIR-013', 3), west.level('PAIR-013', 3)]);
    expect(counts('PAIR-013')).toEqual({ teams: 1, slack: 1, pages: 1 });
    expect(pair.pager.pages).toBe(2);
  });

  test('the peer takes calls and answers none: it is missing', async () => {
    await startBoth();
    pair.east.proxy.mode = 'hang';
    await missing(west);
    expect((await peerPart(west))!.detail).toContain('no answer (timeout)');
    await pair.post([west], { trackingId: 'PAIR-014', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => counts('PAIR-014')).toEqual({ teams: 1, slack: 1, pages: 1 });
  });

  test('the peer is well and has not told, whatever the reason: it is told after the grace', async () => {
    await startBoth();
    // The call of Azure never reached east.
    const at = Date.now();
    await pair.post([west], { trackingId: 'PAIR-015', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => counts('PAIR-015').teams, { timeout: 20_000 }).toBe(1);
    expect(Date.now() - at).toBeGreaterThanOrEqual(GRACE_MS);
    // East cannot reach Teams.
    pair.teams.failNext({ kind: 'answer', answer: { status: 500 } }, 4);
    await pair.post([east, west], { trackingId: 'PAIR-016', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => counts('PAIR-016').teams, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
  });

  test('what the peer holds back by a wish that both share stays held; passThrough tells it', async () => {
    await startBoth();
    await east.call('POST', '/v1/silences', { match: {}, destinations: ['channel'], for: '1h' });
    await pair.post([east, west], { trackingId: 'PAIR-017', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => counts('PAIR-017')).toEqual({ teams: 0, slack: 1, pages: 1 });
    await sleep(GRACE_MS * 2 + 500);
    expect(counts('PAIR-017').teams).toBe(0);
    expect((await west.call('PUT', '/v1/pass-through', { on: true, reason: 'test' })).status).toBe(200);
    await expect.poll(() => counts('PAIR-017').teams).toBe(1);
  });

  test('on standby in both by mistake: it is told all the same', async () => {
    const both = `  mute: { type: teams, webhookUrl: "${pair.teams.url}", standby: true }\n`;
    const more = { destinations: both, to: 'mute' };
    await startBoth({ east: more, west: more });
    await pair.post([east, west], { trackingId: 'PAIR-018', communication: 1, stage: 'Active', level: 'Error' });
    // Whoever asks first is told that nothing was told, and tells; the other may have asked in the same moment.
    await expect.poll(() => counts('PAIR-018').teams, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
    await Promise.all([east.level('PAIR-018', 1), west.level('PAIR-018', 1)]);
    expect(counts('PAIR-018').teams).toBeLessThanOrEqual(2);
  });

  test('the peer takes signals and nobody delivers them, or its Postgres is away: it is missing, and the page is one', async () => {
    const postgres = new URL(pair.east.environment['DATABASE_URL']!);
    const gate = await startTcpProxy({ host: postgres.hostname, port: Number(postgres.port) });
    const folder = mkdtempSync(join(tmpdir(), 'relay-pair-'));
    pair.east.environment['DATABASE_URL'] = through(postgres.href, gate);
    pair.east.environment['RELAY_SPOOL_DIR'] = folder;
    try {
      await startBoth();
      gate.mode = 'away';
      gate.cut();
      await missing(west);
      await pair.post([east, west], { trackingId: 'PAIR-020', communication: 1, stage: 'Active', level: 'Error' });
      await expect.poll(() => counts('PAIR-020')).toEqual({ teams: 1, slack: 1, pages: 1 });
      // East has opened the page without its database, under the same key.
      await expect.poll(triggers).toBe(2);
      expect(pair.pager.pages).toBe(1);
      gate.mode = 'pass';
      await east.stop();
      pair.east.environment['RELAY_ROLE'] = 'api';
      await pair.start('east');
      await expect.poll(async () => (await peerPart(west))!.detail).toBe('no process of it delivers');
    } finally {
      await gate.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.each([
    ['its own address', 'itself'],
    ['another relayId', 'another relayId'],
    ['a wrong token', 'refuses peer.token'],
  ])('a peer that is none, by %s, counts as missing and says so', async (what, detail) => {
    const wrong = {
      'its own address': () => pair.yaml('west').replace(String(pair.east.proxy.port), String(pair.west.port)),
      'another relayId': () => pair.yaml('west').replace('relayId: pair', 'relayId: lone'),
      'a wrong token': () => pair.yaml('west').replace('token: test-read', 'token: test-rear'),
    }[what]!;
    east = await pair.start('east');
    west = await pair.startAs('west', wrong());
    await expect.poll(async () => (await peerPart(west))!.detail).toContain(detail);
    expect((await peerPart(west))!.status).toBe('degraded');
    await pair.post([west], { trackingId: 'PAIR-019', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => counts('PAIR-019').teams).toBe(1);
    expect(await held(west, 'PAIR-019')).toEqual([]);
  });
});
