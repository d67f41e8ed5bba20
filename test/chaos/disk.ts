/** The disk under Postgres is full: tables cannot grow, then the write-ahead log cannot; later there is room again. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbedded, type EmbeddedPostgres } from '#src/db/embedded/server.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { startTcpProxy, through } from '#test/support/tcp-proxy.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

/** A fresh cluster takes some 40 MB and its log as much again. */
const DISK_MB = 256;
const MB = 1024 * 1024;
const PAGE_BYTES = 4_096;
const PAGE_MS = 8_000;
/** Until the tables' free pages are used up and a file has to grow. */
const FILL_POSTS = 3_000;

export const disk: Scenario = {
  name: 'disk',
  footings: 'postgres (on a disk of 256 MB; with a spool, without; the spool on 1 MB)',
  missing: () =>
    process.platform !== 'linux' || process.getuid?.() !== 0
      ? 'only root on Linux can mount a small disk'
      : mountable(),
  async run(context) {
    await withSpool(context);
    await withoutSpool(context);
    await spoolFull(context);
  },
};

function mountable(): string | null {
  const folder = join('/tmp', `relay-chaos-mount-${process.pid}`);
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (mounted.status === 0) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return mounted.status === 0 ? null : 'nothing can be mounted here';
}

interface SmallDisk {
  server: EmbeddedPostgres;
  /** Takes all room that is left. */
  fill(): void;
  free(): void;
}

