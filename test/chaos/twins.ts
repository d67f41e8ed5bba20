/** Two relays that know nothing of each other: one relayId, two databases, the same signals. The vendor key is all they share. */
import { checkRecord, waitLevel } from './promises.ts';
import type { Context, Scenario } from './scenario.ts';
import { openStage } from './stage.ts';
import { playOutage, STAGES, withLimit, type Sent } from './traffic.ts';

export const twins: Scenario = {
  name: 'twins',
  footings: 'embedded (two relays, two databases)',
  async run(context) {
    const stage = await openStage(context, {
      footing: 'embedded',
      parts: { pager: '', genie: '', hook: '' },
      rest: 'relayId: twins\nroutes: [{ match: {}, to: [oncall, jsm, hook] }]',
    });
    const relays = [await stage.relay('east'), await stage.relay('west')];
    await Promise.all(relays.map((relay) => relay.start()));
    const senders = relays.map((relay) => stage.sender(relay));
    const ids = Array.from({ length: context.size(30, 300) }, (_, n) => `TWIN-${String(n).padStart(3, '0')}`);
    const sent: Sent[][] = senders.map(() => []);
    // Both have told what they know before the next word comes: where one is a whole open period behind, it opens what
    // the other has closed, which no key can prevent.
    for (const [index, name] of STAGES.entries()) {
      await withLimit(ids, 16, async (id) => {
        const both = senders.map((sender) => playOutage(sender, id, { stages: [name], first: index + 1 }));
        for (const [n, posts] of (await Promise.all(both)).entries()) sent[n]!.push(...posts);
      });
      for (const sender of senders) await waitLevel(context, stage, { sender, ids });
    }
    context.add('cycles', ids.length);
    for (const [n, sender] of senders.entries()) await checkRecord(context, sender, sent[n]!);
    judge(context, { stage, ids });
    await Promise.all(relays.map((relay) => relay.stop()));
  },
};

function judge(
  context: Context,
  { stage, ids }: { stage: Awaited<ReturnType<typeof openStage>>; ids: readonly string[] },
): void {
  const { pager, genie } = stage.cast;
  let second = 0;
  for (const id of ids) {
    const pages = pager.alerts().filter((alert) => alert.title.includes(id));
    const alerts = genie.alerts().filter((alert) => alert.message.includes(id) || alert.description.includes(id));
    second += Math.max(0, pages.length - 1) + Math.max(0, alerts.length - 1);
    context.promise('two relays with one relayId: one page at PagerDuty', pages.length <= 1, { id, n: pages.length });
    context.promise('two relays with one relayId: one alert at Opsgenie', alerts.length <= 1, { id, n: alerts.length });
    context.promise(
      'what is over is resolved at both',
      pages.every((page) => page.status === 'resolved') && alerts.every((alert) => alert.status === 'closed'),
      id,
    );
  }
  context.figure('reopened pages', pager.pages - pager.alerts().length);
  context.add('duplicates', second);
}
