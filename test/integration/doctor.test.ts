/** `relay doctor` against real servers with real faults. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Finding } from '#src/cli/doctor/finding.ts';
import { reach } from '#src/cli/doctor/reach.ts';
import { migrate } from '#src/db/migrate.ts';
import { createHttpClient } from '#src/http/client.ts';
import { CERTIFICATE } from '#test/support/event-hubs/certificate.ts';
import { startTestPostgres, type TestPostgres } from '#test/support/postgres.ts';
import { ownPort } from '#test/support/own-port.ts';
import { redisMissing } from '#test/support/redis.ts';
import { API_TOKEN, CONFIG_HEAD, openStores, startRelay } from '#test/support/relay.ts';
import { relay } from '#test/unit/cli/memory-io.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const noRedis = redisMissing();
let postgres: TestPostgres;
let folder: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relay-doctor-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Diagnosis {
  code: number;
  text: string;
  of: (area: string, check: string) => Finding | undefined;
}

async function doctor(env: Record<string, string>, config = '', head = CONFIG_HEAD): Promise<Diagnosis> {
  const file = join(folder, 'relay.yaml');
  writeFileSync(file, head + config);
  const { code, out } = await relay(['doctor', '--json'], {
    // No relay answers there unless a test says otherwise.
    env: { RELAY_CONFIG: file, PORT: '1', RELAY_DATA_DIR: join(folder, 'data'), ...env },
    cwd: folder,
  });
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { code, text: out, of: (area, check) => findings.find((one) => one.area === area && one.check === check) };
}

describe('Postgres', () => {
  test('in order: reachable, right version, right schema, clocks together', async () => {
    const url = await postgres.freshDatabase();
    await migrate(url);
    const { of } = await doctor({ DATABASE_URL: url });
    for (const check of ['reach', 'version', 'rights', 'connections', 'schema', 'clock'])
      expect(of('postgres', check), check).toMatchObject({ status: 'ok', means: null, do: null });
  });

  test('an older schema, a newer one, and none are told apart', async () => {
    const url = await postgres.freshDatabase();
    expect((await doctor({ DATABASE_URL: url })).of('postgres', 'schema')).toMatchObject({ status: 'warning' });
    await migrate(url);
    await sql(url, 'delete from relay_migrations where number = 4');
    const older = (await doctor({ DATABASE_URL: url })).of('postgres', 'schema')!;
    expect(older.status).toBe('fault');
    expect(older.says).toContain('4');
    expect(older.do).toContain('relay -- migrate');
    await sql(url, `insert into relay_migrations (number, name) values (4, 'x'), (9998, 'y')`);
    expect((await doctor({ DATABASE_URL: url })).of('postgres', 'schema')).toMatchObject({ status: 'fault' });
  });

  test('settings that make an acknowledgement worthless are faults, and so is a role without rights', async () => {
    const url = await postgres.freshDatabase();
    await sql(url, `alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = off`);
    const { of, code } = await doctor({ DATABASE_URL: url });
    expect(code).toBe(1);
    expect(of('postgres', 'synchronous_commit')).toMatchObject({ status: 'fault' });
    // The test server runs without fsync, which is just what must be found.
    const [{ fsync } = { fsync: '' }] = await sql<{ fsync: string }>(url, 'show fsync');
    expect(of('postgres', 'fsync')!.status).toBe(fsync === 'off' ? 'fault' : 'ok');

    const role = `poor_${process.pid}`;
    await sql(url, `create role ${role} login password 'poor-password'`);
    const poor = new URL(url);
    poor.username = role;
    poor.password = 'poor-password';
    const said = await doctor({ DATABASE_URL: poor.href });
    expect(said.of('postgres', 'rights')).toMatchObject({ status: 'fault' });
    expect(said.text).not.toContain('poor-password');
    poor.password = 'wrong-password';
    const refused = await doctor({ DATABASE_URL: poor.href });
    expect(refused.of('postgres', 'reach')).toMatchObject({ status: 'fault' });
    expect(refused.text).not.toContain('wrong-password');
    await sql(url, `drop role ${role}`);
  });

  test('a server that is away, and one that takes the connection and says nothing, end in a fault within seconds', async () => {
    const port = await ownPort();
    const away = await doctor({ DATABASE_URL: `postgres://u:secret-pw-1@127.0.0.1:${port}/d` });
    expect(away.of('postgres', 'reach')!.says).toContain('ECONNREFUSED');
    expect(away.text).not.toContain('secret-pw-1');
    const mute = await listening(createServer(() => undefined));
    const started = performance.now();
    const hung = await doctor({
      DATABASE_URL: `postgres://u@127.0.0.1:${mute.port}/d`,
      REDIS_URL: `redis://127.0.0.1:${mute.port}`,
    });
    // Each gives up after 5 s.
    expect(performance.now() - started).toBeLessThan(40_000);
    expect(hung.of('postgres', 'reach')).toMatchObject({ status: 'fault' });
    expect(hung.of('redis', 'reach')).toMatchObject({ status: 'fault' });
    await mute.close();
  });
});

describe.skipIf(noRedis !== null)(`Redis${noRedis === null ? '' : ` (skipped: ${noRedis})`}`, () => {
  let server: ChildProcess;
  let url: string;

  async function start(...args: string[]): Promise<void> {
    const port = await ownPort();
    url = `redis://127.0.0.1:${port}`;
    server = spawn('redis-server', [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      ...args,
    ]);
    const client = new Redis(url, { password: 'right-password', maxRetriesPerRequest: null, retryStrategy: () => 50 });
    client.on('error', () => undefined);
    await client.ping();
    client.disconnect();
  }
  afterEach(async () => {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
  });

  test('as production wants it, nothing is found', async () => {
    await start('--appendonly', 'yes', '--maxmemory-policy', 'noeviction');
    const { of } = await doctor({ DATABASE_URL: await postgres.freshDatabase(), REDIS_URL: url });
    for (const check of ['reach', 'maxmemory-policy', 'aof', 'memory', 'clock'])
      expect(of('redis', check), check).toMatchObject({ status: 'ok' });
  });

  test('one that evicts, keeps no file and is nearly full is found out in each', async () => {
    await start('--appendonly', 'no', '--maxmemory', '1mb', '--maxmemory-policy', 'allkeys-lru');
    const { of, code } = await doctor({ DATABASE_URL: await postgres.freshDatabase(), REDIS_URL: url });
    expect(code).toBe(1);
    expect(of('redis', 'maxmemory-policy')!.says).toBe('maxmemory-policy is allkeys-lru');
    expect(of('redis', 'maxmemory-policy')!.status).toBe('fault');
    expect(of('redis', 'aof')!.status).toBe('warning');
    expect(of('redis', 'memory')!.status).not.toBe('ok');
  });

  test('a wrong password is a fault that does not show it', async () => {
    await start('--requirepass', 'right-password');
    const wrong = url.replace('//', '//:wrong-password@');
    const { of, text } = await doctor({ DATABASE_URL: await postgres.freshDatabase(), REDIS_URL: wrong });
    expect(of('redis', 'reach')!.says).toMatch(/WRONGPASS/);
    expect(text).not.toContain('wrong-password');
  });
});

describe('folders', () => {
  test('a spool that cannot be written is a fault, and the check leaves nothing behind', async () => {
    const spool = join(folder, 'spool');
    mkdirSync(spool);
    const good = await doctor({ RELAY_SPOOL_DIR: spool });
    expect(good.of('disk', 'spool')).toMatchObject({ status: 'ok' });
    expect(spawnSync('ls', ['-A', spool], { encoding: 'utf8' }).stdout).toBe('');
    writeFileSync(join(folder, 'file'), '');
    const bad = await doctor({ RELAY_SPOOL_DIR: join(folder, 'file') });
    expect(bad.of('disk', 'spool')).toMatchObject({ status: 'fault' });
    chmodSync(spool, 0o500);
    if (process.getuid?.() !== 0)
      expect((await doctor({ RELAY_SPOOL_DIR: spool })).of('disk', 'spool')).toMatchObject({ status: 'fault' });
    chmodSync(spool, 0o700);
  });

  test('no spool at all is a warning', async () => {
    const { of } = await doctor({ DATABASE_URL: 'postgres://127.0.0.1:1/d', RELAY_DATA_DIR: '' });
    expect(of('disk', 'spool')).toMatchObject({ status: 'warning', means: expect.stringContaining('75 seconds') });
  });

  test('a full disk, and one in memory, are faults', async ({ skip }) => {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'relay-doctor', folder], { encoding: 'utf8' });
    if (mounted.status !== 0) return skip(`mounting is not allowed here: ${mounted.stderr?.trim()}`);
    try {
      const spool = join(folder, 'spool');
      mkdirSync(spool);
      const near = await doctor({ RELAY_SPOOL_DIR: spool });
      expect(near.of('disk', 'spool durable')).toMatchObject({ status: 'fault' });
      expect(near.of('disk', 'spool space')).toMatchObject({ status: 'fault' });
      writeFileSync(join(folder, 'relay.yaml'), CONFIG_HEAD);
      const room = spawnSync('sh', ['-c', `cat /dev/zero > ${join(folder, 'fill')}`]);
      expect(room.status).not.toBe(0);
      const { out } = await relay(['doctor', '--json'], {
        env: {
          RELAY_CONFIG: join(folder, 'relay.yaml'),
          PORT: '1',
          RELAY_SPOOL_DIR: spool,
          DATABASE_URL: 'postgres://127.0.0.1:1/d',
        },
      });
      const { findings } = JSON.parse(out) as { findings: Finding[] };
      expect(findings.find((one) => one.check === 'spool')!.says).toContain('ENOSPC');
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});

describe('targets', () => {
  test('one that is closed, one with a foreign certificate, one without a name: each in its own words, and none is called', async () => {
    let requests = 0;
    const https = createHttpsServer(CERTIFICATE, (_, response) => {
      requests += 1;
      response.end();
    });
    const strange = await listening(https);
    const open = createServer();
    let bytes = 0;
    open.on('connection', (socket) =>
      socket.on('data', (chunk) => (bytes += chunk.length)).on('error', () => undefined),
    );
    const plainPort = await listening(open);
    const closed = await ownPort();
    const { of, code } = await doctor(
      { DATABASE_URL: 'postgres://127.0.0.1:1/d' },
      `destinations:
  closed: { type: webhook, url: "http://127.0.0.1:${closed}/hook", secret: "${SECRET}" }
  strange: { type: webhook, url: "https://127.0.0.1:${strange.port}/hook", secret: "${SECRET}" }
  fine: { type: webhook, url: "http://127.0.0.1:${plainPort.port}/one", secret: "${SECRET}" }
  also: { type: webhook, url: "http://127.0.0.1:${plainPort.port}/two", secret: "${SECRET}" }
  nowhere: { type: webhook, url: "https://relay-doctor.invalid/hook", secret: "${SECRET}" }
`,
    );
    expect(code).toBe(1);
    expect(of('destinations', 'closed')!.says).toContain('ECONNREFUSED');
    expect(of('destinations', 'strange')).toMatchObject({ status: 'fault' });
    expect(of('destinations', 'strange')!.do).toContain('NODE_EXTRA_CA_CERTS');
    expect(of('destinations', 'fine, also')).toMatchObject({ status: 'ok' });
    expect(of('destinations', 'nowhere')!.do).toContain('name server');
    expect({ requests, bytes }).toEqual({ requests: 0, bytes: 0 });
    await strange.close();
    await plainPort.close();
  });

  test('what our own rules refuse is told apart from what nobody answers', async () => {
    const client = createHttpClient({ egress: { allow: [] } });
    const target = { host: '127.0.0.1', port: await ownPort(), tls: false };
    expect(await reach(target, client)).toMatchObject({ ok: false, stage: 'egress' });
    expect(await reach(target, null)).toMatchObject({ ok: false, stage: 'tcp' });
    await client.close();
  });

  test('a hub whose port is closed is a fault, one that listens is not', async () => {
    const hub = await listening(createServer());
    const string = (port: number): string =>
      `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=k;SharedAccessKey=aGVsbG8td29ybGQ=;UseDevelopmentEmulator=true`;
    const head = `receivers:
  tokens: [{ source: test, token: test-receiver-token-0001 }]
  eventHubs:
    - { name: good, connectionString: "${string(hub.port)}", hub: a, source: x }
    - { name: bad, connectionString: "${string(await ownPort())}", hub: a, source: x }
`;
    const { of, text } = await doctor({ DATABASE_URL: 'postgres://127.0.0.1:1/d' }, '', head);
    expect(of('event hubs', 'good')).toMatchObject({ status: 'ok' });
    expect(of('event hubs', 'bad')).toMatchObject({ status: 'fault' });
    expect(text).not.toContain('aGVsbG8td29ybGQ=');
    await hub.close();
  });
});

test('a running relay is asked what it says of itself, with the details that the API token opens', async () => {
  const stores = await openStores('postgres');
  const running = await startRelay(stores, '');
  try {
    // A relay that has just started, on a busy machine, need not be well at the first look.
    const reachOf = async (env: Record<string, string>) => (await doctor(env)).of('relay', 'reach');
    const { url } = running;
    await expect.poll(() => reachOf({ RELAY_URL: url, RELAY_TOKEN: API_TOKEN })).toMatchObject({ status: 'ok' });
    await expect.poll(() => reachOf({ PORT: new URL(url).port })).toMatchObject({ status: 'ok' });
    expect(await reachOf({ RELAY_URL: `http://127.0.0.1:${await ownPort()}` })).toMatchObject({ status: 'fault' });
    expect(await reachOf({})).toMatchObject({ status: 'warning' });
  } finally {
    await running.stop();
    await stores.stop();
  }
});

async function sql<T extends object>(url: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

async function listening(server: Server): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
