/** `relay replay --from`: today's config told again gives what was told in truth, and another one the difference. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '#src/cli/run.ts';
import { visitReadOnly } from '#src/db/past-signals.ts';
import { fixture, serviceHealth, type Post } from '#test/support/fixtures.ts';
import { CONFIG_HEAD, openStores, startRelay, type FootingName, type TestRelay } from '#test/support/relay.ts';
import type { Stores } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const OLD = '2020-01-01T00:00:00Z';

let folder: string;
let hook: WebhookServer;
const open: Partial<Record<FootingName, Stores>> = {};
let relay: TestRelay | null = null;
let env: Record<string, string>;
/** Requests that the vendor got before the command ran. */
let heardBefore = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relay-what-if-'));
  hook = await new WebhookServer(SECRET).start();
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
});
afterAll(async () => {
  await Promise.all([hook.stop(), ...Object.values(open).map((stores) => stores.stop())]);
  rmSync(folder, { recursive: true, force: true });
});

const destination = (name: string, more = ''): string =>
  `  ${name}: { type: webhook, url: "${hook.url}/${name}", secret: "${SECRET}"${more} }\n`;
const EAST = '  - { name: east, match: { region: East US }, to: [east] }\n';
const REST = '  - { name: rest, match: {}, to: [west] }\n';
const TODAY = (): string =>
  `destinations:\n${destination('east')}${destination('west')}tests: west\nroutes:\n${EAST}${REST}`;

async function start(footing: FootingName): Promise<void> {
  const stores = (open[footing] ??= await openStores(footing));
  env = await stores.environment();
  relay = await startRelay(stores, TODAY(), env);
  env = { ...env, RELAY_CONFIG: config('today', TODAY()) };
}

function config(name: string, text: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, CONFIG_HEAD + text);
  return file;
}

async function post(made: Post, destinations: number): Promise<void> {
  expect((await relay!.post(serviceHealth(made))).status).toBe(202);
  await relay!.level(made.trackingId, destinations);
}

/** An outage with its whole life, one in another region, a test, an alert that ends, and a body that nobody knows. */
async function live(): Promise<void> {
  const first = { trackingId: 'WHAT-001', subscription: 1 };
  await post({ ...first, communication: 1, stage: 'Active' }, 1);
  await post({ ...first, communication: 2, stage: 'Active', subscription: 2 }, 1);
  await post({ ...first, communication: 3, stage: 'Active', regions: ['West Europe', 'East US'] }, 2);
  await post({ ...first, communication: 4, stage: 'Resolved', regions: ['West Europe', 'East US'] }, 2);
  await post({ trackingId: 'WHAT-002', communication: 1, stage: 'Active', regions: ['East US'] }, 2);
  for (const path of [
    'webhook-common/metric-acr-fired.json',
    'webhook-common/metric-acr-resolved.json',
    'webhook-classic/sh-test-notification.json',
    'other/unrecognised-alertmanager.json',
  ]) {
    const answer = await relay!.post(fixture(path));
    expect(answer.status).toBe(202);
    const [{ incident }] = answer.json.signals;
    if (incident !== null) await level(incident);
  }
}

async function level(id: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const { deliveries } = (await relay!.get(`/v1/incidents/${id}/deliveries`)).json;
        return deliveries.every(
          (one: Record<string, unknown>) =>
            one['state'] === 'delivered' && one['wantedRevision'] === one['deliveredRevision'],
        );
      },
      { timeout: 15_000 },
    )
    .toBe(true);
}

/** `west open sh/what-001`, as it happened. */
async function happened(): Promise<string[]> {
  const { incidents } = (await relay!.get('/v1/incidents?limit=200')).json;
  const told: string[] = [];
  for (const { id, identity } of incidents) {
    const { deliveries } = (await relay!.get(`/v1/incidents/${id}/deliveries`)).json;
    for (const { destination: name, attempts } of deliveries)
      for (const { action, outcome } of attempts)
        if (outcome === 'accepted') told.push(`${name} ${action} ${identity}`);
  }
  return told.sort();
}

interface Telling {
  at: string;
  destination: string;
  action: string;
  identity: string;
  why: string;
  because?: string[];
}

function replay(file: string, ...more: string[]) {
  heardBefore = hook.requests.length;
  return run('replay', '--from', OLD, '--config', file, ...more);
}

const route = (...args: string[]) => run('route', ...args);

async function run(...args: string[]) {
  const ran = { out: '', err: '' };
  const code = await runCli(args, {
    out: (text) => (ran.out += text),
    err: (text) => (ran.err += text),
    readStdin: async () => new Uint8Array(),
    env,
    cwd: folder,
  });
  return { code, ...ran };
}

async function replayed(file: string, ...more: string[]) {
  const { code, out, err } = await replay(file, '--json', ...more);
  expect(err).toBe('');
  return { code, ...JSON.parse(out) };
}

