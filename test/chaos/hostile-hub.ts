/** The door that is read and not called: an Event Hub full of what nobody should send. */
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { throughDoors } from '#test/support/event-hubs/doors.ts';
import type { Body } from './hostile-bodies.ts';
import { until, type Context } from './scenario.ts';
import type { Sender } from './sender.ts';

const HUB = 'activity';
const PARTITIONS = 4;
const READ_MS = 120_000;

interface HubView {
  name: string;
  status: string;
  detail: string | null;
  restarts: number;
  partitions: { id: string; sequenceNumber: number | null }[];
}

export interface HostileHub {
  /** YAML for `receivers`. */
  readonly config: string;
  readonly published: number;
  publish(body: Body): void;
  /** Waits until everything is read, and judges what became of it. */
  settle(sender: Sender): Promise<void>;
  /** Real news through the hub, behind all that was published. */
  goodNews(sender: Sender, trackingId: string): Promise<void>;
}

/** Starts a hub that ends with the scenario. */
export async function openHostileHub(context: Context): Promise<HostileHub> {
  const server = await new EventHubsServer({ hubs: { [HUB]: { partitions: PARTITIONS } } }).start();
  context.onEnd(() => server.stop());
  const last = new Map<number, number>();
  let published = 0;

  function put(body: unknown): void {
    const partition = published++ % PARTITIONS;
    last.set(partition, server.publish(HUB, body, { partition }));
  }

  async function view(sender: Sender): Promise<HubView> {
    const { sources } = await sender.get<{ sources: { hubs: HubView[] }[] }>('/v1/sources');
    return sources.flatMap((source) => source.hubs).find((hub) => hub.name === HUB)!;
  }

  async function settle(sender: Sender): Promise<void> {
    let seen: unknown = null;
    const read = await until(
      async () => {
        const hub = await view(sender);
        seen = { hub, last: [...last] };
        return [...last].every(
          ([partition, sequence]) =>
            (hub.partitions.find((one) => one.id === String(partition))?.sequenceNumber ?? -1) >= sequence,
        );
      },
      READ_MS,
      200,
    );
    context.promise('every record of the hub is read, whatever it holds', read, seen);
    // A read that came too late on a busy machine is a fault until the next one.
    await until(async () => (await view(sender)).status === 'ok', READ_MS, 200);
    const { status, detail, restarts } = await view(sender);
    context.promise('the hub receiver is not harmed', status === 'ok' && restarts === 0, { status, detail, restarts });
    context.promise('the hub has nothing to complain about', server.faults.length === 0, server.faults.slice(0, 3));
  }

  return {
    config: `eventHubs: [{ name: ${HUB}, source: hub, connectionString: "${server.connectionString(HUB)}" }]`,
    get published() {
      return published;
    },
    publish: (body) => put(body.bytes),
    settle,
    async goodNews(sender, trackingId) {
      put(throughDoors({ trackingId, communication: 1, stage: 'Active' }).export);
      await settle(sender);
      const known = await sender.incident(trackingId).catch((error: unknown) => String(error));
      context.promise('real news comes through the hub behind it', typeof known !== 'string', known);
    },
  };
}
