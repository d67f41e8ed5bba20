/** Hostile input: whatever comes in, through whatever door, the relay lives, answers plainly, and keeps what it does not understand. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { serviceHealth } from '#test/support/fixtures.ts';
import { hostileBodies, type Body } from './hostile-bodies.ts';
import { CALLBACKS, DOORS, fire, PAGERDUTY_SECRET, SERVICENOW_TOKEN, type Door, type Fired } from './hostile-doors.ts';
import { openHostileHub, type HostileHub } from './hostile-hub.ts';
import { INSPECTED, readMemory, slope, type MemoryReading } from './memory.ts';
import type { RelayProcess } from './relay-process.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, RECEIVER_TOKEN, type Stage } from './stage.ts';
import { withLimit } from './traffic.ts';

const CONCURRENCY = 24;
/** Bodies between two readings of the memory. */
const ROUND = 4_000;
/** The first rounds fill caches, pools and prepared statements. */
const WARM_ROUNDS = 2;
/** Live memory may grow by so much per 1,000 bodies and count as flat: 1 KB per body that is never let go would show. */
const LIVE_GROWTH_MB = 1;
/** V8 gives pages back late and in pieces: resident memory is judged ten times as generously. */
const RSS_GROWTH_MB = 10;
const PATH = `/v1/receivers/azure-monitor?token=${RECEIVER_TOKEN}`;
/** The server cuts headers after 8 s and requests after 15 s, and looks every 30 s; on a busy machine somewhat later. */
const CUT_MS = 120_000;
/** Until a notification must be there, and what shows that there is not a second one. */
const TOLD_MS = 30_000;
const QUIET_MS = 1_500;
const STALLED = 150;

export const hostile: Scenario = {
  name: 'hostile',
  footings: 'embedded',
  async run(context) {
    const hub = await openHostileHub(context);
    const stage = await openStage(context, {
      footing: 'embedded',
      parts: { pager: '', teams: '', hook: '' },
      rest: `routes: [{ match: { kind: outage }, to: [oncall, channel] }, { match: {}, to: [hook] }]\n${CALLBACKS}`,
      receivers: hub.config,
      secrets: [PAGERDUTY_SECRET, SERVICENOW_TOKEN],
    });
    const relay = await stage.relay('all', INSPECTED);
    await relay.start();
    const sender = stage.sender(relay);
    const stalled = stall(relay);
    const stalledAt = performance.now();
    await flood(context, stage, { sender, hub });
    await shower(context, { relay, sender, hub });
    context.promise('the process lives', relay.running);
    const { pager, teams, hook } = stage.cast;
    context.promise(
      'vendors understand what hostile input became',
      pager.refusals.length + hook.refusals.length + teams.runs.filter((run) => run.faults.length > 0).length === 0,
      [pager.refusals[0], hook.refusals[0], teams.runs.find((run) => run.faults.length > 0)?.faults],
    );
    const cut = await until(
      () => stalled.every((socket) => socket.destroyed || socket.readableEnded),
      Math.max(1, CUT_MS - (performance.now() - stalledAt)),
    );
    context.promise('half-open connections are cut', cut, stalled.filter((socket) => !socket.destroyed).length);
    for (const socket of stalled) socket.destroy();
    await relay.stop();
  },
};

/** Connections that send half a head, half a body, or nothing, and wait. */
function stall(relay: RelayProcess): Socket[] {
  const port = Number(new URL(relay.url).port);
  const words = [
    'POST ',
    `POST ${PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n`,
    `POST ${PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"a":`,
  ];
  return Array.from({ length: STALLED }, (_, i) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(words[i % words.length]!);
    return socket;
  });
}