const words = (tellings: Telling[]): string[] =>
  tellings.map(({ destination: name, action, identity }) => `${name} ${action} ${identity}`).sort();

async function sql(text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: env['DATABASE_URL'] });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe('on a Postgres of yours', () => {
  test('the config of today tells what was told in truth, and then there is no difference', async () => {
    await start('postgres');
    await live();
    const found = await replayed(env['RELAY_CONFIG']!);
    expect(found).toMatchObject({ code: 0, added: [], gone: [], incomplete: 0, readDifferently: 0 });
    expect(found.skipped).toEqual({ bodiless: 0, own: 0, unreadable: 0 });
    expect(found.signals).toEqual({ inSpan: 9, before: 0 });
    const tests = found.same.filter((one: Telling) => one.action === 'test');
    expect(tests).toMatchObject([{ destination: 'west', why: 'tests: names it' }]);
    expect(words(found.same.filter((one: Telling) => one.action !== 'test'))).toEqual(await happened());
    const text = await replay(env['RELAY_CONFIG']!);
    expect(text.code).toBe(0);
    expect(text.out).toContain('0 messages added, 0 gone');
  });

  test('route takes an incident by our id or its tracking ID, and judges the whole of it', async () => {
    await start('postgres');
    await post({ trackingId: 'WI-ROUTE', communication: 1, stage: 'Active' }, 1);
    await post({ trackingId: 'WI-ROUTE', communication: 2, stage: 'Active', regions: ['West Europe', 'East US'] }, 2);
    const { incident } = (await relay!.get('/v1/incidents/WI-ROUTE')).json;
    for (const id of ['wi-route', incident.id]) {
      const found = await route(id, '--json');
      expect(found.code).toBe(0);
      const [one] = JSON.parse(found.out).incidents;
      expect(one).toMatchObject({ id: incident.id, identity: 'sh/wi-route', impacts: [{}, {}] });
      expect(one.destinations.map(({ name }: { name: string }) => name).toSorted()).toEqual(['east', 'west']);
    }
    expect((await route('WI-ROUTE', '--explain')).out).toMatch(/2 signals, as stored[^]+--- east \(webhook\): open/);
    expect(await route('WI-NONE')).toMatchObject({ code: 1, err: 'no incident has the id or tracking ID "WI-NONE"\n' });
    expect((await route('nofile.json')).err).toContain('nofile.json cannot be read (ENOENT)');
    expect((await route('WI-ROUTE', '--source', 'test')).code).toBe(2);
  });

  test('another config: what is added and gone, why, and nothing is sent or written', async () => {
    await start('postgres');
    await live();
    const count = `select (select count(*) from signals)::int as s, (select count(*) from timeline)::int as t,
      (select count(*) from attempts)::int as a, (select count(*) from deliveries)::int as d`;
    const before = await sql(count);
    const next = config(
      'next',
      `destinations:
${destination('east', ', id: orient')}${destination('west', ', updates: lifecycle')}${destination('new')}
routes:
  - { name: europe, match: { kind: outage, region: West Europe }, to: [west, new] }
  - { name: unknown, match: { kind: unrecognised }, to: [new] }
`,
    );
    const found = await replayed(next);
    expect(found.code).toBe(1);
    // WHAT-002 has no route now: everyone is told of it, and so are alert and its end.
    const added = words(found.added);
    expect(added.filter((one) => one.endsWith('what-001'))).toEqual([
      'new open sh/what-001',
      'new resolve sh/what-001',
      'new update sh/what-001',
      'new update sh/what-001',
    ]);
    expect(added).toContain('new open sh/what-002');
    const gone: Telling[] = found.gone;
    const because = (name: string, identity: string) =>
      gone.find((one) => one.destination === name && one.identity === identity)?.because;
    expect(because('east', 'sh/what-001')).toEqual(['there is no such destination']);
    // Two updates that lifecycle leaves out; its opening and its end are the same.
    const west = gone.filter((one) => one.destination === 'west' && one.identity === 'sh/what-001');
    expect(west.map((one) => one.action)).toEqual(['update', 'update']);
    expect(west[0]!.because![0]).toContain('updates: lifecycle');
    expect(gone.find((one) => one.action === 'test')?.because).toEqual(['tests: names nobody']);
    expect(words(found.same).filter((one) => one.endsWith('what-001'))).toEqual([
      'west open sh/what-001',
      'west resolve sh/what-001',
    ]);
    expect(found.added.find((one: Telling) => one.identity === 'sh/what-001').why).toBe('routes[0] europe');
    const { out, code } = await replay(next, '--all');
    expect(code).toBe(1);
    expect(out).toMatch(/ADDED by .*next\.yaml/);
    expect(out).toContain('Nothing was sent.');
    expect(out).not.toContain(SECRET);
    expect(hook.requests.length).toBe(heardBefore);
    expect(await sql(count)).toEqual(before);
  });

  test('a route that no longer fits is named with the condition that failed', async () => {
    await start('postgres');
    await post({ trackingId: 'WHAT-003', communication: 1, stage: 'Active' }, 1);
    const found = await replayed(
      config(
        'narrow',
        TODAY().replace(
          REST,
          '  - { name: rest, match: { region: Japan East }, to: [west] }\n  - { match: {}, to: [east] }\n',
        ),
      ),
    );
    expect(found.gone).toMatchObject([
      {
        destination: 'west',
        because: ['routes[1] rest failed: region: wants "Japan East", incident has "West Europe"'],
      },
    ]);
    expect(found.added).toMatchObject([{ destination: 'east', why: 'routes[2]' }]);
  });

  test('a silence of the new config holds back what begins in it', async () => {
    await start('postgres');
    await post({ trackingId: 'WHAT-004', communication: 1, stage: 'Active' }, 1);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const from = new Date(Date.now() - 3_600_000).toISOString();
    const quiet = `${TODAY()}silences: [{ match: {}, from: ${from}, until: ${until}, reason: patch night }]\n`;
    expect((await replayed(config('quiet', quiet))).gone).toMatchObject([{ destination: 'west', action: 'open' }]);
  });

  test('a span tells its own messages only, by incidents whose story began before it', async () => {
    await start('postgres');
    const made = { trackingId: 'WHAT-005', subscription: 1 };
    await post({ ...made, communication: 1, stage: 'Active' }, 1);
    const between = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await post({ ...made, communication: 2, stage: 'Resolved' }, 1);
    const found = await replayed(env['RELAY_CONFIG']!, '--from', between);
    expect(found.signals).toEqual({ inSpan: 1, before: 1 });
    expect(words(found.same)).toEqual(['west resolve sh/what-005']);
    const earlier = await replayed(env['RELAY_CONFIG']!, '--to', between);
    expect(words(earlier.same)).toEqual(['west open sh/what-005']);
  });

  test('bodies that are gone, or cannot be read back, are counted and make their incidents incomplete', async () => {
    await start('postgres');
    const made = { trackingId: 'WHAT-006', subscription: 1 };
    await post({ ...made, communication: 1, stage: 'Active' }, 1);
    await post({ ...made, communication: 2, stage: 'Active' }, 1);
    await post({ trackingId: 'WHAT-007', communication: 1, stage: 'Active' }, 1);
    await sql(`update signals set raw = null where id = (select min(id) from signals where raw like '%WHAT-0061%')`);
    await sql(`update signals set raw = '{nope' where raw like '%WHAT-007%'`);
    const found = await replayed(env['RELAY_CONFIG']!);
    expect(found).toMatchObject({ code: 0, incomplete: 2, skipped: { bodiless: 1, own: 0, unreadable: 1 } });
    expect(words(found.same)).toEqual(['west open sh/what-006']);
    const { out } = await replay(env['RELAY_CONFIG']!);
    expect(out).toContain('1 signal left out: the body is gone (retention.raw)');
    expect(out).toContain('2 incidents incomplete');
  });

  test('the database itself refuses what would be written', async () => {
    await start('postgres');
    const write = visitReadOnly({ url: env['DATABASE_URL']! }, (db) => db.query('delete from signals'));
    await expect(write).rejects.toThrow('read-only transaction');
  });

  test('wrong use is told before anything is read', async () => {
    await start('postgres');
    const used = async (...args: string[]) => (await replay(env['RELAY_CONFIG']!, ...args)).code;
    expect(await used('--to', 'tomorrow')).toBe(2);
    expect(await used('--to', '2019-01-01')).toBe(2);
    expect(await used('saved.json')).toBe(2);
    expect(await used('--url', 'http://127.0.0.1:1')).toBe(2);
    const broken = await replay(config('broken', 'destinations: { x: { type: fax } }\n'));
    expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('fax')]);
    env['DATABASE_URL'] = 'postgres://relay:geheim@127.0.0.1:1/none';
    const away = await replay(env['RELAY_CONFIG']!);
    expect([away.code, away.err]).toEqual([1, expect.stringContaining('cannot be read')]);
    expect(away.err).not.toContain('geheim');
  });
});

test('beside a relay that runs a Postgres of its own, its folder is enough', async () => {
  await start('embedded');
  await post({ trackingId: 'WHAT-008', communication: 1, stage: 'Active' }, 1);
  expect(words((await replayed(env['RELAY_CONFIG']!)).same)).toEqual(['west open sh/what-008']);
  await relay!.stop();
  relay = null;
  const stopped = await replay(env['RELAY_CONFIG']!);
  expect([stopped.code, stopped.err]).toEqual([1, expect.stringContaining('DATABASE_URL is not set')]);
});
