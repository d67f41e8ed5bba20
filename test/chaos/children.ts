/** Four hundred alerts of our own below one outage: what is held back, what goes out, what is told at the end, to the last one. */
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { withLimit } from './traffic.ts';

const CHILDREN = 400;
const PARENT = 'PARE-400';
/** Of four hundred: severities as they come, by the last digit of the number. */
const SEVERITIES = ['Sev0', 'Sev1', 'Sev2', 'Sev3', 'Sev4', 'Sev2', 'Sev3', 'Sev4', 'Sev2', 'Sev3'];
const ROUTES = 'routes: [{ match: {}, to: [hook] }]';
/** A held delivery is judged again when its parent ends; upkeep looks every 2 s. */
const RELEASE_MS = 30_000;

export const children: Scenario = {
  name: 'children',
  footings: 'postgres',
  async run(context) {
    await heldBack(context);
    await passedThrough(context);
  },
};

/** The parent is accepted, the alerts come, some end by themselves, the parent ends. */
async function heldBack(context: Context): Promise<void> {
  const { stage, sender } = await open(context);
  await parentActive(context, { stage, sender });
  await storm(sender);
  const loud = numbers().filter((n) => isLoud(n)).length;
  const quiet = CHILDREN - loud;
  context.promise(
    'held: every alert of Sev2 and below, and no other',
    await until(async () => (await suppressed(sender)) === quiet, 20_000),
    { held: await suppressed(sender), wanted: quiet },
  );
  context.promise(
    'sent: every alert of Sev0 and Sev1, once',
    await until(() => opened(stage).length === loud, 20_000),
    { sent: opened(stage).length, wanted: loud },
  );
  context.promise(
    'what was sent is loud',
    opened(stage).every((n) => isLoud(n)),
    opened(stage).slice(0, 5),
  );
  // The next word of the parent counts them.
  await sender.deliver(outage('Active', 2));
  const counted = await until(
    () => stage.cast.hook.events.some((event) => JSON.stringify(event.body).includes(`${quiet} alerts of our own`)),
    10_000,
  );
  context.promise('the next message of the parent counts what is held', counted);
  // A tenth of the quiet ones end while they are held.
  const over = numbers().filter((n) => !isLoud(n) && n % 40 === 2);
  await withLimit(over, 16, async (n) => sender.deliver(alert(n, 'Resolved')));
  const before = stage.cast.hook.events.length;
  await sender.deliver(outage('Resolved', 3));
  const startedMs = performance.now();
  const told = await until(() => opened(stage).length >= CHILDREN - over.length, RELEASE_MS);
  context.figure('from the end of the parent to the last alert told ms', performance.now() - startedMs);
  context.figure('held', quiet);
  context.figure('sent at once', loud);
  context.figure('ended while held', over.length);
  context.figure('told at the end', opened(stage).length - loud);
  context.promise('released: every alert that is still open is told at the end', told, opened(stage).length);
  await until(async () => (await suppressed(sender)) === 0, 10_000);
  context.promise(
    'nothing is held when the parent is over',
    (await suppressed(sender)) === 0,
    await suppressed(sender),
  );
  const ids = opened(stage);
  context.promise('no alert is opened twice', ids.length === new Set(ids).size, ids.length - new Set(ids).size);
  context.promise(
    'an alert that ended while it was held opens nothing',
    over.every((n) => !ids.includes(n)),
    over.filter((n) => ids.includes(n)),
  );
  context.add('lost', CHILDREN - over.length - new Set(ids).size);
  context.add('duplicates', ids.length - new Set(ids).size);
  context.figure('messages about ended ones', stage.cast.hook.events.length - before - (quiet - over.length) - 1);
  await checkDecisions(context, sender, quiet);
  context.add('cycles', 1);
  await Promise.all(stage.relays.map((relay) => relay.stop()));
}

