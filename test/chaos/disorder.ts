/** Disorder: shuffled, late and doubled, every history ends in the same incident and pages no more than it should. */
import * as fc from 'fast-check';
import { isOpen } from '#src/core/incident.ts';
import type { Signal } from '#src/core/signal.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { histories } from '#test/support/histories.ts';
import { runFold, settled } from '#test/support/run-fold.ts';
import type { Random } from './random.ts';
import type { Context, Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { commonSchema } from './traffic.ts';
import { waitLevel } from './promises.ts';

export const disorder: Scenario = {
  name: 'disorder',
  footings: 'pure fold, postgres',
  async run(context) {
    inMemory(context);
    await overHttp(context);
  },
};

/** A history in any order, half of it twice. */
function scrambled<T>(history: readonly T[], random: Random): T[] {
  return random.shuffle([...history, ...history.filter(() => random.next() < 0.5)]);
}

function openPeriods(states: readonly boolean[]): number {
  return states.filter((open, i) => open && !states[i - 1]).length;
}

function inMemory(context: Context): void {
  const numRuns = context.size(300, 10_000);
  for (const kind of ['outage', 'alert'] as const) {
    for (const history of fc.sample(histories(kind), { numRuns, seed: context.seed })) {
      const run = runFold(scrambled(history, context.random));
      const [seen, wanted] = [settled(run), settled(runFold(history))].map((one) =>
        JSON.stringify(kind === 'alert' ? { ...one, impacts: [], subscriptions: [] } : one),
      );
      context.promise('the same incident in whatever order its signals come', seen === wanted, { seen, wanted });
      const periods = openPeriods(history.map((signal: Signal) => signal.state !== 'resolved'));
      context.promise('never more pages than open periods', run.pages <= periods, { pages: run.pages, periods });
      context.promise('no page missing for what is open at the end', !isOpen(run.incident.state) || run.pages > 0);
      context.add('cycles', 1);
    }
  }
}

const LIVES = [
  ['Active', 'Active', 'Resolved'],
  ['Active', 'Resolved', 'RCA'],
  ['Active', 'Resolved', 'Active', 'Resolved'],
  ['Active', 'Active', 'Active'],
  ['Active', 'Resolved', 'Active'],
] as const;

async function overHttp(context: Context): Promise<void> {
  const stage = await openStage(context, {
    footing: 'postgres',
    parts: { pager: '', hook: '' },
    rest: 'routes: [{ match: {}, to: [oncall, hook] }]',
  });
  const relay = await stage.relay('all');
  await relay.start();
  const sender = stage.sender(relay);
  for (let n = 0; n < context.size(10, 50); n++) await compare(context, stage, { sender, n });
  await relay.stop();
}

/** One history in order under one tracking ID, scrambled and side by side under another. */
async function compare(context: Context, stage: Stage, { sender, n }: { sender: Sender; n: number }): Promise<void> {
  const stages = LIVES[n % LIVES.length]!;
  const [ordered, mixed] = [`ORDR-${String(n).padStart(3, '0')}`, `MIXD-${String(n).padStart(3, '0')}`];
  const posts = stages.flatMap((stage, i) =>
    [1, 2].map((subscription) => ({
      communication: i + 1,
      stage,
      subscription,
      title: 'trouble',
      text: `Words of post ${i + 1}.`,
    })),
  );
  for (const post of posts) await sender.deliver(serviceHealth({ ...post, trackingId: ordered }));
  const arrival = scrambled(posts, context.random);
  await Promise.all(
    arrival.map((post) =>
      sender.deliver(
        post.subscription === 1
          ? serviceHealth({ ...post, trackingId: mixed })
          : commonSchema({ ...post, trackingId: mixed }),
      ),
    ),
  );
  await waitLevel(context, stage, { sender, ids: [ordered, mixed] });
  const [seen, wanted] = await Promise.all(
    [mixed, ordered].map(async (id) =>
      pick((await sender.get<{ incident: Record<string, unknown> }>(`/v1/incidents/${id}`)).incident),
    ),
  );
  context.promise('over HTTP: the same incident in whatever order its posts come', seen === wanted, {
    stages,
    seen,
    wanted,
  });
  const alerts = stage.cast.pager.alerts().filter((alert) => alert.title.includes(mixed));
  const periods = openPeriods(stages.map((stage) => stage === 'Active'));
  context.promise('over HTTP: never more pages than open periods', alerts.length <= periods, {
    stages,
    pages: alerts.length,
  });
  if (stages.at(-1) === 'Active')
    context.promise(
      'over HTTP: what is open at the end is paged',
      alerts.some((alert) => alert.status === 'open'),
      stages,
    );
  context.add('cycles', 1);
}

function pick({
  state,
  stage,
  severity,
  title,
  impacts,
  subscriptions,
  startedAt,
  mitigatedAt,
  resolvedAt,
}: Record<string, unknown>): string {
  return JSON.stringify({
    state,
    stage,
    severity,
    title,
    impacts,
    subscriptions: [...(subscriptions as string[])].toSorted(),
    startedAt,
    mitigatedAt,
    resolvedAt,
  });
}
