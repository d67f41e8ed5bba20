/** Redis is a bell and no more: killed, wiped, full, slow or hanging, nothing is lost and pages go on. */
import { Redis } from 'ioredis';
import { redisMissing } from '#test/support/redis.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

/** The one-second reconciler carries the pages: a look every 0.8 to 1.2 s for what has been due for a second. */
const PAGE_MS = 5_000;

interface Phase {
  name: string;
  begin(): Promise<unknown> | void;
  end(): Promise<unknown> | void;
}

export const redis: Scenario = {
  name: 'redis',
  footings: 'redis (api and worker apart)',
  missing: redisMissing,
  async run(context) {
    const stage = await openStage(context, {
      footing: 'redis',
      parts: { pager: '', snow: '', hook: '' },
      rest: 'routes: [{ match: {}, to: [oncall, itsm, hook] }]',
    });
    const server = stage.redis!;
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    context.onEnd(() => proxy.stop());
    const environment = { REDIS_URL: through(server.url, proxy) };
    const api = await stage.relay('api', { RELAY_ROLE: 'api', ...environment });
    const worker = await stage.relay('worker', { RELAY_ROLE: 'worker', ...environment });
    await Promise.all([api.start(), worker.start()]);
    const sender = stage.sender(api);
    const phases: Phase[] = [
      { name: 'KILL', begin: () => server.kill(), end: () => server.restart() },
      { name: 'WIPE', begin: () => command(server.url, 'FLUSHALL'), end: () => undefined },
      {
        name: 'FULL',
        begin: () => command(server.url, 'CONFIG', 'SET', 'maxmemory', '1'),
        end: () => command(server.url, 'CONFIG', 'SET', 'maxmemory', '0'),
      },
      { name: 'SLOW', begin: () => void (proxy.delayMs = 400), end: () => void (proxy.delayMs = 0) },
      { name: 'HANG', begin: () => void (proxy.mode = 'hang'), end: () => ((proxy.mode = 'pass'), proxy.cut()) },
    ];
    const sent: Sent[] = [];
    for (let round = 0; round < context.size(1, 20); round++) {
      for (const phase of phases) sent.push(...(await play(context, stage, { phase, round, sender })));
    }
    const ids = idsOf(sent);
    const deliveries = await waitLevel(context, stage, { sender, ids });
    await checkRecord(context, sender, sent);
    checkVendors(context, stage, { ids, deliveries });
    const queueBack = await until(
      async () => (await sender.call('GET', '/readyz')).text.includes('"status":"ok"'),
      15_000,
    );
    context.promise('/readyz is ok again when Redis is back', queueBack, (await sender.call('GET', '/readyz')).text);
    await Promise.all(stage.relays.map((relay) => relay.stop()));
  },
};

async function play(
  context: Context,
  stage: Stage,
  { phase, round, sender }: { phase: Phase; round: number; sender: Sender },
): Promise<Sent[]> {
  const { pager } = stage.cast;
  const id = (n: number): string => `${phase.name}-${String(round).padStart(2, '0')}${n}`;
  // One that was open before, two that begin while the fault lasts.
  const before = await playOutage(sender, id(0), { stages: ['Active'] });
  await phase.begin();
  const startedMs = Date.now();
  const during = await Promise.all([
    playOutage(sender, id(0), { stages: ['Resolved'], first: 2 }),
    playOutage(sender, id(1)),
    playOutage(sender, id(2), { stages: ['Active'] }),
  ]);
  const acceptedMs = Date.now() - startedMs;
  const paged = await until(() => pager.alerts().some((alert) => alert.title.includes(id(2))), PAGE_MS);
  context.promise(`${phase.name}: pages go on`, paged, id(2));
  context.figure(
    `${phase.name}: page ms`,
    (pager.alerts().find((alert) => alert.title.includes(id(2)))?.log[0]?.at ?? Number.NaN) - startedMs,
  );
  context.figure(`${phase.name}: posts taken ms`, acceptedMs);
  const probe = await sender.call('GET', '/readyz');
  context.promise('/readyz stays 200 whatever Redis does', probe.status === 200, probe.text);
  if (phase.name === 'KILL') context.promise('/readyz names the queue', probe.text.includes('degraded'), probe.text);
  await phase.end();
  const after = await playOutage(sender, id(2), { stages: ['Resolved'], first: 2 });
  context.add('cycles', 1);
  return [...before, ...during.flat(), ...after];
}

async function command(url: string, name: string, ...words: string[]): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  await client.connect();
  await client.call(name, ...words);
  client.disconnect();
}
