/** A pager and a webhook are away for an hour, then back; and for longer than the relay tries at all. */
import { letTimePass } from './passing-time.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

const MINUTE_MS = 60_000;
/** Steps of an hour; the design's default for a fallback is five minutes. */
const STEPS = 12;
/** The breaker pauses for five minutes at most (design 3.6). */
const BREAKER_MAX_MS = 300_000;

export const hour: Scenario = {
  name: 'hour',
  footings: 'postgres',
  async run(context) {
    for (let round = 0; round < context.size(1, 5); round++) await play(context, round);
  },
};

async function play(context: Context, round: number): Promise<void> {
  const stage = await openStage(context, {
    footing: 'postgres',
    parts: { pager: '', hook: 'fallback: { to: mail }', teams: '', smtp: '' },
    rest: 'routes: [{ match: {}, to: [oncall, channel, hook] }]',
  });
  const url = stage.databaseUrl!;
  const relay = await stage.relay('all');
  await relay.start();
  const sender = stage.sender(relay);
  const { pager, hook } = stage.cast;
  const [open, over, known] = ['OPEN', 'OVER', 'KNEW'].map((name) => `${name}-${String(round).padStart(3, '0')}`) as [
    string,
    string,
    string,
  ];
  // One that both know of before they go.
  const sent: Sent[] = await playOutage(sender, known, { stages: ['Active'] });
  await waitLevelOf(context, stage, { sender, ids: [known], parts: 3 });
  const ports = [pager.port, hook.port];
  await Promise.all([pager.stop(), hook.stop()]);
  let communication = 1;
  await letTimePass(url, {
    stepMs: 5 * MINUTE_MS,
    steps: STEPS,
    between: async (step) => {
      // Eight words on the one that goes on; the other two end in the middle.
      if (step < 8) sent.push(...(await playOutage(sender, open, { stages: ['Active'], first: communication++ })));
      if (step === 1) sent.push(...(await playOutage(sender, over, { stages: ['Active'] })));
      if (step === 6) sent.push(...(await playOutage(sender, over, { stages: ['Resolved'], first: 2 })));
      if (step === 7) sent.push(...(await playOutage(sender, known, { stages: ['Resolved'], first: 2 })));
    },
  });
  await judgeMeanwhile(context, stage, { sender, open });
  await Promise.all([pager.start(ports[0]), hook.start(ports[1])]);
  // The breaker's pause is on the record as well; its longest passes at once.
  await letTimePass(url, { stepMs: BREAKER_MAX_MS, steps: 1 });
  await waitLevelOf(context, stage, { sender, ids: [open, over, known], parts: 4 });
  judgeReturn(context, stage, { open, over, known });
  sent.push(...(await playOutage(sender, open, { stages: ['Resolved'], first: communication })));
  const ids = idsOf(sent);
  const deliveries = await waitLevelOf(context, stage, { sender, ids, parts: 4 });
  await checkRecord(context, sender, sent);
  checkVendors(context, { ...stage, parts: ['pager', 'hook', 'teams'] }, { ids, deliveries });
  context.add('cycles', 1);
  await gaveUp(context, stage, { sender, url, round });
  await relay.stop();
}

/** Incidents with a fallback have one delivery more than those without. */
async function waitLevelOf(
  context: Context,
  stage: Stage,
  { sender, ids, parts }: { sender: Sender; ids: readonly string[]; parts: number },
): ReturnType<typeof waitLevel> {
  const found = new Map<string, Awaited<ReturnType<Sender['deliveries']>>>();
  for (const id of ids) {
    const count = (await sender.deliveries(id)).length;
    const some = { ...stage, parts: stage.parts.slice(0, Math.min(parts, count)) };
    for (const [key, value] of await waitLevel(context, some, { sender, ids: [id], limitMs: 60_000 }))
      found.set(key, value);
  }
  return found;
}

async function judgeMeanwhile(
  context: Context,
  stage: Stage,
  { sender, open }: { sender: Sender; open: string },
): Promise<void> {
  const { smtp, teams } = stage.cast;
  context.promise(
    'the fallback is told within the hour',
    smtp.mails.some(({ mail }) => (mail.subject ?? '').includes(open)),
    smtp.mails.map(({ mail }) => mail.subject),
  );
  context.promise('the others go on meanwhile', teams.cards.filter((card) => card.text.includes(open)).length >= 8);
  const timeline = await sender.timeline(open);
  context.promise(
    'that the pager was not reached is news on the timeline',
    timeline.some((entry) => entry.summary.includes('oncall was not reached')),
    timeline.map((entry) => entry.summary),
  );
  const behind = (await sender.deliveries(open)).filter((one) => ['oncall', 'hook'].includes(one.destination));
  context.promise(
    'an hour is not long enough to give up',
    behind.length === 2 && behind.every((one) => ['retrying', 'pending', 'delivering'].includes(one.state)),
    behind.map((one) => [one.destination, one.state]),
  );
  context.figure('tries in the hour', Math.max(...behind.map((one) => one.attempts.length)));
}

function judgeReturn(
  context: Context,
  stage: Stage,
  { open, over, known }: { open: string; over: string; known: string },
): void {
  const { pager, hook } = stage.cast;
  const told = (id: string): string[] =>
    hook.events.filter((event) => event.body.data.incident.headline.includes(id)).map((event) => event.body.type);
  context.promise('eight words missed are one catch-up message', told(open).length === 1, told(open));
  context.promise('what began and ended in the hour is one message', told(over).length === 1, told(over));
  context.promise('what ended in the hour is resolved by one message', told(known).length === 2, told(known));
  const pages = (id: string): number => pager.alerts().filter((alert) => alert.title.includes(id)).length;
  context.promise('what is still open pages when the pager is back', pages(open) === 1, pages(open));
  context.promise('what was over by then pages nobody', pages(over) === 0, pages(over));
  context.promise(
    'and stands at the pager as a change',
    pager.changeEvents.some((event) => event.summary.includes(over)),
    pager.changeEvents.map((event) => event.summary),
  );
}

/** After a day without an answer the relay gives up, says so, and a retry by hand levels it. */
async function gaveUp(
  context: Context,
  stage: Stage,
  { sender, url, round }: { sender: Sender; url: string; round: number },
): Promise<void> {
  const { hook } = stage.cast;
  const id = `LONG-${String(round).padStart(3, '0')}`;
  const { port } = hook;
  await hook.stop();
  const sent = await playOutage(sender, id, { stages: ['Active'] });
  await letTimePass(url, { stepMs: 3 * 3_600_000, steps: 9 });
  const failed = await until(
    async () => (await sender.deliveries(id)).some((one) => one.destination === 'hook' && one.state === 'failed'),
    15_000,
  );
  context.promise('after a day the relay gives up', failed, await sender.deliveries(id));
  await hook.start(port);
  const delivery = (await sender.deliveries(id)).find((one) => one.destination === 'hook');
  const again = await sender.call('POST', `/v1/deliveries/${delivery?.id}/retry`);
  context.promise('a retry by hand is taken after that', again.status === 202, again.text);
  await waitLevelOf(context, stage, { sender, ids: [id], parts: 4 });
  await checkRecord(context, sender, sent);
  context.add('cycles', 1);
}