/** Hundreds of messages of a shape that nobody knows are one incident and one notification per source, whichever door they take. */
async function flood(
  context: Context,
  stage: Stage,
  { sender, hub }: { sender: Sender; hub: HostileHub },
): Promise<void> {
  const { hook } = stage.cast;
  const odd = (n: number): unknown => ({
    flood: { number: n, at: `moment ${n}`, list: [n, n + 1] },
    host: `machine-${n}`,
  });
  const answers = await Promise.all(
    Array.from({ length: 700 }, (_, n) =>
      sender.deliver(odd(n), { path: n % 7 < 5 ? '/v1/receivers/azure-monitor' : '/v1/receivers/event-grid' }),
    ),
  );
  const incidents = new Set(answers.flatMap((answer) => answer.signals.map((signal) => signal.incident)));
  context.promise(
    'a flood of one unknown shape is one incident',
    incidents.size === 1 && answers.every((answer) => answer.status === 202),
    { incidents: incidents.size, bad: answers.find((answer) => answer.status !== 202) },
  );
  await until(() => hook.events.length > 0, TOLD_MS);
  await until(() => hook.events.length > 1, QUIET_MS);
  context.promise(
    'a flood of one unknown shape is one notification',
    hook.events.length === 1,
    hook.events.map((event) => event.body.type),
  );
  // The hub is another source, and one more notification.
  for (let n = 0; n < 300; n++) hub.publish({ what: 'flood', bytes: Buffer.from(JSON.stringify(odd(n))) });
  await hub.settle(sender);
  await until(() => hook.events.length > 1, TOLD_MS);
  await until(() => hook.events.length > 2, QUIET_MS);
  context.promise(
    'a flood through a hub is one notification',
    hook.events.length === 2,
    hook.events.map((event) => event.body.type),
  );
}

interface Watched {
  relay: RelayProcess;
  sender: Sender;
  hub: HostileHub;
}

async function shower(context: Context, watched: Watched): Promise<void> {
  const { relay, sender, hub } = watched;
  const pool = new Pool(relay.url, { connections: CONCURRENCY, pipelining: 1 });
  context.onEnd(() => pool.destroy());
  // Each door gets every extreme, and chances of its own.
  const supplies = [...DOORS, null].map((_, n) => hostileBodies(context.random, context.seed + n * 1_000_000));
  const turns = [
    ...DOORS.flatMap((door, n) => Array.from({ length: door.share }, () => n)),
    DOORS.length,
    DOORS.length,
  ];
  // A note needs an incident to be written to.
  await sender.deliver(serviceHealth({ trackingId: 'HOST-1LE', communication: 1, stage: 'Active' }));
  const pid = relay.pid;
  const tally = new Map<string, number>();
  const incidents = new Set<string>();
  const waits: number[] = [];
  const memory: MemoryReading[] = [];
  let deliberate = 0;
  let lagS = 0;
  let sent = 0;
  const started = performance.now();
  const endMs = started + context.size(180_000, 3_600_000);
  const rounds = context.size(5, 1_000);
  for (let round = 0; round < rounds && performance.now() < endMs; round++) {
    const list = Array.from({ length: ROUND }, (_, n) => n);
    await withLimit(list, CONCURRENCY, async (n) => {
      const turn = context.random.pick(turns);
      const body = supplies[turn]!.next().value as Body;
      sent++;
      const door = DOORS[turn];
      if (!door) hub.publish(body);
      else {
        const answer = await fire(pool, door, { body, random: context.random });
        count(tally, `${door.name} answered ${answer.status}`);
        if (answer.status === 503 && answer.deliberate) deliberate++;
        judge(context, { door, body, answer });
        if (incidents.size < 300) for (const id of answer.incidents) incidents.add(id);
      }
      if (n % 200 === 199) waits.push(await goodPost(context, sender, sent));
    });
    await hub.settle(sender);
    lagS = Math.max(lagS, await worstLag(sender));
    await sleep(300);
    memory.push(await readMemory(relay));
    // The forced collection is ours, not the relay's.
    await worstLag(sender);
    context.say(
      `${sent} bodies, ${memory.at(-1)!.liveMb.toFixed(0)} MB live, ${memory.at(-1)!.rssMb.toFixed(0)} MB resident`,
    );
  }
  context.add('cycles', sent);
  context.figure('bodies', sent);
  context.figure('of these through the hub', hub.published);
  context.figure('bodies per second', sent / ((performance.now() - started) / 1000));
  for (const [words, times] of [...tally].toSorted(([a], [b]) => a.localeCompare(b))) context.figure(words, times);
  context.figure('deliberate 503', deliberate);
  context.figure('worst answer to a good post meanwhile ms', Math.max(...waits));
  context.figure('longest stand of the event loop ms', lagS * 1000);
  judgeMemory(context, memory);
  await hub.goodNews(sender, 'HUBN-EWS');
  context.promise('the process was never replaced', relay.pid === pid && relay.running, relay.log().slice(-1_500));
  await readBack(context, sender, incidents);
}

