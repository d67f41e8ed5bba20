/** Postgres is away and something else goes wrong as well: the process ends, the pager is refused, the end is told elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useAwayBench } from '#test/support/away-bench.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import type { TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

const DOWN = { kind: 'answer', answer: { status: 503, body: 'down' } } as const;
let second: PagerDutyServer;

beforeEach(async () => void (second = await new PagerDutyServer().start()));
afterEach(() => second.stop());
const { proxy, pager, relay: startOne, goAway } = useAwayBench();

/** Behind the proxy with a spool, or directly at Postgres without. */
function start({ spool, more = '' }: { spool: boolean; more?: string }): Promise<TestRelay> {
  const config = `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager().url}", retry: { schedule: [200ms] }${more} }
  second: { type: pagerduty, routingKey: fedcba9876543210fedcba9876543210, eventsUrl: "${second.url}" }
routes: [{ match: {}, to: [oncall] }]
`;
  return startOne(config, { spool, direct: !spool });
}

test('a page that was promised before the process ended is made by the next one, Postgres still away', async () => {
  const first = await start({ spool: true });
  goAway();
  pager().failAlways(DOWN);
  expect((await first.post(serviceHealth({ trackingId: 'AGIN-001', communication: 1, stage: 'Active' }))).status).toBe(
    202,
  );
  await expect.poll(() => pager().requests.length).toBeGreaterThan(0);
  await first.stop();
  pager().failAlways(null);
  const next = await start({ spool: true });
  await expect.poll(() => pager().pages, { timeout: 8_000 }).toBe(1);
  proxy().mode = 'pass';
  await next.level('AGIN-001', 1);
  expect(pager().pages).toBe(1);
});

test('once Postgres is back no direct opening follows the end that another replica has told', async () => {
  const relay = await start({ spool: true });
  const other = await start({ spool: false });
  goAway();
  pager().failAlways(DOWN);
  await relay.post(serviceHealth({ trackingId: 'AGIN-002', communication: 1, stage: 'Active' }));
  // Tries at 0, 1 and 3 s; the next one is due 5 s later, before the relay reads what ended elsewhere (every 15 s).
  await expect.poll(() => pager().requests.length, { timeout: 12_000 }).toBe(3);
  proxy().mode = 'pass';
  await expect.poll(async () => (await other.get('/v1/incidents/AGIN-002')).status, { timeout: 10_000 }).toBe(200);
  pager().failAlways(null);
  await other.post(serviceHealth({ trackingId: 'AGIN-002', communication: 2, stage: 'Resolved' }));
  await other.level('AGIN-002', 1);
  await sleep(6_500);
  expect(
    pager()
      .alerts()
      .filter((alert) => alert.status === 'open'),
  ).toEqual([]);
  expect(pager().pages).toBeLessThanOrEqual(1);
}, 40_000);

test('a pager that refuses for good while Postgres is away is news for its fallback at once', async () => {
  const relay = await start({ spool: true, more: ', fallback: { to: second }' });
  goAway();
  pager().failAlways({ kind: 'answer', answer: { status: 400, body: { status: 'invalid event', errors: ['key'] } } });
  await relay.post(serviceHealth({ trackingId: 'AGIN-003', communication: 1, stage: 'Active' }));
  await expect.poll(() => second.pages, { timeout: 5_000 }).toBe(1);
  pager().failAlways(null);
  proxy().mode = 'pass';
  await expect.poll(async () => (await relay.get('/v1/incidents/AGIN-003')).status, { timeout: 10_000 }).toBe(200);
  await relay.post(serviceHealth({ trackingId: 'AGIN-003', communication: 2, stage: 'Resolved' }));
  await expect.poll(() => second.alerts().map((alert) => alert.status), { timeout: 10_000 }).toEqual(['resolved']);
  expect(second.pages).toBe(1);
});
