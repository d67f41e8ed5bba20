/** Postgres killed, restarted, cut off, without connections, hanging: never a 2xx for what is not durable; pages go out. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { signalProcess } from '#src/db/embedded/processes.ts';
import { startEmbedded, type EmbeddedPostgres } from '#src/db/embedded/server.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { startTcpProxy, through, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

const OPTIONS = {
  footing: 'embedded',
  parts: { pager: '', snow: '', hook: '' },
  rest: 'routes: [{ match: {}, to: [oncall, itsm, hook] }]',
} as const;
const PAGE_MS = 8_000;

interface Server {
  postgres: EmbeddedPostgres;
  proxy: TcpProxy;
  url: string;
}

export const postgres: Scenario = {
  name: 'postgres',
  footings: 'postgres (with a spool: two replicas; without)',
  async run(context) {
    await withSpool(context);
    await withoutSpool(context);
  },
};

async function open(context: Context, stage: Stage): Promise<Server> {
  const dataDir = join(stage.folder, 'server');
  // Durable, as in production: without fsync a killed server would rightly lose its last commits.
  const server = await startEmbedded({ dataDir });
  chmodSync(dataDir, 0o711);
  context.onEnd(() => server.stop());
  const target = new URL(server.url);
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  context.onEnd(() => proxy.stop());
  return { postgres: server, proxy, url: through(server.url, proxy) };
}

interface Phase {
  name: string;
  begin(): Promise<unknown> | void;
  end(): Promise<unknown> | void;
  /** Long enough that the relay must page without it. */
  away: boolean;
}

function phasesOf({ postgres: server, proxy }: Server): Phase[] {
  const held: Client[] = [];
  return [
    { name: 'KILL', away: false, begin: () => void signalProcess(server.pid, 'SIGKILL'), end: () => sleep(500) },
    { name: 'STOP', away: false, begin: () => void signalProcess(server.pid, 'SIGINT'), end: () => sleep(500) },
    { name: 'CUTT', away: false, begin: () => proxy.cut(), end: () => undefined },
    {
      name: 'AWAY',
      away: true,
      begin: () => ((proxy.mode = 'away'), proxy.cut()),
      end: () => void (proxy.mode = 'pass'),
    },
    {
      name: 'HANG',
      away: true,
      begin: () => void (proxy.mode = 'hang'),
      end: () => ((proxy.mode = 'pass'), proxy.cut()),
    },
    {
      name: 'FULL',
      away: false,
      begin: async () => {
        proxy.cut();
        await exhaust(server.url, held);
      },
      end: () => Promise.all(held.splice(0).map((client) => client.end().catch(() => undefined))),
    },
  ];
}

/** Takes every connection that the server has to give. */
async function exhaust(url: string, held: Client[]): Promise<void> {
  for (let n = 0; n < 400; n++) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    const got = await client.connect().then(
      () => true,
      () => false,
    );
    if (!got) return;
    held.push(client);
  }
}

async function withSpool(context: Context): Promise<void> {
  const stage = await openStage(context, OPTIONS);
  const server = await open(context, stage);
  const environment = (name: string): Record<string, string> => ({
    DATABASE_URL: server.url,
    RELAY_DATA_DIR: join(stage.folder, `spool-${name}`),
  });
  const one = await stage.relay('one', environment('one'));
  const two = await stage.relay('two', environment('two'));
  await one.start();
  await two.start();
  const [left, right] = [stage.sender(one), stage.sender(two)];
  const sent: Sent[] = [];
  for (let round = 0; round < context.size(1, 15); round++) {
    for (const phase of phasesOf(server)) sent.push(...(await play(context, stage, { phase, round, left, right })));
  }
  const ids = idsOf(sent);
  const deliveries = await waitLevel(context, stage, { sender: left, ids, limitMs: 60_000 });
  await checkRecord(context, left, sent);
  checkVendors(context, stage, { ids, deliveries });
  context.promise(
    '/readyz is ok again when Postgres is back',
    await until(async () => (await left.call('GET', '/readyz')).text.includes('"status":"ok"'), 15_000),
    (await left.call('GET', '/readyz')).text,
  );
  await Promise.all([one.stop(), two.stop()]);
}

