/** Hostile input: whatever comes in, the relay lives, answers plainly, and keeps what it does not understand. */
import { connect, type Socket } from 'node:net';
import { Pool } from 'undici';
import { serviceHealth } from '#test/support/fixtures.ts';
import { hostileBodies, type Body } from './hostile-bodies.ts';
import type { RelayProcess } from './relay-process.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, RECEIVER_TOKEN, type Stage } from './stage.ts';

const CONCURRENCY = 24;
const PATH = `/v1/receivers/azure-monitor?token=${RECEIVER_TOKEN}`;
/** The server cuts headers after 8 s and requests after 15 s, and looks every 30 s. */
const CUT_MS = 50_000;
const STALLED = 150;

export const hostile: Scenario = {
  name: 'hostile',
  footings: 'embedded',
  async run(context) {
    const stage = await openStage(context, {
      footing: 'embedded',
      parts: { pager: '', teams: '', hook: '' },
      rest: 'routes: [{ match: { kind: outage }, to: [oncall, channel] }, { match: {}, to: [hook] }]',
    });
    const relay = await stage.relay('all');
    await relay.start();
    const sender = stage.sender(relay);
    const stalled = stall(relay);
    await flood(context, stage, sender);
    await shower(context, { relay, sender });
    context.promise('the process lives', relay.running);
    const { pager, teams, hook } = stage.cast;
    context.promise(
      'vendors understand what hostile input became',
      pager.refusals.length + hook.refusals.length + teams.runs.filter((run) => run.faults.length > 0).length === 0,
      [pager.refusals[0], hook.refusals[0], teams.runs.find((run) => run.faults.length > 0)?.faults],
    );
    const cut = await until(
      () => stalled.every((socket) => socket.destroyed || socket.readableEnded),
      context.size(1, CUT_MS),
    );
    context.figure(
      'half-open connections still open at the end',
      stalled.filter((socket) => !socket.destroyed && !socket.readableEnded).length,
    );
    if (context.long) context.promise('half-open connections are cut', cut);
    for (const socket of stalled) socket.destroy();
    await relay.stop();
  },
};

/** Connections that send half a head, half a body, or nothing, and wait. */
function stall(relay: RelayProcess): Socket[] {
  const port = Number(new URL(relay.url).port);
  const words = [
    '',
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

/** Five hundred messages of a shape that nobody knows are one incident and one notification. */
async function flood(context: Context, stage: Stage, sender: Sender): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, n) =>
      sender.post({ flood: { number: n, at: `moment ${n}`, list: [n, n + 1] }, host: `machine-${n}` }),
    ),
  );
  const incidents = new Set(answers.flatMap((answer) => answer.signals.map((signal) => signal.incident)));
  context.promise(
    'a flood of one unknown shape is one incident',
    incidents.size === 1 && answers.every((answer) => answer.status === 202),
    { incidents: incidents.size, bad: answers.find((answer) => answer.status !== 202) },
  );
  await until(() => stage.cast.hook.events.length > 0, 5_000);
  await until(() => stage.cast.hook.events.length > 1, 1_500);
  context.promise(
    'a flood of one unknown shape is one notification',
    stage.cast.hook.events.length === 1,
    stage.cast.hook.events.map((event) => event.body.type),
  );
}

async function shower(context: Context, { relay, sender }: { relay: RelayProcess; sender: Sender }): Promise<void> {
  const pool = new Pool(relay.url, { connections: CONCURRENCY, pipelining: 1 });
  context.onEnd(() => pool.destroy());
  const bodies = hostileBodies(context.random, context.seed);
  const total = context.size(4_000, Number.MAX_SAFE_INTEGER);
  const endMs = performance.now() + context.size(120_000, 3_600_000);
  const pid = relay.pid;
  const tally = new Map<number, number>();
  const incidents = new Set<string>();
  let sent = 0;
  let deliberate = 0;
  let rssEarly = 0;
  const waits: number[] = [];
  const work = async (): Promise<void> => {
    while (sent < total && performance.now() < endMs) {
      const body = bodies.next().value as Body;
      sent++;
      if (sent === Math.round(Math.min(total, 8_000) / 2)) rssEarly = relay.rssBytes();
      const answer = await fire(pool, body);
      tally.set(answer.status, (tally.get(answer.status) ?? 0) + 1);
      if (answer.status === 503 && answer.deliberate) deliberate++;
      judge(context, body, answer);
      if (incidents.size < 200) for (const id of answer.incidents) incidents.add(id);
      if (sent % 100 === 0) waits.push(await goodPost(context, sender, sent));
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  context.add('cycles', sent);
  context.figure('bodies', sent);
  context.figure('bodies per second', sent / ((performance.now() - started) / 1000));
  for (const [status, count] of [...tally].toSorted(([a], [b]) => a - b)) context.figure(`answered ${status}`, count);
  context.figure('deliberate 503', deliberate);
  context.figure('worst answer to a good post meanwhile ms', Math.max(...waits));
  context.figure('rss at half MB', rssEarly / 1e6);
  context.figure('rss at the end MB', relay.rssBytes() / 1e6);
  context.promise('the process was never replaced', relay.pid === pid && relay.running, relay.log().slice(-1_500));
  let unreadable: unknown = null;
  for (const id of incidents) {
    for (const path of [`/v1/incidents/${id}`, `/v1/incidents/${id}/timeline?format=markdown`, `/incidents/${id}`]) {
      const answer = await sender.call('GET', path);
      if (answer.status !== 200) unreadable ??= { path, status: answer.status, text: answer.text.slice(0, 300) };
    }
  }
  context.promise('what was kept can be read, as JSON, Markdown and page', unreadable === null, unreadable);
}

interface Fired {
  status: number;
  text: string;
  incidents: string[];
  deliberate: boolean;
}

async function fire(pool: Pool, body: Body): Promise<Fired> {
  try {
    const answer = await pool.request({
      method: 'POST',
      path: PATH,
      headers: { 'content-type': 'application/json', ...body.headers },
      body: body.bytes,
      signal: AbortSignal.timeout(15_000),
    });
    const text = await answer.body.text();
    const signals =
      answer.statusCode === 202 ? (JSON.parse(text) as { signals: { incident: string | null }[] }).signals : [];
    return {
      status: answer.statusCode,
      text,
      incidents: signals.flatMap((signal) => signal.incident ?? []),
      deliberate: answer.headers['retry-after'] !== undefined,
    };
  } catch (error) {
    return { status: 0, text: (error as Error).message, incidents: [], deliberate: false };
  }
}

function judge(context: Context, body: Body, answer: Fired): void {
  const seen = {
    what: body.what,
    status: answer.status,
    text: answer.text.slice(0, 300),
    body: body.bytes.subarray(0, 400).toString(),
  };
  context.promise(
    'no 5xx but a deliberate 503',
    answer.status < 500 || (answer.status === 503 && answer.deliberate),
    seen,
  );
  // A body that is refused while it is still being sent may end in a reset.
  context.promise('every body is answered', answer.status > 0 || body.bytes.length > 1024 * 1024, seen);
  if (answer.status >= 200 && answer.status < 300) return;
  const refusedFor = /"code":"(not-json|too-large|compressed-body|unavailable)"/.test(answer.text);
  context.promise('what is refused is refused with a reason', refusedFor || answer.status === 0, seen);
  if (answer.status === 400) context.promise('what is JSON is kept', !isJson(body.bytes), seen);
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
