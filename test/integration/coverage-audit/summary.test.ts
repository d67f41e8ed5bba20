/** The weekly summary: once over all replicas, after failures too, and never twice after a crash. The command line beside it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WEEKDAYS } from '#src/core/weekly.ts';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { makeCoverage } from '#test/support/azure/coverage.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { openStores, READ_TOKEN, startRelay, TOKEN, type Stores, type TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const URL_OF_OURS = 'https://relay.contoso.example';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const ROOT = join(import.meta.dirname, '../../..');
/** Due for a day since twelve hours ago, so that no midnight makes it due or not while a test runs. */
const SINCE = new Date(Date.now() - 12 * 3_600_000);
const WEEK = SINCE.toISOString().slice(0, 10);
const weekday = ({ after = 0 } = {}): string => WEEKDAYS[(SINCE.getUTCDay() + 6 + after) % 7]!;
const DUE = `{ to: weekly, day: ${weekday()}, at: "${SINCE.toISOString().slice(11, 16)}" }`;
const NOT_DUE = `{ to: weekly, day: ${weekday({ after: 4 })}, at: "00:00" }`;

let stores: Stores;
let arm: ArmServer;
let hook: WebhookServer;
let environment: Record<string, string>;
let relays: TestRelay[] = [];

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  [arm, hook, environment] = await Promise.all([
    new ArmServer().start(),
    new WebhookServer(SECRET).start(),
    stores.environment(),
  ]);
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
  await Promise.all([arm.stop(), hook.stop()]);
});

async function start(summary = DUE): Promise<TestRelay> {
  const relay = await startRelay(
    stores,
    `publicUrl: ${URL_OF_OURS}
azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }
backfill: { enabled: false }
estate: { enabled: false }
coverage: { summary: ${summary} }
destinations:
  weekly: { type: webhook, url: "${hook.url}/weekly", secret: "${SECRET}" }
`,
    environment,
    { azureTimes: { coverage: { lookMs: 50, againMs: 200 } } },
  );
  relays.push(relay);
  return relay;
}

async function sql(text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: environment['DATABASE_URL']! });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

const outcome = async () => (await sql('select outcome, tries from coverage_summaries'))[0];
/** Many looks of 50 ms. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 600));

describe('the weekly summary', () => {
  test('two replicas send one note that names the findings, and none again', async () => {
    Object.assign(arm, makeCoverage(100, { url: URL_OF_OURS, token: TOKEN }));
    await Promise.all([start(), start()]);
    await expect.poll(() => outcome()).toMatchObject({ outcome: 'accepted', tries: 1 });
    await aWhile();
    expect(hook.events).toHaveLength(1);
    const { body } = hook.events[0]!;
    expect(body).toMatchObject({ type: 'incident.updated', data: { action: 'note' } });
    expect(body.data.incident.headline).toBe('[Coverage] 91 of 100 subscriptions reach us; 8 do not, 1 is unknown');
    expect(body.data.changes).toContain('Rule off (1): sub-24.');
    expect(body.data.links.timeline).toBe(`${URL_OF_OURS}/sources`);
    expect(JSON.stringify(body)).not.toContain(TOKEN);
    // It is about no incident.
    expect((await relays[0]!.get('/v1/incidents')).json.incidents).toEqual([]);
  });

  test('a vendor that was away gets it later, once', async () => {
    Object.assign(arm, makeCoverage(2, { url: URL_OF_OURS, token: TOKEN }));
    hook.failNext({ kind: 'answer', answer: { status: 503 } });
    await start();
    await expect.poll(() => outcome()).toMatchObject({ outcome: 'retryable' });
    expect(hook.events).toHaveLength(0);
    await sql('update coverage_summaries set next_at = now()');
    await expect.poll(() => outcome()).toMatchObject({ outcome: 'accepted', tries: 2 });
    expect(hook.events).toHaveLength(1);
    expect(hook.events[0]!.body.data.changes).toEqual(['Nothing was found.']);
  });

  test('a process that died while it sent is not made good by a second message', async () => {
    Object.assign(arm, makeCoverage(2, { url: URL_OF_OURS, token: TOKEN }));
    await start(NOT_DUE);
    await expect.poll(async () => (await sql('select 1 from coverage_state')).length).toBe(1);
    await relays.pop()!.stop();
    await sql(`insert into coverage_summaries (week) values ('${WEEK}')`);
    await start();
    await aWhile();
    expect(hook.events).toHaveLength(0);
    expect(await outcome()).toMatchObject({ outcome: null, tries: 1 });
  });

  test('an audit that fails is told as unknown, with the reason', async () => {
    arm.forbidden.add('graph');
    await start();
    await expect.poll(() => hook.events.length).toBe(1);
    expect(hook.events[0]!.body.data.incident.headline).toMatch(
      /^\[Coverage\] unknown: it has not been audited yet \(403 AccessDenied/,
    );
  });

  test('on another day nothing is sent', async () => {
    Object.assign(arm, makeCoverage(2, { url: URL_OF_OURS, token: TOKEN }));
    await start(NOT_DUE);
    await expect.poll(async () => (await sql('select 1 from coverage_state')).length).toBe(1);
    await aWhile();
    expect(await outcome()).toBeUndefined();
  });
});

describe('relay coverage', () => {
  function run(relay: TestRelay, ...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'src/cli/main.ts'), 'coverage', ...args], {
      env: { PATH: process.env['PATH'], RELAY_URL: relay.url, RELAY_TOKEN: READ_TOKEN },
    });
    const ran = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (ran.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (ran.err += text));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...ran })));
  }

  test('lists what is wrong and exits 1; 0 when nothing is; 1 when it is not known', async () => {
    Object.assign(arm, makeCoverage(30, { url: URL_OF_OURS, token: TOKEN }));
    const relay = await start(NOT_DUE);
    const known = async (): Promise<boolean> => (await relay.get('/v1/coverage')).json.coverage.known === true;
    await expect.poll(known).toBe(true);
    const bad = await run(relay);
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(/^SUBSCRIPTION +STATUS +LAST HEARD +NAME\n/);
    expect(bad.out).toMatch(/ uncovered +never +sub-24\n {2}rule-off +rule sh-rule is off\n/);
    expect(bad.out).toMatch(/audited \S+ \S+Z: 2 uncovered, 28 covered\n$/);
    expect(bad.out).not.toContain('sub-1\n');
    const whole = await run(relay, '--all');
    expect(whole.out).toContain(subscriptionId(1));
    expect(JSON.parse((await run(relay, '--json')).out)).toMatchObject({ coverage: { known: true, well: false } });

    Object.assign(arm, makeCoverage(3, { url: URL_OF_OURS, token: TOKEN }));
    await sql(`update coverage_state set taken_at = now() - interval '2 hours'`);
    await expect.poll(async () => (await relay.get('/v1/coverage')).json.coverage.well).toBe(true);
    expect(await run(relay)).toMatchObject({ code: 0, err: '' });

    arm.forbidden.add('graph');
    await sql(`update coverage_state set taken_at = now() - interval '4 hours'`);
    await expect.poll(known).toBe(false);
    const unknown = await run(relay);
    expect(unknown.code).toBe(1);
    expect(unknown.out).toMatch(/^coverage is unknown: the last audit that succeeded was at /);
  });
});