/** The same outage comes to both replicas while Postgres is ill. */
async function play(
  context: Context,
  stage: Stage,
  { phase, round, left, right }: { phase: Phase; round: number; left: Sender; right: Sender },
): Promise<Sent[]> {
  const { pager } = stage.cast;
  const id = (n: number): string => `${phase.name}-${String(round).padStart(2, '0')}${n}`;
  const sent = await playOutage(left, id(0), { stages: ['Active'] });
  await phase.begin();
  const startedMs = Date.now();
  const during = [
    playOutage(left, id(0), { stages: ['Resolved'], first: 2 }),
    playOutage(left, id(1), { stages: ['Active'] }),
    playOutage(right, id(1), { stages: ['Active'], first: 2 }),
    playOutage(right, id(2)),
  ];
  if (phase.away) {
    const paged = await until(() => pager.alerts().some((alert) => alert.title.includes(id(1))), PAGE_MS);
    context.promise(`${phase.name}: the page goes out while Postgres is away`, paged, id(1));
    context.figure(
      `${phase.name}: page ms`,
      (pager.alerts().find((alert) => alert.title.includes(id(1)))?.log[0]?.at ?? Number.NaN) - startedMs,
    );
    const probe = await left.call('GET', '/readyz');
    context.promise(
      '/readyz is 200 degraded while there is a spool',
      probe.status === 200 && probe.text.includes('degraded'),
      probe.text,
    );
    const metrics = (await left.call('GET', '/metrics')).text;
    context.promise('the spool shows in the metrics', !/relay_spool_bytes 0\b/.test(metrics));
  } else await sleep(context.random.int(50, 600));
  await phase.end();
  sent.push(...(await Promise.all(during)).flat());
  sent.push(...(await playOutage(right, id(1), { stages: ['Resolved'], first: 3 })));
  context.add('cycles', 1);
  return sent;
}

async function withoutSpool(context: Context): Promise<void> {
  const stage = await openStage(context, OPTIONS);
  const server = await open(context, stage);
  const relay = await stage.relay('bare', { DATABASE_URL: server.url, RELAY_DATA_DIR: '' });
  await relay.start();
  const sender = stage.sender(relay);
  const { proxy } = server;
  const sent: Sent[] = [...(await playOutage(sender, 'BARE-000'))];
  proxy.mode = 'away';
  proxy.cut();
  const refused = await sender.post(serviceHealth({ trackingId: 'BARE-001', communication: 1, stage: 'Active' }));
  context.promise('without a spool nothing is taken while Postgres is away', refused.status === 503, refused);
  context.promise('/readyz is 503 when nothing can be kept', (await sender.call('GET', '/readyz')).status === 503);
  const paged = (): boolean => stage.cast.pager.alerts().some((alert) => alert.title.includes('BARE-001'));
  context.promise('without a spool the page goes out all the same', await until(paged, PAGE_MS));
  proxy.mode = 'pass';
  sent.push(...(await playOutage(sender, 'BARE-001')));
  // Connections lost inside COMMIT: before the server has it, or after it and before the answer.
  for (let n = 0; n < context.size(8, 400); n++) {
    const verdict = n % 2 === 0 ? 'after' : 'before';
    let left = 1;
    proxy.onChunk = (chunk) => (left > 0 && chunk.includes('commit\0') ? (left--, verdict) : null);
    sent.push(...(await playOutage(sender, `CUTC-${String(n).padStart(3, '0')}`)));
    context.promise('a COMMIT was cut', left === 0);
    context.add('cycles', 1);
  }
  proxy.onChunk = null;
  const ids = idsOf(sent);
  const deliveries = await waitLevel(context, stage, { sender, ids });
  await checkRecord(context, sender, sent);
  checkVendors(context, stage, { ids, deliveries });
  await relay.stop();
}
