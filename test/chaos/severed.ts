/** The network between two replicas and their one Postgres is cut: one sided, on both sides, in turns, by refusal and by silence. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTcpProxy, through, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

/** Long enough that leases end, calls are taken over, and the cut-off side opens by itself. */
const CUT_MS = 6_000;
/** A statement that is never answered is given up after 11 s, and a spool may have to try two connections. */
const WELL_MS = 40_000;
/**
 * `silent`: as `hang`, and connections of before never hear of it, as after a failover to another host. On one side only:
 * the server keeps such connections for a minute, and this one has 60.
 */
const CUTS = [
  ...(['away', 'hang'] as const).flatMap((mode) => (['L', 'R', 'B'] as const).map((who) => ({ mode, who }))),
  { mode: 'silent', who: 'L' },
] as const;

interface Side {
  name: string;
  proxy: TcpProxy;
  sender: Sender;
}

export const severed: Scenario = {
  name: 'severed',
  footings: 'postgres (two replicas, each behind a line of its own)',
  async run(context) {
    const stage = await openStage(context, {
      footing: 'postgres',
      parts: { pager: '', genie: '', snow: '', hook: '' },
      rest: 'routes: [{ match: {}, to: [oncall, jsm, itsm, hook] }]',
    });
    const url = stage.databaseUrl!;
    const sides = [
      await connected(context, stage, { url, name: 'left' }),
      await connected(context, stage, { url, name: 'right' }),
    ];
    await Promise.all(stage.relays.map((relay) => relay.start()));
    const sent: Sent[] = [];
    for (let round = 0; round < context.size(1, 12); round++) {
      for (const one of CUTS) sent.push(...(await cut(context, stage, { ...one, sides, round })));
    }
    // Then what they had spooled is stored.
    for (const side of sides)
      context.promise(
        'both replicas are well again',
        await until(async () => (await side.sender.call('GET', '/readyz')).text.includes('"status":"ok"'), WELL_MS),
        side.name,
      );
    const ids = idsOf(sent);
    const [{ sender }] = sides as [Side, Side];
    const deliveries = await waitLevel(context, stage, { sender, ids, limitMs: 60_000 });
    await checkRecord(context, sender, sent);
    checkVendors(context, stage, { ids, deliveries });
    await Promise.all(stage.relays.map((relay) => relay.stop()));
  },
};

async function connected(context: Context, stage: Stage, { url, name }: { url: string; name: string }): Promise<Side> {
  const target = new URL(url);
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  context.onEnd(() => proxy.stop());
  const relay = await stage.relay(name, {
    DATABASE_URL: through(url, proxy),
    RELAY_DATA_DIR: join(stage.folder, `spool-${name}`),
  });
  return { name, proxy, sender: stage.sender(relay) };
}

/** The same outages come to both sides while the line of one, or of both, is cut. */
async function cut(
  context: Context,
  stage: Stage,
  { sides, mode, who, round }: (typeof CUTS)[number] & { sides: readonly Side[]; round: number },
): Promise<Sent[]> {
  const [left, right] = sides as [Side, Side];
  const off = { L: [left], R: [right], B: [left, right] }[who];
  const id = (n: number): string => `SV${mode[0]!.toUpperCase()}${who}-${String(round).padStart(2, '0')}${n}`;
  const { pager, hook } = stage.cast;
  // Calls are under way on both sides when the line goes: their outcomes cannot be written.
  hook.failNext({ kind: 'slow', delayMs: 1_500 }, 4);
  pager.failNext({ kind: 'slow', delayMs: 1_500 }, 4);
  const sent = await playOutage(left.sender, id(0), { stages: ['Active'] });
  for (const { proxy } of off) {
    proxy.mode = mode === 'silent' ? 'hang' : mode;
    if (mode === 'away') proxy.cut();
    if (mode === 'silent') proxy.silence();
  }
  const startedMs = Date.now();
  const during = [
    playOutage(left.sender, id(1), { stages: ['Active'] }),
    playOutage(right.sender, id(1), { stages: ['Active'], first: 2 }),
    playOutage(right.sender, id(2)),
    playOutage(left.sender, id(0), { stages: ['Resolved'], first: 2 }),
  ];
  const paged = await until(() => pager.alerts().some((alert) => alert.title.includes(id(1))), 8_000);
  context.promise(`${mode} on ${who}: the page goes out`, paged, id(1));
  context.figure(
    `${mode} on ${who}: page ms`,
    (pager.alerts().find((alert) => alert.title.includes(id(1)))?.log[0]?.at ?? Number.NaN) - startedMs,
  );
  await sleep(CUT_MS);
  for (const { proxy } of off) {
    proxy.mode = 'pass';
    if (mode !== 'silent') proxy.cut();
  }
  const healedMs = Date.now();
  sent.push(...(await Promise.all(during)).flat());
  sent.push(...(await playOutage(right.sender, id(1), { stages: ['Resolved'], first: 3 })));
  await waitLevel(context, stage, { sender: right.sender, ids: [id(0), id(1), id(2)], limitMs: 30_000 });
  context.figure(`${mode} on ${who}: level again after the line is back ms`, Date.now() - healedMs);
  context.add('cycles', 1);
  return sent;
}
