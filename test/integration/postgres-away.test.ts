/** Postgres goes away in every way we can make it: never a 2xx for what is not durable, pages go out all the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useAwayBench } from '#test/support/away-bench.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import type { TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let hook: WebhookServer;

beforeEach(async () => void (hook = await new WebhookServer(SECRET).start()));
afterEach(() => hook.stop());
const { proxy, pager, url, relay: startOne, goAway } = useAwayBench();

async function start({ spool, replicas = 1 }: { spool: boolean; replicas?: number }): Promise<TestRelay[]> {
  const config = `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager().url}", retry: { schedule: [200ms] } }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [200ms] } }
routes:
  - match: { kind: outage }
    to: [oncall, hook]
    runbook: https://wiki.example/azure-outage
    note: Call the shop.
`;
  const relays: TestRelay[] = [];
  for (let i = 0; i < replicas; i++) relays.push(await startOne(config, { spool }));
  return relays;
}

const active = (id: string, n = 1, subscription = 1): unknown =>
  serviceHealth({ trackingId: id, communication: n, stage: 'Active', subscription });
const resolved = (id: string, n = 2): unknown => serviceHealth({ trackingId: id, communication: n, stage: 'Resolved' });

test('without a spool: 503, and the retry is taken when Postgres is back', async () => {
  const [relay] = await start({ spool: false });
  goAway();
  const refused = await relay!.post(active('NOSP-001'));
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('5');
  expect((await relay!.get('/readyz')).status).toBe(503);
  // People look at the page at this moment: it says what is away, and is no fault of its own.
  for (const path of ['/', '/incidents/NOSP-001', '/destinations', '/sources']) {
    const page = await relay!.get(path, { accept: 'text/html' });
    expect([path, page.status, page.headers.get('retry-after')]).toEqual([path, 503, '5']);
    expect(page.text).toContain('The database does not answer');
  }
  proxy().mode = 'pass';
  await expect.poll(async () => (await relay!.post(active('NOSP-001'))).status, { timeout: 10_000 }).toBe(202);
  await relay!.level('NOSP-001', 2);
  expect(pager().pages).toBe(1);
});

test('a Postgres that takes no writes any more, as after a failover, is down for the probe as it is for senders', async () => {
  const [relay] = await start({ spool: false });
  const direct = new pg.Client({ connectionString: url() });
  await direct.connect();
  const name = new URL(url()).pathname.slice(1);
  const cut = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`;
  try {
    await direct.query(`alter database ${name} set default_transaction_read_only = on`);
    await direct.query(cut);
    await expect.poll(async () => (await relay!.post(active('RDON-001'))).status, { timeout: 10_000 }).toBe(503);
    await expect.poll(async () => (await relay!.get('/readyz')).status, { timeout: 5_000 }).toBe(503);
    expect((await relay!.get('/readyz')).text).toContain('takes no writes');
  } finally {
    await direct.query(`alter database ${name} reset default_transaction_read_only`);
    await direct.query(cut);
    await direct.end();
  }
  await expect.poll(async () => (await relay!.get('/readyz')).status, { timeout: 10_000 }).toBe(200);
});

test('with a spool: 202 spooled, the pager is opened within seconds, and everything is on the record afterwards', async () => {
  const [relay] = await start({ spool: true });
  await relay!.post(active('SPOL-000'));
  await relay!.level('SPOL-000', 2);
  goAway();
  const taken = await relay!.post(active('SPOL-001'));
  expect(taken.status).toBe(202);
  expect(taken.json.signals[0]).toMatchObject({ incident: null, outcome: 'spooled' });
  await expect.poll(() => pager().pages, { timeout: 5_000 }).toBe(2);
  // What to do is needed then as well.
  const [page] = pager().alerts().at(-1)!.log;
  expect(page!.details['Note']).toBe('Call the shop.');
  expect(page!.links).toContainEqual({ href: 'https://wiki.example/azure-outage', text: 'Runbook' });
  await relay!.post(active('SPOL-001', 1, 2));
  await relay!.post(active('SPOL-001', 2));
  await relay!.post(resolved('SPOL-001', 3));
  expect((await relay!.get('/readyz')).json).toMatchObject({ status: 'degraded' });
  expect(hook.events.filter((event) => event.body.data.incident.headline.includes('SPOL-001'))).toEqual([]);
  proxy().mode = 'pass';
  await relay!.level('SPOL-001', 2);
  expect(pager().pages).toBe(2);
  expect(pager().alerts().at(-1)!.status).toBe('resolved');
  const { timeline } = (await relay!.get('/v1/incidents/SPOL-001/timeline')).json;
  expect(timeline.filter((e: { kind: string }) => e.kind === 'communication')).toHaveLength(3);
  expect(timeline.some((e: { data: { decision?: string } }) => e.data.decision === 'fail-open')).toBe(true);
  expect((await relay!.get('/v1/incidents/SPOL-001')).json.incident.subscriptions).toHaveLength(2);
  await expect.poll(async () => (await relay!.get('/readyz')).json.status).toBe('ok');
});

test('what is known as over is not paged for while Postgres is away', async () => {
  const [relay] = await start({ spool: true });
  await relay!.post(active('OVER-001'));
  await relay!.level('OVER-001', 2);
  await relay!.post(resolved('OVER-001'));
  await relay!.level('OVER-001', 2);
  goAway();
  await relay!.post(active('OVER-001', 1, 7));
  await relay!.post(active('NEWS-001'));
  await expect.poll(() => pager().pages, { timeout: 5_000 }).toBe(2);
  expect(
    pager()
      .alerts()
      .map((alert) => alert.status),
  ).toEqual(['resolved', 'open']);
});

test('two replicas that both fail open are still one page at the vendor', async () => {
  const [one, two] = await start({ spool: true, replicas: 2 });
  goAway();
  await Promise.all([one!.post(active('BOTH-001')), two!.post(active('BOTH-001', 1, 2))]);
  await expect.poll(() => pager().entries.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
  expect(pager().pages).toBe(1);
  proxy().mode = 'pass';
  await one!.level('BOTH-001', 2);
  await expect
    .poll(async () => (await one!.get('/v1/incidents/BOTH-001')).json.incident.subscriptions.length, {
      timeout: 10_000,
    })
    .toBe(2);
  expect(pager().pages).toBe(1);
});

test('a connection cut inside COMMIT is resolved by the fingerprint: no loss, no second page', async () => {
  const [relay] = await start({ spool: false });
  for (const [index, verdict] of (['after', 'before', 'after', 'before'] as const).entries()) {
    const id = `CUTC-00${index}`;
    let armed = true;
    proxy().onChunk = (chunk) => {
      if (!armed || !chunk.includes('commit\0')) return null;
      armed = false;
      return verdict;
    };
    let answer = await relay!.post(active(id));
    proxy().onChunk = null;
    while (answer.status === 503) answer = await relay!.post(active(id));
    expect(answer.status).toBe(202);
    await relay!.level(id, 2);
  }
  expect(pager().pages).toBe(4);
});

test('a Postgres that hangs is answered within five seconds', async () => {
  const [relay] = await start({ spool: false });
  proxy().mode = 'hang';
  const started = performance.now();
  expect((await relay!.post(active('HANG-001'))).status).toBe(503);
  expect(performance.now() - started).toBeLessThan(8_500);
  proxy().mode = 'pass';
  proxy().cut();
});

test('without a spool nobody waits longer for a page that cannot be put on the record yet', async () => {
  const [relay] = await start({ spool: false });
  await relay!.post(active('LOCK-001'));
  await relay!.level('LOCK-001', 2);
  const locker = new pg.Client({ connectionString: url() });
  await locker.connect();
  await locker.query(`begin; select from incidents where tracking_id = 'LOCK-001' for update`);
  expect((await relay!.post(active('LOCK-001', 2))).status).toBe(503);
  const sentAt = performance.now();
  expect((await relay!.post(active('LOCK-001', 3))).status).toBe(503);
  // It takes 4.5 s; without a limit of its own the statement's, 10 s, and more.
  expect(performance.now() - sentAt).toBeLessThan(8_500);
  await locker.end();
  await expect.poll(async () => (await relay!.post(active('LOCK-001', 3))).status, { timeout: 10_000 }).toBe(202);
  await relay!.level('LOCK-001', 2);
  expect(pager().pages).toBe(1);
});

test('without a spool the pager is opened all the same, once, and resolved on the record', async () => {
  const [relay] = await start({ spool: false });
  await relay!.post(active('NOSP-000'));
  await relay!.post(resolved('NOSP-000'));
  await relay!.level('NOSP-000', 2);
  const before = pager().pages;
  goAway();
  // Over as far as the relay knows: nobody is paged.
  expect((await relay!.post(active('NOSP-000', 1, 7))).status).toBe(503);
  expect((await relay!.post(active('NOSP-002'))).status).toBe(503);
  await expect.poll(() => pager().pages).toBe(before + 1);
  expect((await relay!.get('/metrics')).text).toMatch(/^relay_direct_openings_total\{destination="oncall"\} 1$/m);
  // Azure tries again.
  expect((await relay!.post(active('NOSP-002'))).status).toBe(503);
  expect((await relay!.get('/readyz')).status).toBe(503);
  proxy().mode = 'pass';
  await expect.poll(async () => (await relay!.post(resolved('NOSP-002'))).status).toBe(202);
  await expect.poll(() => pager().alerts().at(-1)!.status).toBe('resolved');
  expect(pager().pages).toBe(before + 1);
  const { timeline } = (await relay!.get('/v1/incidents/NOSP-002/timeline')).json;
  expect(timeline.some((e: { data: { decision?: string } }) => e.data.decision === 'fail-open')).toBe(true);
});

test('without a spool a page is on the record once Postgres is back, whether or not the sender tries again', async () => {
  const [relay] = await start({ spool: false });
  goAway();
  expect((await relay!.post(active('NOSP-003'))).status).toBe(503);
  await expect.poll(() => pager().pages).toBe(1);
  proxy().mode = 'pass';
  await relay!.level('NOSP-003', 2);
  expect(pager().pages).toBe(1);
});

test.each([true, false])('a reopened incident is not paged for again, with a spool: %s', async (spool) => {
  const [relay] = await start({ spool });
  await relay!.post(active('REOP-001'));
  await relay!.level('REOP-001', 2);
  await relay!.post(resolved('REOP-001'));
  await relay!.level('REOP-001', 2);
  await relay!.post(active('REOP-001', 3));
  await expect.poll(() => pager().pages).toBe(2);
  goAway();
  // Opened directly under the key that the pager has an open alert for.
  await relay!.post(active('REOP-001', 3, 7));
  await relay!.post(active('NEWS-002'));
  await expect.poll(() => pager().pages).toBe(3);
  expect(
    pager()
      .alerts()
      .filter((alert) => alert.status === 'open'),
  ).toHaveLength(2);
  proxy().mode = 'pass';
  await relay!.level('NEWS-002', 2);
  expect(pager().pages).toBe(3);
});

test('without a spool the end is told too, though its sender does not try again', async () => {
  const [relay] = await start({ spool: false });
  goAway();
  await relay!.post(active('NOSP-004'));
  await expect.poll(() => pager().pages).toBe(1);
  await relay!.post(resolved('NOSP-004'));
  proxy().mode = 'pass';
  await expect.poll(() => pager().alerts().at(-1)!.status).toBe('resolved');
  expect(pager().pages).toBe(1);
});

test('a process that has just started knows what was over before it', async () => {
  const [first] = await start({ spool: false });
  await first!.post(active('OVER-002'));
  await first!.level('OVER-002', 2);
  await first!.post(resolved('OVER-002'));
  await first!.level('OVER-002', 2);
  await first!.stop();
  const [relay] = await start({ spool: false });
  // Asked every half second until it knows.
  await sleep(2_000);
  goAway();
  await relay!.post(active('OVER-002', 1, 7));
  await relay!.post(active('NEWS-003'));
  await expect
    .poll(() =>
      pager()
        .alerts()
        .some(({ title }) => title.includes('NEWS-003')),
    )
    .toBe(true);
  expect(pager().pages).toBe(2);
});
