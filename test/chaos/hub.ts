/** kill -9 of what reads an Event Hub: one reader alone, and two that share the partitions. The hub keeps what nobody took. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import type { RelayProcess } from './relay-process.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage } from './stage.ts';
import { playOutage, type Door, type Sent } from './traffic.ts';

const HUB = 'activity';
const PARTITIONS = 4;
const FAILPOINTS = ['ingest.in-commit:2', 'ingest.in-commit:2+1', 'ingest.before-ring:2', 'delivery.after-call:3'];
/** A claim expires 5 s after the kill and the others look every 3 s (src/receivers/event-hubs/tuning.ts); the rest is the machine's. */
const READ_AGAIN_MS = 15_000;
const ON_RECORD_MS = 60_000;

interface Variant {
  name: string;
  footing: 'embedded' | 'redis';
  replicas: number;
  /** Where each kill falls; null: at a random moment. */
  kills: readonly (string | null)[];
}

export const hub: Scenario = {
  name: 'hub',
  footings: 'embedded (one reader), redis (two readers)',
  async run(context) {
    const random = (count: number): null[] => Array.from({ length: count }, () => null);
    const points = Array.from({ length: context.size(1, 10) }, () => FAILPOINTS).flat();
    const alone = [...points, ...random(context.size(1, 40))];
    await play(context, { name: 'alone', footing: 'embedded', replicas: 1, kills: alone });
    await play(context, { name: 'shared', footing: 'redis', replicas: 2, kills: random(context.size(2, 40)) });
  },
};

async function play(context: Context, variant: Variant): Promise<void> {
  const server = await new EventHubsServer({ hubs: { [HUB]: { partitions: PARTITIONS } } }).start();
  context.onEnd(() => server.stop());
  const stage = await openStage(context, {
    footing: variant.footing,
    rest: 'routes: [{ match: {}, to: [oncall, jsm, itsm, channel, mail, hook] }]',
    receivers: `eventHubs: [{ name: ${HUB}, source: hub, connectionString: "${server.connectionString(HUB)}" }]`,
  });
  const relays: RelayProcess[] = [];
  for (let n = 0; n < variant.replicas; n++) relays.push(await stage.relay(`reader-${n}`));
  await Promise.all(relays.map((relay) => relay.start()));
  const sender = stage.sender(relays[0]!);
  const under: Promise<Sent[]>[] = [];
  const waits: number[] = [];
  for (const [index, point] of variant.kills.entries()) {
    const id = (n: number): string => `${variant.name.toUpperCase()}-${String(index).padStart(3, '0')}${n}`;
    const victim = relays[index % relays.length]!;
    if (point !== null) {
      await victim.stop();
      await victim.start({ failpoint: point });
    }
    // A webhook is faster than a hub that is being connected: the commit that a failpoint waits for must be the hub's.
    const second = point === null ? throughBoth(server, index + 1, sender) : throughHub(server, index + 1);
    under.push(playOutage(throughHub(server, index), id(0)), playOutage(second, id(1)));
    await die(context, victim, point);
    const killedMs = Date.now();
    // One for each partition: all of them are read again.
    const probes = Array.from({ length: PARTITIONS }, (_, n) => ({ id: id(n + 2), door: throughHub(server, n) }));
    under.push(...probes.map((probe) => playOutage(probe.door, probe.id)));
    await victim.start();
    const read = await until(() => areKnown(sender, probes), ON_RECORD_MS);
    waits.push(Date.now() - killedMs);
    context.promise(`${variant.name}: all partitions are read again after a kill`, read, id(0));
    context.add('cycles', 1);
  }
  const sent = (await Promise.all(under)).flat();
  await onRecord(sender, sent);
  const ids = idsOf(sent);
  const deliveries = await waitLevel(context, stage, { sender, ids });
  await checkRecord(context, sender, sent);
  checkVendors(context, stage, { ids, deliveries });
  const worst = Math.max(...waits);
  context.figure(`${variant.name}: from the kill until what came after it is on the record, worst ms`, worst);
  context.promise(
    `${variant.name}: a dead reader's partitions wait ${READ_AGAIN_MS} ms at most`,
    worst < READ_AGAIN_MS,
    worst,
  );
  context.promise('the hub has nothing to complain about', server.faults.length === 0, server.faults.slice(0, 3));
  await Promise.all(relays.map((relay) => relay.stop()));
}

async function die(context: Context, victim: RelayProcess, point: string | null): Promise<void> {
  if (point === null) {
    await sleep(context.random.int(5, 400));
    return victim.kill();
  }
  const died = await Promise.race([victim.gone().then(() => true), sleep(15_000, false, { ref: false })]);
  context.promise('a failpoint is reached', died, point);
  if (!died) await victim.kill();
}

/** What is in the hub will be read, so it counts as taken. */
function throughHub(server: EventHubsServer, partition: number): Door {
  return {
    async deliver(body) {
      server.publish(HUB, body, { partition: partition % PARTITIONS });
      await sleep(20);
      return { status: 202, signals: [], text: '', durationMs: 0, tries: 1 };
    },
  };
}

/** Subscriptions by turns through the hub and through the webhook: the same communication by two doors. */
function throughBoth(server: EventHubsServer, partition: number, sender: Sender): Door {
  const doors: readonly Door[] = [throughHub(server, partition), sender];
  let turn = 0;
  return { deliver: (body, options) => doors[turn++ % doors.length]!.deliver(body, options) };
}

async function areKnown(sender: Sender, probes: readonly { id: string }[]): Promise<boolean> {
  const found = await Promise.all(probes.map(({ id }) => sender.incident(id).catch(() => null)));
  return found.every((one) => one !== null);
}

/** Until the reader has come to the end; whether all of it is there is judged later. */
async function onRecord(sender: Sender, sent: readonly Sent[]): Promise<void> {
  const end = Date.now() + ON_RECORD_MS;
  for (const [id, posts] of Map.groupBy(sent, (one) => one.trackingId))
    await until(
      async () => {
        const known = await sender.incident(id).catch(() => null);
        return known !== null && posts.every((post) => known.subscriptions.includes(post.subscription));
      },
      Math.max(100, end - Date.now()),
    );
}