function judgeMemory(context: Context, memory: readonly MemoryReading[]): void {
  const perThousand = (of: (reading: MemoryReading) => number): number =>
    slope(memory.slice(WARM_ROUNDS - 1).map((reading) => of(reading))) / (ROUND / 1_000);
  const [live, rss] = [perThousand((one) => one.liveMb), perThousand((one) => one.rssMb)];
  const list = (of: (reading: MemoryReading) => number): string => memory.map((one) => of(one).toFixed(0)).join(' ');
  // A thousand rounds need no line each.
  context.figure('live MB after each 4,000 bodies', list((one) => one.liveMb).slice(0, 120));
  context.figure('resident MB after each 4,000 bodies', list((one) => one.rssMb).slice(0, 120));
  context.figure('live growth per 1,000 bodies MB', live);
  context.figure('resident growth per 1,000 bodies MB', rss);
  context.promise('memory is flat: live objects', live < LIVE_GROWTH_MB, live);
  context.promise('memory is flat: resident', rss < RSS_GROWTH_MB, rss);
}

async function readBack(context: Context, sender: Sender, incidents: ReadonlySet<string>): Promise<void> {
  let unreadable: unknown = null;
  for (const id of incidents) {
    for (const path of [`/v1/incidents/${id}`, `/v1/incidents/${id}/timeline?format=markdown`, `/incidents/${id}`]) {
      const answer = await sender.call('GET', path);
      if (answer.status !== 200) unreadable ??= { path, status: answer.status, text: answer.text.slice(0, 300) };
    }
  }
  context.promise('what was kept can be read, as JSON, Markdown and page', unreadable === null, unreadable);
}

/** The longest that the relay's event loop stood still since the last look, seconds. */
async function worstLag(sender: Sender): Promise<number> {
  const { text } = await sender.call('GET', '/metrics');
  return Number(/^nodejs_eventloop_lag_max_seconds ([\d.e+-]+)$/m.exec(text)?.[1] ?? 0);
}

function count(tally: Map<string, number>, words: string): void {
  tally.set(words, (tally.get(words) ?? 0) + 1);
}

function judge(context: Context, { door, body, answer }: { door: Door; body: Body; answer: Fired }): void {
  const seen = {
    door: door.name,
    path: answer.path.slice(0, 200),
    what: body.what,
    status: answer.status,
    text: answer.text.slice(0, 300),
    body: answer.sent.subarray(0, 400).toString(),
  };
  context.promise(
    'no 5xx but a deliberate 503',
    answer.status < 500 || (answer.status === 503 && answer.deliberate),
    seen,
  );
  // A body that is refused while it is still being sent may end in a reset.
  context.promise('every body is answered', answer.status > 0 || answer.sent.length > 1024 * 1024, seen);
  if (answer.status >= 200 && answer.status < 300) return;
  context.promise(
    'what is refused is refused with a reason',
    door.refusals.test(answer.text) || answer.status === 0,
    seen,
  );
  if (answer.status === 400 && door.keepsJson) context.promise('what is JSON is kept', !isJson(answer.sent), seen);
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** In between, somebody has real news. */
async function goodPost(context: Context, sender: Sender, n: number): Promise<number> {
  const answer = await sender.deliver(
    serviceHealth({ trackingId: `GOOD-${String(n).padStart(6, '0')}`, communication: 1, stage: 'Active' }),
  );
  context.promise('real news is taken in between', answer.status === 202, answer);
  return answer.durationMs;
}
