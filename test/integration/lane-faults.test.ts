/** A lane keeps its promises when the database fails in the middle, vendors answer odd bytes, and most of what is due must wait. */
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { loadConfig } from '#src/config/load.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { complete } from '#src/db/deliveries.ts';
import { beat } from '#src/db/workers.ts';
import { createLog } from '#src/log.ts';
import { createAdapterCaller } from '#src/pipeline/call-adapter.ts';
import type { CallAdapter } from '#src/pipeline/lane-calls.ts';
import { createCompleter } from '#src/pipeline/completer.ts';
import { createLane, type Lane, type LaneOptions } from '#src/pipeline/lane.ts';
import { createScopeCache } from '#src/pipeline/scope-cache.ts';
import { addDelivery, addIncident, deliveryOf, openDatabase } from '#test/support/delivery-rows.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';
import { CONFIG_HEAD } from '#test/support/relay.ts';
import { VendorServer, type VendorAnswer } from '#test/support/vendors/vendor-server.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
let postgres: TestPostgres;
let db: Pool;
let lane: Lane | null = null;
let errors: string[];

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  db = await openDatabase(postgres);
  errors = [];
});
afterEach(async () => {
  await lane?.stop(2_000);
  await db.end();
});

function configOf(yaml: string): RelayConfig {
  const loaded = loadConfig(CONFIG_HEAD + yaml, { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.config;
}

const WITH = (more = '', url = 'http://127.0.0.1:9'): string =>
  `${more}destinations:\n  hook: { type: webhook, url: "${url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }\nroutes: [{ match: {}, to: [hook] }]\n`;

const taken: CallAdapter = () => Promise.resolve({ outcome: 'accepted', receipt: { level: 'accepted' } });

/** The lane of `hook` in a process that lives, however slowly. */
async function open(config: RelayConfig, more: Partial<LaneOptions> = {}): Promise<Lane> {
  await beat(db, { id: 'wrk', host: 'here', role: 'worker' });
  await beatLast(`now() + interval '1 hour'`);
  lane = createLane('hook', {
    pool: db,
    config: () => config,
    scopes: createScopeCache(),
    holder: 'wrk',
    holds: () => true,
    call: taken,
    complete: async (completion) => (await complete(db, [completion]))[0] ?? null,
    onAttempt: () => undefined,
    onError: (error) => void errors.push(error.message),
    now: () => new Date(),
    ...more,
  });
  return lane;
}

const beatLast = (at: string) => db.query(`update workers set beat_at = ${at}`);

/** The pool, of which some statements fail as if the connection were lost. */
function failing(fails: (name: string) => boolean): Pool {
  const query = (statement: string | { name?: string }, ...rest: unknown[]): unknown =>
    typeof statement === 'object' && fails(statement.name ?? '')
      ? Promise.reject(new Error('Connection terminated unexpectedly'))
      : (db.query as (...all: unknown[]) => unknown).call(db, statement, ...rest);
  return new Proxy(db, { get: (target, key) => (key === 'query' ? query : Reflect.get(target, key)) });
}

const stateOf = async (id: string): Promise<string> => (await deliveryOf(db, id)).state;

test('what is claimed is sent, or let go, when the database fails right after the claim', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'hook' });
  let claimed = false;
  let failed = 0;
  const pool = failing((name) => {
    claimed ||= name === 'claim';
    return claimed && name === 'load-scope' && ++failed < 3;
  });
  const opened = await open(configOf(WITH()), { pool });
  await opened.drain(2_000).catch(() => undefined);
  await expect.poll(() => stateOf('dlv')).toBe('delivered');
});

test('an outcome that cannot be written leaves the delivery to the next try of the same process', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'hook' });
  let lost = 0;
  let away = 2;
  let settled = 0;
  const opened = await open(configOf(WITH()), {
    pool: failing((name) => name === 'let-go' && away-- > 0),
    complete: async (completion) => {
      if (lost++ === 0) throw new Error('the database is away');
      return (await complete(db, [completion]))[0] ?? null;
    },
    call: async (_destination, _step, { settling }) => {
      if (settling) settled++;
      return { outcome: 'accepted', receipt: { level: 'accepted' } };
    },
  });
  await opened.drain(2_000);
  await expect.poll(() => stateOf('dlv')).toBe('delivered');
  expect(settled).toBe(1);
});

