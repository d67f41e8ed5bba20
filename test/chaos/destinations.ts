/** Destinations that fail in every way known to us: nothing is lost, somebody is told, the others do not notice. */
import { serviceHealth } from '#test/support/fixtures.ts';
import type { Fault } from '#test/support/vendors/vendor-server.ts';
import { checkRecord, checkVendors, idsOf, waitLevel } from './promises.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

const FAULTS: readonly [string, Fault, number][] = [
  ['A429', { kind: 'answer', answer: { status: 429, headers: { 'retry-after': '2' } } }, 2],
  ['E500', { kind: 'answer', answer: { status: 500, body: 'oops' } }, 3],
  ['E503', { kind: 'answer', answer: { status: 503, headers: { 'retry-after': '1' } } }, 2],
  ['LOST', { kind: 'reset', taken: false }, 2],
  ['TOOK', { kind: 'reset', taken: true }, 2],
  [
    'HTML',
    { kind: 'answer', answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' } },
    1,
  ],
  ['VOID', { kind: 'answer', answer: { status: 200 } }, 1],
  ['BARE', { kind: 'answer', answer: { status: 200, body: {} } }, 1],
  [
    'HALF',
    { kind: 'answer', answer: { status: 200, headers: { 'content-type': 'application/json' }, body: '{"status":' } },
    1,
  ],
  ['HUGE', { kind: 'answer', answer: { status: 200, body: { status: 'x'.repeat(3_000_000) } } }, 1],
  ['SLOW', { kind: 'slow', delayMs: 3_000 }, 2],
];
/** These last as long as the vendor's deadline of 15 to 20 s, or as the pause after a 429 that names none, 30 s. */
const LONG_FAULTS: readonly [string, Fault, number][] = [
  ['HANG', { kind: 'hang', taken: true }, 1],
  ['DRIP', { kind: 'drip' }, 1],
  ['R429', { kind: 'answer', answer: { status: 429, body: 'slow down' } }, 1],
];

export const destinations: Scenario = {
  name: 'destinations',
  footings: 'postgres',
  async run(context) {
    const stage = await openStage(context, {
      footing: 'postgres',
      parts: { pager: 'fallback: { to: mail, after: 1h }', genie: '', teams: '', smtp: '', hook: '' },
      rest: 'routes: [{ match: {}, to: [oncall, jsm, channel, hook, mail] }]',
    });
    const relay = await stage.relay('all');
    await relay.start();
    const sender = stage.sender(relay);
    const count = context.size(120, 600);
    // The first calls load modules and open connections; they are nobody's measure.
    await latencies(stage, { sender, prefix: 'WARM', count: 40 });
    const calm = await latencies(stage, { sender, prefix: 'CALM', count });
    const sent: Sent[] = [];
    for (let round = 0; round < context.size(1, 5); round++) {
      for (const [name, fault, times] of [...LONG_FAULTS, ...FAULTS])
        sent.push(
          ...(await play(context, stage, { sender, name: `${name}-${String(round).padStart(2, '0')}0`, fault, times })),
        );
    }
    stage.cast.pager.failAlways({ kind: 'answer', answer: { status: 503 } });
    const storm = await latencies(stage, { sender, prefix: 'BUSY', count });
    stage.cast.pager.failAlways(null);
    context.figure('other destinations, p99 before ms', calm);
    context.figure('other destinations, p99 while one fails ms', storm);
    context.figure('other destinations, p99 while one fails / before', storm / calm);
    sent.push(...(await awayAndBack(context, stage, sender)), ...(await revoked(context, stage, sender)));
    const ids = idsOf(sent);
    const deliveries = await waitLevel(context, stage, { sender, ids, limitMs: 60_000 });
    await checkRecord(context, sender, sent);
    checkVendors(context, stage, { ids, deliveries });
    await relay.stop();
  },
};

/** 99 of 100 posts have their card within this, milliseconds. */
async function latencies(
  stage: Stage,
  { sender, prefix, count }: { sender: Sender; prefix: string; count: number },
): Promise<number> {
  const waits: number[] = [];
  for (let n = 0; n < count; n++) {
    const id = `${prefix}-${String(n).padStart(3, '0')}`;
    const started = performance.now();
    await sender.deliver(serviceHealth({ trackingId: id, communication: 1, stage: 'Active' }));
    await until(() => stage.cast.teams.cards.some((card) => card.text.includes(id)), 10_000, 1);
    waits.push(performance.now() - started);
  }
  return waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)]!;
}

