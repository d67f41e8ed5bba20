/** One outage through three doors, whichever comes first, is one incident and one set of notifications. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { throughDoors, type Doors } from '#test/support/event-hubs/doors.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { SECRET, startHubRelay, type HubRelay } from '#test/support/event-hubs/hub-relay.ts';
import { openStores, type Stores } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

type Door = keyof Doors;
const DOORS: Door[] = ['webhook', 'actionGroup', 'export'];
const ORDERS = DOORS.flatMap((first) =>
  DOORS.filter((door) => door !== first).map((second) => [
    first,
    second,
    DOORS.find((door) => door !== first && door !== second)!,
  ]),
);

describe('the same outage through webhook, action group hub and activity log export', () => {
  let stores: Stores;
  let server: EventHubsServer;
  let hook: WebhookServer;
  let relay: HubRelay;

  beforeAll(async () => {
    stores = await openStores('postgres');
    server = await new EventHubsServer({ hubs: { alerts: { partitions: 2 }, activity: { partitions: 2 } } }).start();
    hook = await new WebhookServer(SECRET).start();
    relay = await startHubRelay({
      databaseUrl: (await stores.environment())['DATABASE_URL']!,
      hubs: { alerts: server.connectionString('alerts'), activity: server.connectionString('activity') },
      hook,
    });
  });
  afterAll(async () => {
    await relay.stop();
    await server.stop();
    await hook.stop();
    await stores.stop();
  });

  const signalsOf = async (): Promise<number> =>
    ((await relay.get('/v1/sources')).sources as { signals: number }[]).reduce((sum, one) => sum + one.signals, 0);

  async function send(door: Door, body: Record<string, unknown>): Promise<void> {
    const before = await signalsOf();
    if (door === 'webhook') await relay.post(body);
    else server.publish(door === 'export' ? 'activity' : 'alerts', body);
    await expect.poll(signalsOf, { interval: 20 }).toBeGreaterThan(before);
  }

  test.each(ORDERS.map((order, index) => [order.join(', '), order, index] as const))('%s', async (_, order, index) => {
    const trackingId = `DOOR-10${index}`;
    const posts = [
      throughDoors({ trackingId, communication: 1, stage: 'Active' }),
      throughDoors({ trackingId, communication: 2, stage: 'Active' }),
      throughDoors({ trackingId, communication: 3, stage: 'Resolved' }),
    ];
    const told = (): string[] =>
      hook.events
        .filter((event) => event.body.data.incident['trackingId'] === trackingId)
        .map((event) => event.body.type);
    for (const [n, post] of posts.entries()) {
      for (const door of order) await send(door, post[door]);
      await expect.poll(() => told().length).toBe(n + 1);
    }
    const { incidents } = await relay.get(`/v1/incidents?q=${trackingId}`);
    expect(incidents).toHaveLength(1);
    const { incident } = await relay.get(`/v1/incidents/${trackingId}`);
    expect(incident).toMatchObject({ state: 'resolved', revision: 3, identity: `sh/${trackingId.toLowerCase()}` });
    const { timeline } = await relay.get(`/v1/incidents/${trackingId}/timeline`);
    const kinds = timeline.map((entry: { kind: string }) => entry.kind);
    expect(kinds.filter((kind: string) => kind === 'communication')).toHaveLength(3);
    expect(told()).toEqual(['incident.opened', 'incident.updated', 'incident.resolved']);
    expect(new Set(incident.provenance.map((one: { schema: string }) => one.schema))).toEqual(
      new Set(['classic', 'common', 'activity-log']),
    );
  });
});
