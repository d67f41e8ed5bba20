/** The config changes under load, well and badly, with two replicas of each role: nothing repeated, nothing lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { redisMissing } from '#test/support/redis.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

const TO = 'to: [oncall, jsm, itsm, channel, mail, hook]';

export const reload: Scenario = {
  name: 'reload',
  footings: 'redis (two of each role)',
  missing: redisMissing,
  async run(context) {
    const stage = await openStage(context, { footing: 'redis', rest: `routes: [{ match: {}, ${TO} }]` });
    const apis = [
      await stage.relay('api-one', { RELAY_ROLE: 'api' }),
      await stage.relay('api-two', { RELAY_ROLE: 'api' }),
    ];
    const workers = [
      await stage.relay('worker-one', { RELAY_ROLE: 'worker' }),
      await stage.relay('worker-two', { RELAY_ROLE: 'worker' }),
    ];
    await apis[0]!.start();
    await Promise.all([apis[1]!, ...workers].map((relay) => relay.start()));
    const senders = apis.map((relay) => stage.sender(relay));
    const load = { on: true };
    const traffic = senders.map((sender, n) => pour(sender, { load, prefix: `RLD${n}` }));
    for (let round = 0; round < context.size(6, 400); round++) {
      stage.configure({
        rest: `routes: [{ match: {}, ${TO}, note: "round ${round}" }${round % 2 === 0 ? ', { match: { kind: outage }, to: [hook] }' : ''}]`,
      });
      for (const relay of stage.relays) relay.signal('SIGHUP');
      await sleep(context.random.int(100, 500));
      context.add('cycles', 1);
    }
    await broken(context, stage, senders);
    load.on = false;
    const sent: Sent[] = (await Promise.all(traffic)).flat();
    const ids = idsOf(sent);
    const deliveries = await waitLevel(context, stage, { sender: senders[1]!, ids, limitMs: 60_000 });
    await checkRecord(context, senders[1]!, sent);
    checkVendors(context, stage, { ids, deliveries });
    context.promise(
      'a reload repeats nothing',
      stage.cast.hook.duplicates.length === 0,
      stage.cast.hook.duplicates.length,
    );
    context.figure('outages', ids.length);
    const codes = await Promise.all(stage.relays.map((relay) => relay.stop()));
    context.promise(
      'every process ends in order',
      codes.every((code) => code === 0),
      codes,
    );
  },
};

/** Outages one after the other, until the load is taken off. */
async function pour(sender: Sender, { load, prefix }: { load: { on: boolean }; prefix: string }): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (let n = 0; load.on; n++) {
    sent.push(...(await playOutage(sender, `${prefix}-${String(n).padStart(4, '0')}`)));
    await sleep(50);
  }
  return sent;
}

/** A broken config is refused, the old one stays, everyone can see it; the next good one is taken. */
async function broken(context: Context, stage: Stage, senders: readonly Sender[]): Promise<void> {
  stage.configure('destinations: { oncall: { type: pagerdut } }\nroutes: nonsense\n');
  for (const relay of stage.relays) relay.signal('SIGHUP');
  for (const sender of senders) {
    const seen = await until(
      async () => /"name":"config","status":"degraded"/.test((await sender.call('GET', '/readyz')).text),
      5_000,
    );
    const probe = await sender.call('GET', '/readyz');
    context.promise('a broken config shows in /readyz, which stays 200', seen && probe.status === 200, probe.text);
    context.promise(
      'a broken config shows in the metrics',
      (await sender.call('GET', '/metrics')).text.includes('relay_config_reload_ok 0'),
    );
  }
  await sleep(500);
  stage.configure({});
  for (const relay of stage.relays) relay.signal('SIGHUP');
  for (const sender of senders) {
    const good = await until(async () => !/"name":"config"/.test((await sender.call('GET', '/readyz')).text), 5_000);
    context.promise('the next good config is taken', good);
  }
}