/** Half the storm is held, then the switch is thrown: all of it goes out, and the other half is never held. */
async function passedThrough(context: Context): Promise<void> {
  const { stage, sender } = await open(context);
  await parentActive(context, { stage, sender });
  const [first, second] = [numbers().slice(0, CHILDREN / 2), numbers().slice(CHILDREN / 2)];
  await storm(sender, first);
  const quiet = first.filter((n) => !isLoud(n)).length;
  context.promise(
    'before passThrough alerts are held',
    await until(async () => (await suppressed(sender)) === quiet, 20_000),
    { held: await suppressed(sender), wanted: quiet },
  );
  stage.configure({ rest: `${ROUTES}\npassThrough: true` });
  for (const relay of stage.relays) relay.signal('SIGHUP');
  const startedMs = performance.now();
  await storm(sender, second);
  // What is held already is judged again at least every five minutes; the parent is still active.
  const fresh = await until(() => second.every((n) => opened(stage).includes(n)), 20_000);
  context.promise('passThrough: nothing new is held back', fresh, opened(stage).length);
  const all = await until(() => numbers().every((n) => opened(stage).includes(n)), 15_000);
  context.figure('passThrough: told ms after the switch', performance.now() - startedMs);
  context.promise('passThrough: what was held goes out as well, within seconds', all, opened(stage).length);
  context.promise('passThrough: nothing is held', (await suppressed(sender)) === 0, await suppressed(sender));
  const ids = opened(stage);
  context.promise('passThrough: nothing is told twice', ids.length === new Set(ids).size, ids.length);
  context.add('cycles', 1);
  await Promise.all(stage.relays.map((relay) => relay.stop()));
}

async function open(context: Context): Promise<{ stage: Stage; sender: Sender }> {
  const stage = await openStage(context, {
    footing: 'postgres',
    parts: { hook: 'concurrency: 16' },
    rest: ROUTES,
  });
  const relay = await stage.relay('all');
  await relay.start();
  return { stage, sender: stage.sender(relay) };
}

async function parentActive(context: Context, { stage, sender }: { stage: Stage; sender: Sender }): Promise<void> {
  await sender.deliver(outage('Active', 1));
  const accepted = await until(() => stage.cast.hook.events.length === 1, 10_000);
  context.promise('the outage is told first', accepted);
  // Accepted by the vendor is not yet accepted on the record.
  await until(async () => (await sender.deliveries(PARENT)).every((one) => one.state === 'delivered'), 10_000);
}

function outage(stage: string, communication: number): unknown {
  return serviceHealth({ trackingId: PARENT, communication, stage });
}

function numbers(): number[] {
  return Array.from({ length: CHILDREN }, (_, n) => n);
}

function isLoud(n: number): boolean {
  return ['Sev0', 'Sev1'].includes(SEVERITIES[n % 10]!);
}

async function storm(sender: Sender, which = numbers()): Promise<void> {
  await withLimit(which, 32, async (n) => sender.deliver(alert(n, 'Fired')));
}

/** An alert of our own on a registry in the parent's region; the name of its rule carries the number. */
function alert(n: number, condition: 'Fired' | 'Resolved'): unknown {
  const body = fixture(`webhook-common/metric-acr-${condition.toLowerCase()}.json`) as {
    data: {
      essentials: Record<string, string>;
      alertContext: { condition: { allOf: { dimensions: unknown }[] } };
    };
  };
  const { essentials, alertContext } = body.data;
  essentials['severity'] = SEVERITIES[n % 10]!;
  essentials['alertRuleID'] += `-${n}`;
  essentials['alertRule'] = `storm rule no${n}x`;
  alertContext.condition.allOf[0]!.dimensions = [{ name: 'Region', value: 'West Europe' }];
  return body;
}

/** Numbers of the alerts that the vendor was told are open, in order. */
function opened(stage: Stage): number[] {
  return stage.cast.hook.events
    .filter((event) => event.body.type === 'incident.opened')
    .flatMap((event) => /\bno(\d+)x/.exec(event.body.data.incident.headline)?.[1] ?? [])
    .map(Number);
}

async function suppressed(sender: Sender): Promise<number> {
  const { destinations } = await sender.get<{ destinations: { backlog: Record<string, number> }[] }>(
    '/v1/destinations',
  );
  return destinations[0]?.backlog['suppressed'] ?? 0;
}

/** Every held alert says on its own timeline that it was held, once, and by whom. */
async function checkDecisions(context: Context, sender: Sender, wanted: number): Promise<void> {
  let held = 0;
  let next: string | null = null;
  do {
    const page: { incidents: { id: string }[]; next: string | null } = await sender.get(
      `/v1/incidents?kind=alert&limit=200${next === null ? '' : `&cursor=${encodeURIComponent(next)}`}`,
    );
    for (const { id } of page.incidents) {
      const decisions = (await sender.timeline(id)).filter((entry) => entry.data['decision'] === 'suppressed');
      held += decisions.length > 0 ? 1 : 0;
      context.promise('the decision is on the timeline once', decisions.length <= 1, { id, times: decisions.length });
    }
    next = page.next;
  } while (next !== null);
  context.promise('every alert that was held says so on its timeline', held === wanted, { held, wanted });
}
