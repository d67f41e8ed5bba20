/** One outage, hundreds of subscriptions, several communications, both schemas, several rules: one page, one ticket, one thread. */
import { subscriptionId, serviceHealth } from '#test/support/fixtures.ts';
import { waitLevel } from './promises.ts';
import type { Context, Scenario } from './scenario.ts';
import { openStage, type Footing } from './stage.ts';
import { commonSchema, withLimit } from './traffic.ts';

const COMMUNICATIONS = 6;
const CONCURRENCY = 64;
const ID = 'STRM-500';
/** Design section 8 asks for a first page within a second and 3,000 posts within three. */
const SUBSCRIPTIONS = 500;

export const storm: Scenario = {
  name: 'storm',
  footings: 'embedded, redis',
  async run(context) {
    await play(context, 'embedded');
    await play(context, 'redis');
  },
};

async function play(context: Context, footing: Footing): Promise<void> {
  const stage = await openStage(context, {
    footing,
    rest: 'routes: [{ match: {}, to: [oncall, jsm, itsm, channel, mail, hook] }]',
  });
  const relay = await stage.relay(
    footing === 'embedded' ? 'all' : 'api',
    footing === 'embedded' ? {} : { RELAY_ROLE: 'api' },
  );
  await relay.start();
  if (footing !== 'embedded') await (await stage.relay('worker', { RELAY_ROLE: 'worker' })).start();
  const sender = stage.sender(relay);
  const bodies = postsOf(context);
  const { pager, genie, snow, smtp, hook } = stage.cast;
  const startedMs = Date.now();
  const started = performance.now();
  const waits: number[] = [];
  const bad: number[] = [];
  await withLimit(bodies, CONCURRENCY, async (body) => {
    const answer = await sender.deliver(body);
    waits.push(answer.durationMs);
    if (answer.status !== 202) bad.push(answer.status);
  });
  const acceptedMs = performance.now() - started;
  const deliveries = (await waitLevel(context, stage, { sender, ids: [ID] })).get(ID)!;
  const levelMs = performance.now() - started;
  context.add('cycles', 1);
  context.figure(`${footing}: posts`, bodies.length);
  context.figure(`${footing}: first page ms`, (pager.entries[0]?.at ?? Number.NaN) - startedMs);
  context.figure(`${footing}: all accepted ms`, acceptedMs);
  context.figure(`${footing}: all delivered ms`, levelMs);
  context.figure(`${footing}: answer p99 ms`, waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? 0);
  // A relay that stood still loses its leases, and tries again what it has no answer to: under the same key.
  const unanswered = (type: string): number =>
    deliveries
      .filter((one) => one.type === type)
      .flatMap((one) => one.attempts)
      .filter((attempt) => attempt.outcome === 'unknown').length;
  context.promise('every post is answered with 202', bad.length === 0, bad[0]);
  context.promise('one page', pager.pages === 1, pager.pages);
  context.promise(
    'the page is resolved',
    pager.alerts().every((alert) => alert.status === 'resolved'),
  );
  context.promise(
    'growth of the scope never pages',
    pager.entries.filter((entry) => entry.event === 'trigger').length <= 1 + unanswered('pagerduty'),
    pager.entries.map((entry) => entry.event),
  );
  context.promise('one alert at Opsgenie', genie.pages === 1, genie.pages);
  context.promise('one ticket', snow.creates === 1 && snow.incidents().length === 1, snow.creates);
  context.add('duplicates', pager.pages - 1 + genie.pages - 1 + snow.creates - 1);
  const subjects = new Set(smtp.mails.map(({ mail }) => mail.subject));
  const roots = new Set(smtp.mails.map(({ mail }) => [mail.references ?? []].flat()[0] ?? mail.messageId));
  context.promise('one mail thread', subjects.size === 1 && roots.size === 1, {
    subjects: [...subjects],
    roots: [...roots],
  });
  context.promise(
    'each message once, but for tries without an answer',
    hook.duplicates.length <= unanswered('webhook') && hook.events.length <= COMMUNICATIONS,
    hook.events.map((event) => event.body.type),
  );
  const incident = await sender.incident(ID);
  const wanted = Array.from({ length: SUBSCRIPTIONS }, (_, n) => subscriptionId(n + 1));
  const missing = wanted.filter((id) => !incident.subscriptions.includes(id));
  context.add('lost', missing.length);
  context.promise(
    'all subscriptions are on the record',
    missing.length === 0 && incident.subscriptions.length === SUBSCRIPTIONS,
    missing.length,
  );
  const communications = (await sender.timeline(ID)).filter((entry) => entry.kind === 'communication');
  context.promise(
    'each communication is on the record once',
    communications.length === COMMUNICATIONS,
    communications.length,
  );
  await relay.stop();
}

/** Communication after communication, subscriptions in any order; every tenth brings each post three times. */
function postsOf(context: Context): string[] {
  const bodies: string[] = [];
  for (let communication = 1; communication <= COMMUNICATIONS; communication++) {
    const round: string[] = [];
    for (let subscription = 1; subscription <= SUBSCRIPTIONS; subscription++) {
      const post = {
        trackingId: ID,
        communication,
        subscription,
        stage: communication === COMMUNICATIONS ? 'Resolved' : 'Active',
      };
      round.push(JSON.stringify(subscription % 2 === 0 ? serviceHealth(post) : commonSchema(post)));
      if (subscription % 10 === 0)
        round.push(JSON.stringify(commonSchema(post, 'rule-two')), JSON.stringify(commonSchema(post, 'rule-three')));
    }
    bodies.push(...context.random.shuffle(round));
  }
  return bodies;
}