function mount(context: Context, folder: string, sizeMb: number): void {
  mkdirSync(folder, { mode: 0o711 });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=0711`, 'tmpfs', folder]);
  if (mounted.status !== 0) throw new Error(`mount: ${String(mounted.stderr)}`);
  context.onEnd(async () => void spawnSync('umount', ['--lazy', folder]));
}

async function openDisk(context: Context, stage: Stage): Promise<SmallDisk> {
  const folder = join(stage.folder, `disk-${stage.relays.length}`);
  mount(context, folder, DISK_MB);
  const server = await startEmbedded({ dataDir: folder });
  chmodSync(folder, 0o711);
  context.onEnd(() => server.stop());
  const filler = join(folder, 'filler');
  return {
    server,
    fill() {
      // Postgres writes as well: what is left by then is less than what was left before.
      for (const size of [MB, PAGE_BYTES])
        for (let full = false; !full;) {
          try {
            appendFileSync(filler, Buffer.alloc(size));
          } catch (error) {
            if ((error as { code?: string }).code !== 'ENOSPC') throw error;
            full = true;
          }
        }
    },
    free: () => rmSync(filler, { force: true }),
  };
}

async function withSpool(context: Context): Promise<void> {
  const stage = await openStage(context, {
    footing: 'embedded',
    parts: { pager: '', snow: '', hook: '' },
    rest: 'routes: [{ match: {}, to: [oncall, itsm, hook] }]',
  });
  const small = await openDisk(context, stage);
  const relay = await stage.relay('all', {
    DATABASE_URL: small.server.url,
    RELAY_DATA_DIR: join(stage.folder, 'spool'),
  });
  await relay.start();
  const sender = stage.sender(relay);
  const sent: Sent[] = [...(await playOutage(sender, 'FULL-000', { stages: ['Active'] }))];
  for (let round = 0; round < context.size(1, 5); round++) {
    for (const [name, prepare] of [
      ['TABL', async () => undefined],
      ['WLOG', switchLog],
    ] as const) {
      sent.push(...(await fullOnce(context, stage, { small, sender, name: `${name}-${round}`, prepare })));
      context.add('cycles', 1);
    }
  }
  sent.push(...(await playOutage(sender, 'FULL-000', { stages: ['Resolved'], first: 2 })));
  const ids = idsOf(sent);
  const deliveries = await waitLevel(context, stage, { sender, ids, limitMs: 90_000 });
  await checkRecord(context, sender, sent);
  checkVendors(context, stage, { ids, deliveries });
  context.promise(
    '/readyz is ok again when there is room',
    await until(async () => (await sender.call('GET', '/readyz')).text.includes('"status":"ok"'), 30_000),
    (await sender.call('GET', '/readyz')).text,
  );
  await relay.stop();
}

/** Asks for a new segment of the log, for which there is no room: Postgres panics, as it should. */
async function switchLog(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    // Those that were made ahead are used up first.
    for (let times = 0; times < 40; times++)
      await client.query('select pg_logical_emit_message(false, $1, $1), pg_switch_wal()', ['full']);
  } catch {
    // That is the point.
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function fullOnce(
  context: Context,
  stage: Stage,
  options: { small: SmallDisk; sender: Sender; name: string; prepare: (url: string) => Promise<unknown> },
): Promise<Sent[]> {
  const { small, sender, name, prepare } = options;
  const { pager } = stage.cast;
  small.fill();
  await prepare(small.server.url);
  const sent: Sent[] = [];
  // Big posts until the tables must grow.
  let spooledAfter = -1;
  for (let n = 0; n < FILL_POSTS && spooledAfter < 0; n += 20) {
    const batch = await Promise.all(
      Array.from({ length: 20 }, async (_, k): Promise<Sent> => {
        const trackingId = `${name}-X`;
        const post = { trackingId, communication: n + k + 1, stage: 'Active', text: textOf(trackingId, n + k + 1) };
        const answer = { ...(await sender.post(serviceHealth(post))), tries: 1 };
        return { trackingId, communication: n + k + 1, subscription: '11111111-aaaa-4aaa-8aaa-000000000001', answer };
      }),
    );
    // What was refused will be sent again, by its number.
    sent.push(...batch.filter((one) => one.answer.status === 202));
    const odd = batch.find((one) => ![202, 503].includes(one.answer.status));
    context.promise('a full disk is answered 202 spooled or 503', odd === undefined, odd?.answer);
    if (batch.some((one) => one.answer.signals.some((signal) => signal.outcome === 'spooled'))) spooledAfter = n;
  }
  context.figure(`${name}: posts until the disk showed`, spooledAfter);
  context.promise(`${name}: the spool takes over`, spooledAfter >= 0);
  const fullMs = Date.now();
  const during = playOutage(sender, `${name}-P`, { stages: ['Active'], limitMs: 75_000 });
  const paged = await until(() => pager.alerts().some((alert) => alert.title.includes(`${name}-P`)), PAGE_MS);
  context.promise(`${name}: the page goes out while the disk is full`, paged);
  context.figure(
    `${name}: page ms`,
    (pager.alerts().find((alert) => alert.title.includes(`${name}-P`))?.log[0]?.at ?? Number.NaN) - fullMs,
  );
  const probe = await sender.call('GET', '/readyz');
  context.promise(
    '/readyz is 200 degraded while the disk is full',
    probe.status === 200 && probe.text.includes('degraded'),
    probe.text,
  );
  small.free();
  const freedMs = performance.now();
  sent.push(...(await during));
  const drained = await emptied(sender);
  context.figure(`${name}: spool drained after there was room ms`, performance.now() - freedMs);
  context.promise(`${name}: the spool drains`, drained);
  const last = Math.max(...sent.filter((one) => one.trackingId === `${name}-X`).map((one) => one.communication));
  sent.push(...(await playOutage(sender, `${name}-X`, { stages: ['Resolved'], first: last + 1 })));
  sent.push(...(await playOutage(sender, `${name}-P`, { stages: ['Resolved'], first: 2 })));
  return sent;
}

/** What was spooled is on the record by then. */
function emptied(sender: Sender): Promise<boolean> {
  return until(
    async () => /relay_spool_bytes(\{[^}]*\})? 0$/m.test((await sender.call('GET', '/metrics')).text),
    60_000,
  );
}

/** Microsoft's posts are some kilobytes; this one does not compress. */
function textOf(trackingId: string, communication: number): string {
  const noise = Array.from({ length: 400 }, (_, n) => ((n * 7919 + communication * 104_729) ** 3).toString(36));
  return `<p>Communication ${communication} of ${trackingId}: Active. ${noise.join(' ')}</p>`;
}

/** Nothing durable is left: every post is refused, so that Azure sends it again. */
async function withoutSpool(context: Context): Promise<void> {
  const stage = await openStage(context, {
    footing: 'embedded',
    parts: { hook: '' },
    rest: 'routes: [{ match: {}, to: [hook] }]',
  });
  const small = await openDisk(context, stage);
  const relay = await stage.relay('bare', { DATABASE_URL: small.server.url, RELAY_DATA_DIR: '' });
  await relay.start();
  const sender = stage.sender(relay);
  small.fill();
  await switchLog(small.server.url);
  const refused = await sender.post(serviceHealth({ trackingId: 'BARE-900', communication: 1, stage: 'Active' }));
  context.promise('without a spool a full disk is answered 503', refused.status === 503, refused);
  small.free();
  const sent = await playOutage(sender, 'BARE-900', { limitMs: 75_000 });
  await waitLevel(context, stage, { sender, ids: ['BARE-900'] });
  await checkRecord(context, sender, sent);
  context.add('cycles', 1);
  await relay.stop();
}

/** Postgres is away and the spool's own disk fills up in the middle of a record: what was taken is there, the rest is refused. */
async function spoolFull(context: Context): Promise<void> {
  const stage = await openStage(context, {
    footing: 'postgres',
    parts: { hook: '' },
    rest: 'routes: [{ match: {}, to: [hook] }]',
  });
  const target = new URL(stage.databaseUrl!);
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  context.onEnd(() => proxy.stop());
  const folder = join(stage.folder, 'spool-disk');
  mount(context, folder, 1);
  const relay = await stage.relay('spooling', {
    DATABASE_URL: through(stage.databaseUrl!, proxy),
    RELAY_DATA_DIR: join(stage.folder, 'data-spooling'),
    RELAY_SPOOL_DIR: folder,
  });
  await relay.start();
  const sender = stage.sender(relay);
  const sent: Sent[] = await playOutage(sender, 'SPUL-000', { stages: ['Active'] });
  proxy.mode = 'away';
  proxy.cut();
  const refused: number[] = [];
  for (let n = 2; n < 400 && refused.length < 5; n++) {
    const post = { trackingId: 'SPUL-000', communication: n, stage: 'Active', text: textOf('SPUL-000', n) };
    const answer = { ...(await sender.post(serviceHealth(post))), tries: 1 };
    if (answer.status === 202)
      sent.push({
        trackingId: 'SPUL-000',
        communication: n,
        subscription: '11111111-aaaa-4aaa-8aaa-000000000001',
        answer,
      });
    else refused.push(answer.status);
  }
  context.figure('posts in a spool of 1 MB', sent.length - 2);
  context.promise('a full spool is answered 503', refused.length === 5 && refused.every((one) => one === 503), refused);
  const probe = await sender.call('GET', '/readyz');
  context.promise('/readyz is 503 when the spool is full and Postgres away', probe.status === 503, probe.text);
  // A kill now: the torn record at the end of the file must not hide those before it.
  await relay.kill();
  proxy.mode = 'pass';
  await relay.start();
  sent.push(...(await playOutage(sender, 'SPUL-000', { stages: ['Resolved'], first: 500, limitMs: 75_000 })));
  context.promise('a spool that was full drains after a restart', await emptied(sender));
  await waitLevel(context, stage, { sender, ids: ['SPUL-000'] });
  await checkRecord(context, sender, sent);
  context.add('cycles', 1);
  await relay.stop();
}
