/** kill -9 at random moments and at named places, with and without its Postgres, with roles together and apart. */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkRecord, checkVendors, heldRecoveries, idsOf, waitLevel, type Kill } from './promises.ts';
import type { RelayProcess } from './relay-process.ts';
import type { Context, Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

const ROUTES = 'routes: [{ match: {}, to: [oncall, jsm, itsm, channel, mail, hook] }]';
/** With `+1` the kill falls while COMMIT is on its way. */
const INGEST = ['ingest.in-commit:2', 'ingest.in-commit:2+1', 'ingest.before-ring:2'];
const DELIVERY = ['delivery.before-call:3', 'delivery.after-call:3'];
/** From the kill. A dead worker's lease takes 3.5 s of it (docs/adr/lease-of-three-and-a-half-seconds.md). */
const NEXT_ATTEMPT_MS = 5_000;
/** A start counts with so much. */
const START_MS = 1_000;
/** Azure repeats for about 75 s and then the news is gone (design section 1). */
const TAKEN_MS = 75_000;
/** A relay that dies at every second commit takes two posts a life: after so many cycles it lives until all are taken. */
const BREATH_EVERY = 4;

interface Variant {
  name: string;
  footing: 'embedded' | 'redis';
  /** Postgres dies with it. */
  group: boolean;
  random: number;
  failpoints: readonly string[];
}

export const kill: Scenario = {
  name: 'kill',
  footings: 'embedded (node alone, with Postgres), redis (api and worker apart)',
  async run(context) {
    const points = [...INGEST, ...DELIVERY];
    const times = context.size(1, 12);
    const repeated = Array.from({ length: times }, () => points).flat();
    await play(context, {
      name: 'node',
      footing: 'embedded',
      group: false,
      random: context.size(2, 60),
      failpoints: repeated,
    });
    await play(context, {
      name: 'group',
      footing: 'embedded',
      group: true,
      random: context.size(2, 40),
      failpoints: [],
    });
    await play(context, {
      name: 'apart',
      footing: 'redis',
      group: false,
      random: context.size(2, 60),
      failpoints: repeated,
    });
  },
};

interface Cycle {
  victim: RelayProcess;
  /** Null: at a random moment. */
  point: string | null;
}

async function play(context: Context, variant: Variant): Promise<void> {
  const stage = await openStage(context, { footing: variant.footing, rest: ROUTES });
  const apart = variant.footing === 'redis';
  const front = await stage.relay('front', apart ? { RELAY_ROLE: 'api' } : {});
  const back = apart ? await stage.relay('worker', { RELAY_ROLE: 'worker' }) : front;
  const cycles: Cycle[] = [
    ...variant.failpoints.map((point) => ({ victim: point.startsWith('ingest') ? front : back, point })),
    ...Array.from({ length: variant.random }, (_, n) => ({ victim: n % 2 === 0 ? back : front, point: null })),
  ];
  await front.start(armed(cycles[0], front));
  if (apart) await back.start();
  const sender = stage.sender(front);
  const under: Promise<Sent[][]>[] = [];
  const backKills: Kill[] = [];
  const allKills: Kill[] = [];
  for (const [index, one] of cycles.entries()) {
    const ids = [0, 1, 2].map((n) => `${variant.name.toUpperCase()}-${String(index).padStart(3, '0')}${n}`);
    // A worker apart is left alone after its kill until all is level: its lease is measured.
    const measured = apart && one.victim === back;
    const breath = index % BREATH_EVERY === BREATH_EVERY - 1;
    const next = measured || breath ? undefined : cycles[index + 1];
    const { killedMs, readyMs, posts } = await cycle(context, one, { next, group: variant.group, sender, ids });
    under.push(posts);
    if (one.victim === back) backKills.push({ killedMs, readyMs });
    allKills.push({ killedMs, readyMs });
    context.add('cycles', 1);
    // Another kill before the lease is over would hide how long it takes.
    if (measured) {
      await posts;
      await waitLevel(context, stage, { sender, ids });
    } else if (breath) await Promise.all(under);
  }
  const sent = (await Promise.all(under)).flat(2);
  const ids = idsOf(sent);
  const deliveries = await waitLevel(context, stage, { sender, ids });
  await checkRecord(context, sender, sent);
  checkVendors(context, stage, { ids, deliveries });
  const nexts = allKills.map((kill, i) => {
    const callMs = firstCallIn(stage, kill.killedMs, allKills[i + 1]?.killedMs ?? Number.POSITIVE_INFINITY);
    return { waitedMs: callMs - kill.killedMs, kill };
  });
  judgeRecovery(context, variant.name, { nexts, held: heldRecoveries(deliveries, backKills) });
  await Promise.all(stage.relays.map((relay) => relay.stop()));
}

interface Wait {
  waitedMs: number;
  kill: Kill;
}

/**
 * From the kill, with the start of the new process in it. A start has its own aim, 1 s (design section 8): what it took
 * beyond that is the machine's doing and counts there.
 */
function judgeRecovery(context: Context, name: string, { nexts, held }: { nexts: Wait[]; held: Wait[] }): void {
  const starts = nexts.map(({ kill }) => kill.readyMs - kill.killedMs);
  const worst = (waits: readonly Wait[]): number => Math.max(0, ...waits.map((wait) => wait.waitedMs));
  const counted = (waits: readonly Wait[]): number =>
    Math.max(0, ...waits.map(({ waitedMs, kill }) => waitedMs - Math.max(0, kill.readyMs - kill.killedMs - START_MS)));
  context.recovery(Math.max(worst(nexts), worst(held)));
  context.figure(`${name}: from the kill to a new process that answers, worst ms`, Math.max(0, ...starts));
  context.figure(`${name}: from the kill to the next attempt of anything, worst ms`, worst(nexts));
  context.figure(`${name}: from the kill to the next attempt of what was held, worst ms`, worst(held));
  context.figure(`${name}: attempts interrupted`, held.length);
  context.promise(
    `${name}: the next attempt comes within ${NEXT_ATTEMPT_MS} ms of the kill`,
    counted(nexts) < NEXT_ATTEMPT_MS,
    counted(nexts),
  );
  context.promise(
    `${name}: what the dead process held is tried within ${NEXT_ATTEMPT_MS} ms of the kill`,
    counted(held) < NEXT_ATTEMPT_MS,
    counted(held),
  );
}

/** How to start the victim of one cycle for the next. */
function armed(next: Cycle | undefined, victim: RelayProcess): { failpoint?: string } {
  return next && next.victim === victim && next.point !== null ? { failpoint: next.point } : {};
}

/** Posts under way, one kill, one restart. An armed relay may die of the posts of the cycle before: they go on. */
async function cycle(
  context: Context,
  { victim, point }: Cycle,
  options: { next: Cycle | undefined; group: boolean; sender: Sender; ids: string[] },
): Promise<{ killedMs: number; readyMs: number; posts: Promise<Sent[][]> }> {
  const { next, group, sender, ids } = options;
  if (point !== null && victim.failpoint !== point) {
    await victim.stop();
    await victim.start({ failpoint: point });
  }
  const posts = Promise.all(ids.map((id) => playOutage(sender, id, { limitMs: TAKEN_MS })));
  if (point === null) {
    await sleep(context.random.int(5, 250));
    await (group ? victim.killAll() : victim.kill());
  } else {
    const died = await Promise.race([victim.gone().then(() => true), sleep(10_000, false, { ref: false })]);
    context.promise('a failpoint is reached', died, point);
    if (!died) await victim.kill();
  }
  const killedMs = Date.now();
  await victim.start(armed(next, victim));
  return { killedMs, readyMs: Date.now(), posts };
}

/** When a vendor was next called between two kills; the first one where none was. */
function firstCallIn(stage: Stage, fromMs: number, toMs: number): number {
  const { pager, genie, snow, teams, hook } = stage.cast;
  const times = [pager, genie, snow, teams, hook]
    .flatMap((server) => server.requests.map((request) => request.at))
    // What was on its way at the moment of the kill may still arrive.
    .filter((at) => at > fromMs + 5 && at < toMs);
  return times.length > 0 ? Math.min(...times) : fromMs;
}
