/** As in production: TLS and a token instead of a key. The SDK has no way to combine a credential with the emulator flag. */
import tls from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { hubStore } from '#src/hubs.ts';
import { clientOpener } from '#src/receivers/event-hubs/client.ts';
import { sendToHub } from '#src/receivers/event-hubs/producer.ts';
import { startHubReceiver } from '#src/receivers/event-hubs/hub-receiver.ts';
import { CERTIFICATE } from '#test/support/event-hubs/certificate.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { openHubBench, type HubBench } from '#test/support/event-hubs/hub-bench.ts';
import { FAST } from '#test/support/event-hubs/hub-relay.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, type Stores } from '#test/support/relay.ts';

let stores: Stores;
let bench: HubBench;
let server: EventHubsServer;
const trusted = tls.getCACertificates('default');

beforeAll(async () => {
  tls.setDefaultCACertificates([...trusted, CERTIFICATE.cert]);
  stores = await openStores('postgres');
  bench = await openHubBench((await stores.environment())['DATABASE_URL']!);
  server = await new EventHubsServer({ hubs: { activity: { partitions: 2 } }, tls: CERTIFICATE }).start();
});
afterAll(async () => {
  tls.setDefaultCACertificates(trusted);
  await server.stop();
  await bench.stop();
  await stores.stop();
});

test('a hub is read over TLS with a token for Event Hubs, which is asked for by its scope', async () => {
  const scopes: unknown[] = [];
  const credential = {
    getToken: async (scope: string | string[]) => {
      scopes.push(scope);
      return { token: 'a-managed-identity-token', expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  const titles: string[] = [];
  const receiver = startHubReceiver(
    {
      name: 'activity',
      source: 'prod',
      subscription: null,
      consumerGroup: '$Default',
      connectionString: null,
      namespace: `localhost:${server.port}`,
      hub: 'activity',
      maxRecords: 600,
    },
    {
      store: hubStore(bench.pools.read),
      commit: async (signals: Signal[]) => {
        titles.push(...signals.map((signal) => signal.trackingId ?? ''));
        return 'stored';
      },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      now: () => new Date(),
      tuning: FAST,
      open: clientOpener(async () => credential),
    },
  );
  server.publish('activity', serviceHealth({ trackingId: 'TLS1-001', communication: 1, stage: 'Active' }));
  await expect.poll(() => titles).toEqual(['TLS1-001']);
  expect(scopes.flat()).toContain('https://eventhubs.azure.net//.default');
  expect(server.tokens[0]).toMatchObject({ type: 'jwt', token: 'a-managed-identity-token' });
  await expect.poll(() => receiver.state().status).toBe('ok');
  await receiver.stop();
});

test('a canary is sent over TLS with a token of the identity', async () => {
  const credential = {
    getToken: async () => ({ token: 'a-token-that-may-send', expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const hub = {
    name: 'activity',
    source: 'prod',
    subscription: null,
    consumerGroup: '$Default',
    connectionString: null,
    namespace: `localhost:${server.port}`,
    hub: 'activity',
    maxRecords: 600,
  };
  await sendToHub(hub, {
    connectionString: null,
    body: { records: [] },
    timeoutMs: 30_000,
    credentialOf: async () => credential,
  });
  expect(server.tokens.at(-1)).toMatchObject({ type: 'jwt', token: 'a-token-that-may-send' });
});
