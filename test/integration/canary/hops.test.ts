/**
 * Every hop of the chain is broken once: the canary names it, the heartbeat falls silent, and both recover. How long it took to
 * be seen is printed at the end (docs/operate.md).
 */
import { describe, expect, test } from 'vitest';
import type { App } from '#src/app.ts';
import { openPools } from '#src/db/pools.ts';
import { PATIENCE_MS, useCanaryBench } from '#test/support/canary-bench.ts';
import { canaryOf, untilUnwell, untilWell } from '#test/support/canary.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { FAST } from '#test/support/event-hubs/hub-relay.ts';
import { getFrom, startWithReceivers } from '#test/support/event-hubs/start.ts';
import { redisMissing } from '#test/support/redis.ts';
import { openStores, startRelay } from '#test/support/relay.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const bench = useCanaryBench();

test('received: a receiver that refuses our token, and one that is not reached at all', async () => {
  const front = await bench.ingress();
  const one = await bench.relay(bench.canary(`url: "${front.url}"`));
  front.target = one.url;
  await bench.broken('receiver: token refused', one, {
    wanted: /azure-monitor: the receiver did not take it \(it answered 401\).*event-grid/,
    break: () => front.failAlways({ kind: 'answer', answer: { status: 401 } }),
    mend: () => front.failAlways(null),
  });
  await bench.broken('receiver: connection cut', one, {
    wanted: /the receiver did not take it \(no answer/,
    break: () => front.failAlways({ kind: 'reset', taken: false }),
  });
});

test('received: only the broken door is named, and the other keeps its age', async () => {
  const front = await bench.ingress();
  const one = await bench.relay(bench.canary(`url: "${front.url}"`));
  front.target = one.url;
  await bench.broken('receiver: one door of two', one, {
    wanted: /^event-grid: the receiver did not take it \(it answered 404\)$/,
    break: () => (front.lost = '/v1/receivers/event-grid'),
    async mend() {
      // The other door's canary of this round may still be on its way.
      await expect
        .poll(async () => {
          const ages = (await canaryOf(one))!.hops.filter((hop) => hop.hop === 'returned');
          const age = (receiver: string): number => ages.find((hop) => hop.receiver === receiver)!.ageS;
          return age('event-grid') - age('azure-monitor');
        })
        .toBeGreaterThan(1);
      front.lost = '';
    },
  });
});

test('stored: Postgres is away: nobody sends, nobody beats, and the ages go on', async () => {
  const { DATABASE_URL: url } = await bench.stores().environment();
  const target = new URL(url!);
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  bench.later(() => proxy.stop());
  const one = await bench.relay(bench.canary(), { DATABASE_URL: through(url!, proxy) });
  const age = async (): Promise<number> =>
    Number(
      /relay_canary_age_seconds\{receiver="azure-monitor",hop="stored"\} (\S+)/.exec(
        (await one.get('/metrics')).text,
      )?.[1],
    );
  bench.later(async () => {
    proxy.mode = 'pass';
  });
  await bench.broken('Postgres away', one, {
    wanted: /the database does not answer/,
    break: () => {
      proxy.mode = 'away';
      proxy.cut();
    },
    async mend() {
      expect(await age()).toBeGreaterThan(2);
      proxy.mode = 'pass';
    },
  });
});

test('stored: Postgres takes connections and says nothing: the same, and it recovers by itself', async () => {
  const { DATABASE_URL: url } = await bench.stores().environment();
  const target = new URL(url!);
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  bench.later(() => proxy.stop());
  const one = await bench.relay(bench.canary(), { DATABASE_URL: through(url!, proxy) });
  bench.later(async () => {
    proxy.mode = 'pass';
    proxy.cut();
  });
  await bench.broken('Postgres hangs', one, {
    wanted: /the database does not answer|no canary was sent|did not end/,
    break: () => (proxy.mode = 'hang'),
    mend() {
      proxy.mode = 'pass';
      proxy.cut();
    },
  });
});

test.skipIf(redisMissing() !== null)(
  'attempted: the queue is gone, and the reconciler carries the canary',
  async () => {
    const withRedis = await openStores('redis');
    bench.later(() => withRedis.stop());
    const one = await bench.relay(bench.canary(), await withRedis.environment(), withRedis);
    await untilWell(one, PATIENCE_MS);
    await withRedis.redis!.kill();
    const before = bench.ping().requests.length;
    await expect.poll(() => bench.ping().requests.length, { timeout: PATIENCE_MS }).toBeGreaterThan(before + 2);
    const view = await untilWell(one, PATIENCE_MS);
    const took = view.hops.find((hop) => hop.hop === 'returned')!.tookMs!;
    bench.note(`${'queue gone (Redis killed)'.padEnd(34)}     -    carried by the reconciler, back after ${took} ms`);
    await withRedis.redis!.restart();
  },
);

test('attempted: no worker', async () => {
  const environment = await bench.stores().environment();
  const api = await bench.relay(bench.canary(), { ...environment, RELAY_ROLE: 'api' });
  let worker = await startRelay(bench.stores(), bench.canary(), { ...environment, RELAY_ROLE: 'worker' });
  bench.later(() => worker.stop());
  await bench.broken('worker dead', api, {
    wanted: /no worker came for the delivery/,
    break: () => worker.stop(),
    async mend() {
      worker = await startRelay(bench.stores(), bench.canary(), { ...environment, RELAY_ROLE: 'worker' });
    },
  });
});

test('accepted: the canary destination refuses', async () => {
  const hook = await new WebhookServer(SECRET).start();
  bench.later(() => hook.stop());
  const one = await bench.relay(
    `destinations: { probe: { type: webhook, url: "${hook.url}/probe", secret: "${SECRET}", retry: { schedule: [200ms] } } }\n${bench.canary('destination: probe')}`,
  );
  await bench.broken('destination refuses (503)', one, {
    wanted: /the canary destination did not accept it/,
    break: () => hook.failAlways({ kind: 'answer', answer: { status: 503 } }),
    mend: () => hook.failAlways(null),
  });
  expect(hook.events.every((event) => event.body.data.incident.headline.startsWith('[Canary]'))).toBe(true);
});

describe('by an Event Hub', () => {
  async function withHub(
    send: (server: EventHubsServer) => string,
  ): Promise<{ url: string; server: EventHubsServer; databaseUrl: string }> {
    const databaseUrl = (await bench.stores().environment())['DATABASE_URL']!;
    const server = await new EventHubsServer({ hubs: { alerts: { partitions: 1 }, other: { partitions: 1 } } }).start();
    bench.later(() => server.stop());
    const app = await startWithReceivers({
      databaseUrl,
      receivers: `eventHubs: [{ name: alerts, source: hub, connectionString: "${server.connectionString('alerts')}" }]`,
      config: bench.canary(`hubs: { alerts: "${send(server)}" }`),
      tuning: FAST,
    });
    bench.later(() => app.stop());
    return { url: app.url, server, databaseUrl };
  }

  test('received: the hub takes nothing more', async () => {
    const { url, server } = await withHub((one) => one.connectionString('alerts'));
    await bench.broken(
      'hub away',
      { url },
      {
        wanted: /event-hub alerts: the receiver did not take it \(the hub refused it/,
        break: () => server.stop(),
      },
    );
  });

  test('stored: the hub takes it and we hear nothing, for another holds its partition and does not read', async () => {
    const { url, databaseUrl } = await withHub((one) => one.connectionString('alerts'));
    const pools = openPools(databaseUrl, () => undefined);
    bench.later(() => pools.end());
    await bench.broken(
      'hub silent: nobody reads it',
      { url },
      {
        wanted: /^event-hub alerts: it was taken and did not become an incident$/,
        break: () =>
          pools.read.query(
            `update event_hub_ownership set owner_id = 'somebody', etag = gen_random_uuid(), modified_at = now() + interval '1 hour'`,
          ),
        mend: () => pools.read.query(`update event_hub_ownership set modified_at = now() - interval '1 hour'`),
      },
    );
  });

  test('stored: what may send leads to another hub: the canary says so, and nothing ever beats', async () => {
    const { url } = await withHub((one) => one.connectionString('other'));
    // A machine that is busy may take the first one too late to say more than that.
    await untilUnwell({ url }, /^event-hub alerts: it was taken and did not become an incident$/, PATIENCE_MS);
    expect(bench.ping().requests).toEqual([]);
    // Never yet is an age too, or the alert would not fire for an address that was wrong from the start.
    const metrics = (await getFrom({ url } as App, '/metrics')) as string;
    expect(Number(/^relay_heartbeat_age_seconds (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(1);
  });
});
