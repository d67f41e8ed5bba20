/** A worker that is frozen past its lease in the middle of a call, and thawed: its late result changes nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceHealth } from '#test/support/fixtures.ts';
import { checkVendors, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import { openStage } from './stage.ts';

/** The vendor answers while the worker is frozen. */
const ANSWER_MS = 700;

export const frozen: Scenario = {
  name: 'frozen',
  footings: 'postgres (api and two workers)',
  async run(context) {
    const stage = await openStage(context, {
      footing: 'postgres',
      parts: { pager: '', snow: '', teams: '', hook: '' },
      rest: 'routes: [{ match: {}, to: [oncall, itsm, channel, hook] }]',
    });
    const api = await stage.relay('api', { RELAY_ROLE: 'api' });
    const first = await stage.relay('first', { RELAY_ROLE: 'worker' });
    const second = await stage.relay('second', { RELAY_ROLE: 'worker' });
    await Promise.all([api.start(), first.start()]);
    const sender = stage.sender(api);
    const { pager, snow, teams, hook } = stage.cast;
    for (let n = 0; n < context.size(1, 20); n++) {
      const id = `FROZ-${String(n).padStart(3, '0')}`;
      for (const server of [pager, teams, hook, snow]) server.failNext({ kind: 'slow', delayMs: ANSWER_MS });
      const before = [pager, teams, hook, snow].map((server) => server.requests.length);
      await sender.deliver(serviceHealth({ trackingId: id, communication: 1, stage: 'Active' }));
      const called = await until(
        () => [pager, teams, hook, snow].every((server, i) => server.requests.length > before[i]!),
        5_000,
        10,
      );
      context.promise('the first worker calls every vendor', called);
      first.signal('SIGSTOP');
      const frozenMs = Date.now();
      await second.start();
      await sender.deliver(serviceHealth({ trackingId: id, communication: 2, stage: 'Resolved' }));
      const levels = await waitLevel(context, stage, { sender, ids: [id] });
      context.recovery(
        Math.max(...[...levels.values()].flat().map((one) => Date.parse(one.attempts[1]?.startedAt ?? '') || 0)) -
          frozenMs,
      );
      const told = pager.entries.length;
      const kept = await states(context, { id, sender });
      first.signal('SIGCONT');
      await sleep(2_500);
      context.promise('a late result changes nothing', (await states(context, { id, sender })) === kept, { kept });
      context.promise(
        'a thawed worker tells nobody again',
        pager.entries.length === told,
        pager.entries.map((entry) => entry.event),
      );
      checkVendors(context, stage, { ids: [id], deliveries: await waitLevel(context, stage, { sender, ids: [id] }) });
      await second.stop();
      await sender.deliver(serviceHealth({ trackingId: `${id}-B`, communication: 1, stage: 'Active' }));
      await waitLevel(context, stage, { sender, ids: [`${id}-B`] });
      context.add('cycles', 1);
    }
    context.promise('the thawed worker works on', first.running);
    await Promise.all(stage.relays.map((relay) => relay.stop()));
  },
};

async function states(
  _context: Context,
  {
    id,
    sender,
  }: {
    id: string;
    sender: {
      deliveries(
        id: string,
      ): Promise<
        { destination: string; state: string; wantedRevision: number; deliveredRevision: number; attempts: unknown[] }[]
      >;
    };
  },
): Promise<string> {
  return JSON.stringify(
    (await sender.deliveries(id)).map((one) => [
      one.destination,
      one.state,
      one.wantedRevision,
      one.deliveredRevision,
      one.attempts.length,
    ]),
  );
}
