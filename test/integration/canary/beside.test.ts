/** The canary beside others: replicas, other relays, silences, reloads, and its own rows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noteOrphans } from '#src/db/destinations.ts';
import { openPools } from '#src/db/pools.ts';
import { forgetCanaries } from '#src/db/canary.ts';
import { azureMonitorCanary } from '#src/pipeline/canary/bodies.ts';
import { canaryOf, startHeartbeatServer, untilWell } from '#test/support/canary.ts';
import { startRelayProcess } from '#test/support/event-hubs/start.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import type { VendorServer } from '#test/support/vendors/vendor-server.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const active = (id: string): unknown =>
  serviceHealth({ trackingId: id, communication: 1, stage: 'Active', subscription: 1 });

describe('beside others', () => {
  let stores: Stores;
  let ping: VendorServer;
  beforeAll(async () => {
    stores = await openStores('postgres');
    ping = await startHeartbeatServer();
  });
  afterAll(async () => {
    await stores.stop();
    await ping.stop();
  });

  const CONFIG = (): string => `canary: { every: 1s, within: 1s }\nheartbeat: { url: "${ping.url}/x", every: 1s }\n`;

  test('of three replicas one sends; when it goes another takes over, and no round is sent twice', async () => {
    const environment = await stores.environment();
    const relays = await Promise.all([1, 2, 3].map(() => startRelay(stores, CONFIG(), environment)));
    const pools = openPools(environment['DATABASE_URL']!, () => undefined);
    const sent = async (): Promise<number> => (await pools.read.query('select id from canaries')).rows.length;
    try {
      await untilWell(relays[0]!);
      const before = await sent();
      await expect.poll(sent, { timeout: 20_000 }).toBeGreaterThan(before + 5);
      // By the clock that says when a round is due.
      const { rows: early } = await pools.read.query(
        `select sent_at from (select sent_at, lag(sent_at) over (order by sent_at) as before from canaries group by sent_at) r
         where sent_at < before + interval '1 second'`,
      );
      expect(early).toEqual([]);
      const { rows } = await pools.read.query<{ holder: string }>('select holder from canary_watch');
      const senders = await Promise.all(
        relays.map(
          async (relay) => ((await relay.get('/metrics')).text.match(/relay_canary_runs_total\{/g) ?? []).length > 0,
        ),
      );
      expect(senders.filter(Boolean)).toHaveLength(1);
      await relays[senders.indexOf(true)]!.stop();
      relays.splice(senders.indexOf(true), 1);
      await expect
        .poll(async () => (await pools.read.query('select holder from canary_watch')).rows[0].holder)
        .not.toBe(rows[0]!.holder);
      await untilWell(relays[0]!);
    } finally {
      await Promise.all(relays.map((relay) => relay.stop()));
      await pools.end();
    }
  }, 120_000);

  test('the sender is killed: its lease runs out, and another goes on', async () => {
    const environment = await stores.environment();
    const folder = mkdtempSync(join(tmpdir(), 'relay-canary-'));
    const child = startRelayProcess({
      databaseUrl: environment['DATABASE_URL']!,
      receivers: 'eventHubs: []',
      config: CONFIG(),
      folder,
    });
    const pools = openPools(environment['DATABASE_URL']!, () => undefined);
    const holder = async (): Promise<string | null> =>
      (await pools.read.query<{ holder: string }>('select holder from canary_watch').catch(() => ({ rows: [] })))
        .rows[0]?.holder ?? null;
    let relay: TestRelay | null = null;
    try {
      await expect.poll(holder, { timeout: 20_000 }).not.toBeNull();
      const first = await holder();
      relay = await startRelay(stores, CONFIG(), environment);
      child.kill('SIGKILL');
      // 10 s after its last look.
      await expect.poll(holder, { timeout: 30_000 }).not.toBe(first);
      await untilWell(relay);
    } finally {
      child.kill('SIGKILL');
      await relay?.stop();
      await pools.end();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);

  test('a silence over everything does not hold it, and a process that listens on every address finds itself', async () => {
    const silence = `silences: [{ match: {}, from: "2026-01-01T00:00:00Z", until: "${new Date(Date.now() + 86_400_000).toISOString()}" }]\n`;
    const from = new Date(Date.now() - 60_000).toISOString();
    for (const HOST of ['0.0.0.0', '::']) {
      const relay = await startRelay(stores, CONFIG() + silence.replace('2026-01-01T00:00:00Z', from), {
        ...(await stores.environment()),
        HOST,
      });
      try {
        const url = relay.url.replace('0.0.0.0', '127.0.0.1').replace('//:::', '//[::1]:');
        await untilWell({ url });
      } finally {
        await relay.stop();
      }
    }
  });

  test('turned off by a reload its rows go at once, nothing is an orphan, and turned on again it is well', async () => {
    const environment = await stores.environment();
    const relay = await startRelay(stores, CONFIG(), environment);
    const pools = openPools(environment['DATABASE_URL']!, () => undefined);
    try {
      await untilWell(relay);
      const config = relay.app.config.current();
      relay.app.config.replace({ ...config, canary: null, heartbeat: null });
      await expect
        .poll(async () => (await pools.read.query(`select 1 from incidents where kind = 'canary'`)).rows.length)
        .toBe(0);
      const { parts } = (await relay.get('/readyz')).json;
      expect(parts.map((part: { name: string }) => part.name)).not.toContain('canary');
      expect(await canaryOf(relay)).toBeNull();
      const metrics = (await relay.get('/metrics')).text;
      expect(metrics).toContain('relay_orphaned_deliveries 0');
      expect(metrics).not.toMatch(/^relay_canary_age_seconds\{/m);
      relay.app.config.replace(config);
      await untilWell(relay);
    } finally {
      await relay.stop();
      await pools.end();
    }
  });

  test('canaries leave whole: not a row of them is left, and nothing else is touched', async () => {
    const environment = await stores.environment();
    const relay = await startRelay(stores, CONFIG(), environment);
    const pools = openPools(environment['DATABASE_URL']!, () => undefined);
    try {
      await untilWell(relay);
      await relay.post(active('KEEP-001'));
      await relay.stop();
      // Between a config without a canary and the removal of its rows no alarm is raised about them.
      const told = await pools.read.query(`select 1 from deliveries where destination = 'canary' and told = 'open'`);
      expect(told.rows.length).toBeGreaterThan(0);
      expect(await noteOrphans(pools.delivery, [])).toBe(0);
      const count = async (): Promise<number[]> => {
        const tables = ['signals', 'incidents', 'incident_scope', 'timeline', 'deliveries', 'attempts', 'canaries'];
        const counts = await Promise.all(tables.map((table) => pools.read.query(`select count(*) as n from ${table}`)));
        return counts.map(({ rows }) => (rows[0] as { n: number }).n);
      };
      expect(await forgetCanaries(pools.read, { keepMs: 3_600_000, limit: 500 })).toBe(0);
      expect(await forgetCanaries(pools.read, { keepMs: 0, limit: 500 })).toBeGreaterThan(1);
      const [signals, incidents, , timeline, deliveries, attempts, canaries] = await count();
      expect({ signals, incidents, timeline, deliveries, attempts, canaries }).toEqual({
        signals: 1,
        incidents: 1,
        timeline: 1,
        deliveries: 0,
        attempts: 0,
        canaries: 0,
      });
    } finally {
      await pools.end();
    }
  });

  test('the canary of another relay goes to the canary destination only, proves nothing, and does no harm to ours', async () => {
    const environment = await stores.environment();
    const relay = await startRelay(stores, CONFIG(), environment);
    const pools = openPools(environment['DATABASE_URL']!, () => undefined);
    try {
      await untilWell(relay);
      for (let i = 0; i < 8; i++) {
        const foreign = azureMonitorCanary(`${i}`.repeat(24), new Date().toISOString());
        expect((await relay.post(foreign)).json.signals).toMatchObject([{ outcome: 'opened' }]);
      }
      await expect
        .poll(
          async () =>
            (
              await pools.read.query(
                `select 1 from deliveries d join incidents i on i.id = d.incident_id where i.identity ~ '-(\\d)\\1{23}$' and d.state = 'delivered' and d.destination = 'canary'`,
              )
            ).rows.length,
        )
        .toBe(8);
      expect((await pools.read.query('select 1 from canaries where id ~ $1', ['^(\\d)\\1{23}$'])).rows).toEqual([]);
      await expect
        .poll(async () => (await relay.get('/v1/destinations')).json.destinations)
        .toMatchObject([{ name: 'canary', type: 'canary', consecutiveFailures: 0 }]);
      await untilWell(relay);
    } finally {
      await relay.stop();
      await pools.end();
    }
  });

  test('a canary that another sends with our mark tells nobody, where we send none ourselves', async () => {
    const environment = await stores.environment();
    const hook = await new WebhookServer(SECRET).start();
    const relay = await startRelay(
      stores,
      `destinations: { hook: { type: webhook, url: "${hook.url}", secret: "${SECRET}" } }\ndefault: [hook]\n`,
      environment,
    );
    try {
      const forged = `relay-canary-${'ab'.repeat(12)}`;
      const { status, json } = await relay.post(active(forged));
      expect(status).toBe(202);
      expect(json.signals).toMatchObject([{ outcome: 'opened' }]);
      const { incident } = (await relay.get(`/v1/incidents/${forged}`)).json;
      expect(incident).toMatchObject({ kind: 'canary', identity: `canary/${forged}` });
      expect((await relay.get(`/v1/incidents/${forged}/deliveries`)).json.deliveries).toEqual([]);
      expect(await canaryOf(relay)).toBeNull();
      // The callback is this process's own.
      for (const path of [
        '/v1/callbacks/canary',
        '/v1/callbacks/canary?token=',
        `/v1/callbacks/canary?token=${API_TOKEN}`,
      ])
        expect((await relay.call('POST', path, { data: { incident: { identity: `canary/${forged}` } } })).status).toBe(
          401,
        );
    } finally {
      await relay.stop();
      await hook.stop();
    }
  });
});