test('an answer with bytes that no column takes is an answer like any other', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'hook' });
  let calls = 0;
  const server = await new (class extends VendorServer {
    constructor() {
      super((): VendorAnswer =>
        calls++ === 0 ? { status: 503, body: `\0${'\uD83D\uDE00'.repeat(300)}` } : { status: 204 },
      );
    }
  })().start();
  const config = configOf(WITH('', server.url));
  const { log } = await createLog({ level: 'silent', pretty: false });
  const caller = createAdapterCaller({ config: () => config, log });
  const opened = await open(config, { call: caller.call });
  await opened.drain(2_000);
  await expect.poll(() => stateOf('dlv')).toBe('delivered');
  const { rows } = await db.query('select outcome from attempts order by number');
  expect(rows.map((row) => row.outcome)).toEqual(['retryable', 'accepted']);
  expect(errors).toEqual([]);
  await caller.close();
  await server.stop();
});

test('a page is not kept waiting by hundreds that are held back before it', async () => {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const silence = `silences: [{ from: "2026-01-01T00:00:00Z", until: "${until}", match: { kind: alert } }]\n`;
  const early = new Date(Date.now() - 60_000);
  for (let n = 0; n < 100; n++) {
    await addIncident(db, `inc${n}`, { kind: 'alert', identity: `alert/${n}` });
    await addDelivery(db, `dlv${n}`, { incident_id: `inc${n}`, destination: 'hook', next_attempt_at: early });
  }
  await addIncident(db, 'page');
  await addDelivery(db, 'page', { incident_id: 'page', destination: 'hook' });
  const config = configOf(
    WITH(silence.replace(/from: "[^"]*"/, `from: "${new Date(Date.now() - 60_000).toISOString()}"`)),
  );
  const opened = await open(config);
  // One look at all of it, as long as that takes.
  await opened.drain(50_000);
  await expect.poll(() => stateOf('page')).toBe('delivered');
  const { rows } = await db.query(`select count(*)::int as n from deliveries where state = 'suppressed'`);
  expect(rows[0].n).toBe(100);
});

test('an outcome outlasts a database that is away for longer than a lease: nothing is sent again', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'hook' });
  let calls = 0;
  let awayUntil = 0;
  const pool = failing((name) => name === 'complete' && performance.now() < awayUntil);
  const completer = createCompleter(pool);
  const opened = await open(configOf(WITH()), {
    complete: (completion) => completer.complete(completion),
    call: async () => {
      calls++;
      awayUntil = performance.now() + 4_000;
      return { outcome: 'accepted', receipt: { level: 'accepted' } };
    },
  });
  await opened.drain(2_000);
  await beatLast(`now() - interval '5 seconds'`);
  await expect.poll(() => stateOf('dlv')).toBe('delivered');
  expect(calls).toBe(1);
});

test('a claim that was written, but not answered, is let go', async () => {
  await addIncident(db, 'inc');
  await addDelivery(db, 'dlv', { incident_id: 'inc', destination: 'hook' });
  let cut = 0;
  const query = async (statement: { name?: string }): Promise<unknown> => {
    const result = await (db.query as (one: unknown) => Promise<unknown>).call(db, statement);
    if (statement.name === 'claim' && cut++ === 0) throw new Error('Connection terminated unexpectedly');
    return result;
  };
  const pool = new Proxy(db, { get: (target, key) => (key === 'query' ? query : Reflect.get(target, key)) });
  const opened = await open(configOf(WITH()), { pool });
  await opened.drain(2_000).catch((error: Error) => void errors.push(error.message));
  expect(errors).toEqual(['Connection terminated unexpectedly']);
  await expect.poll(() => stateOf('dlv')).toBe('retrying');
  await opened.drain(2_000);
  await expect.poll(() => stateOf('dlv')).toBe('delivered');
});
