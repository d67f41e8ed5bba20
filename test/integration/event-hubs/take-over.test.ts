/** A replica that dies without a word, with the times of production. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_TUNING } from '#src/receivers/event-hubs/tuning.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { hookConfig, SECRET, startHubRelay, type HubRelay } from '#test/support/event-hubs/hub-relay.ts';
import { startRelayProcess } from '#test/support/event-hubs/start.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, type Stores } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

let stores: Stores;
let server: EventHubsServer;
let hook: WebhookServer;
let survivor: HubRelay;
let victim: ChildProcess;
let folder: string;
let databaseUrl: string;

beforeAll(async () => {
  stores = await openStores('postgres');
  server = await new EventHubsServer({ hubs: { activity: { partitions: 4 } } }).start();
  hook = await new WebhookServer(SECRET).start();
  databaseUrl = (await stores.environment())['DATABASE_URL']!;
  folder = mkdtempSync(join(tmpdir(), 'relay-take-over-'));
});
afterAll(async () => {
  victim.kill('SIGKILL');
  await survivor.stop();
  await server.stop();
  await hook.stop();
  await stores.stop();
  rmSync(folder, { recursive: true, force: true });
});

const publish = (n: number): void =>
  void server.publish(
    'activity',
    serviceHealth({ trackingId: `KILL-${1000 + n}`, communication: 1, stage: 'Active' }),
    {
      partition: n % 4,
    },
  );
const mine = async (): Promise<number> => (await survivor.hub('activity')).partitions.length;

test(
  'two replicas, one killed in the middle: nothing lost, nothing told twice, taken over after the expiry',
  {
    timeout: 180_000,
  },
  async () => {
    survivor = await startHubRelay({
      databaseUrl,
      hubs: { activity: server.connectionString('activity') },
      hook,
      tuning: DEFAULT_TUNING,
    });
    await expect.poll(mine, { timeout: 30_000 }).toBe(4);
    victim = startRelayProcess({
      databaseUrl,
      receivers: `eventHubs: [{ name: activity, source: activity, connectionString: "${server.connectionString('activity')}" }]`,
      config: hookConfig(hook),
      folder,
    });
    await expect.poll(mine, { timeout: 40_000 }).toBe(2);
    for (let n = 0; n < 100; n++) publish(n);
    await expect.poll(() => hook.openings).toBeGreaterThan(10);
    const killed = performance.now();
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    for (let n = 100; n < 200; n++) publish(n);
    // The expiry and one cycle, where nothing else keeps the machine busy.
    const timeout = 6 * DEFAULT_TUNING.ownershipExpiryMs;
    await expect.poll(() => hook.openings, { timeout, interval: 100 }).toBe(200);
    process.stdout.write(`take-over of a killed replica: ${((performance.now() - killed) / 1000).toFixed(1)} s\n`);
    await survivor.level('activity');
    // What the dead had claimed of deliveries may be repeated under the same id, never as a second opening.
    expect(hook.events.filter((event) => event.body.type === 'incident.opened')).toHaveLength(200);
  },
);