async function play(
  context: Context,
  stage: Stage,
  { sender, name, fault, times }: { sender: Sender; name: string; fault: Fault; times: number },
): Promise<Sent[]> {
  const { pager, genie, hook } = stage.cast;
  for (const server of [pager, genie, hook]) server.failNext(fault, times);
  const started = performance.now();
  const sent = await playOutage(sender, name);
  await waitLevel(context, stage, { sender, ids: [name] });
  // Opsgenie is not called for what was over before it was told of it: its faults would wait for the next round.
  for (const server of [pager, genie, hook]) server.clearFaults();
  context.figure(`${name.slice(0, 4)}: level again after ms`, performance.now() - started);
  context.add('cycles', 1);
  return sent;
}

/** Away while an incident goes through its whole life: one message that says what it covers when it is back. */
async function awayAndBack(context: Context, stage: Stage, sender: Sender): Promise<Sent[]> {
  const { hook } = stage.cast;
  const port = hook.port;
  await hook.stop();
  const sent = await playOutage(sender, 'BACK-000', {
    stages: ['Active', 'Active', 'Active', 'Active', 'Active', 'Active', 'Active', 'Resolved'],
  });
  const told = await until(() => stage.cast.teams.cards.some((card) => card.text.includes('BACK-000')), 5_000);
  context.promise('the others are told while one is away', told);
  await hook.start(port);
  await waitLevel(context, stage, { sender, ids: ['BACK-000'], limitMs: 60_000 });
  const messages = hook.events.filter((event) => event.body.data.incident.headline.includes('BACK-000'));
  context.promise(
    'who was away gets the present state, not a queue of old ones',
    messages.length > 0 && messages.length <= 2,
    messages.map((event) => event.body.type),
  );
  context.add('cycles', 1);
  return sent;
}

/** A key that the vendor no longer knows: the fallback is told at once, and a retry by hand levels it. */
async function revoked(context: Context, stage: Stage, sender: Sender): Promise<Sent[]> {
  const { pager, smtp } = stage.cast;
  pager.failAlways({
    kind: 'answer',
    answer: { status: 400, body: { status: 'invalid event', errors: ['Invalid routing key'] } },
  });
  const sent = await playOutage(sender, 'KEYS-000', { stages: ['Active'] });
  const fell = await until(
    async () =>
      (await sender.timeline('KEYS-000')).some(
        (entry) =>
          /oncall/.test(entry.summary) && /mail|instead|not reached/.test(entry.summary) && entry.kind === 'decision',
      ),
    15_000,
  );
  context.promise(
    'a revoked key is news on the timeline',
    fell,
    (await sender.timeline('KEYS-000')).map((entry) => entry.summary),
  );
  context.promise(
    'the fallback is told',
    await until(() => smtp.mails.some(({ mail }) => (mail.subject ?? '').includes('KEYS-000')), 5_000),
  );
  pager.failAlways(null);
  const delivery = (await sender.deliveries('KEYS-000')).find((one) => one.destination === 'oncall');
  const again = await sender.call('POST', `/v1/deliveries/${delivery?.id}/retry`);
  context.promise('a retry by hand is taken', again.status === 202, again);
  await waitLevel(context, stage, { sender, ids: ['KEYS-000'] });
  sent.push(...(await playOutage(sender, 'KEYS-000', { stages: ['Resolved'], first: 2 })));
  context.add('cycles', 1);
  return sent;
}
