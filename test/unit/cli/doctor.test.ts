import { describe, expect, test } from 'vitest';
import { judgeSkew, reportSkew, skewOf } from '#src/cli/doctor/clock.ts';
import { bytesText, reasonOf, reporter, type Finding } from '#src/cli/doctor/finding.ts';
import { judgeConnections, judgeSchema, judgeServer } from '#src/cli/doctor/postgres.ts';
import { infoFields, judgeRedis } from '#src/cli/doctor/redis.ts';
import { findingsText } from '#src/cli/doctor/report.ts';
import { hubTarget } from '#src/cli/doctor/vendors.ts';
import type { ServerFacts } from '#src/db/doctor.ts';
import { relay } from './memory-io.ts';

function statuses(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(findings.map((finding) => [finding.check, finding.status]));
}

describe('the skew of a clock', () => {
  test('is measured at the middle of the round trip and of the grain of their clock', () => {
    expect(skewOf({ askedMs: 1_000, answeredMs: 1_200, theirsMs: 4_100 })).toEqual({ skewMs: 3_000, marginMs: 100 });
    expect(skewOf({ askedMs: 10_400, answeredMs: 10_600, theirsMs: 10_000, grainMs: 1_000 })).toEqual({
      skewMs: 0,
      marginMs: 600,
    });
    expect(skewOf({ askedMs: 10_000, answeredMs: 9_000, theirsMs: 10_000 }).marginMs).toBe(0);
  });

  test.each([
    [1_900, 0, 'ok'],
    [-2_000, 0, 'warning'],
    [59_000, 0, 'warning'],
    [-60_000, 0, 'fault'],
    [4_000, 3_000, 'ok'],
    [61_000, 2_000, 'warning'],
  ] as const)('of %i ms known to %i ms is %s: a slow answer is no wrong clock', (skewMs, marginMs, status) => {
    expect(judgeSkew({ skewMs, marginMs })).toBe(status);
  });

  test('says whose clock is off, which way and by how much', () => {
    const report = reporter('clock');
    reportSkew(report, 'Postgres', { askedMs: 0, answeredMs: 10, theirsMs: -180_000 });
    expect(report.findings[0]).toMatchObject({ status: 'fault' });
    expect(report.findings[0]!.says).toBe("the clock of Postgres is 3 min behind this machine's (to 5 ms)");
  });
});

const GOOD: ServerFacts = {
  version: 170_002,
  versionText: '17.2',
  fsync: 'on',
  synchronousCommit: 'on',
  fullPageWrites: 'on',
  readOnly: false,
  connectionsMax: 100,
  connectionsReserved: 3,
  connectionsUsed: 10,
  nowMs: 0,
  mayCreateTables: true,
  mayCreateSchemas: true,
};

describe('Postgres', () => {
  test.each([
    ['a good one', {}, []],
    ['too old', { version: 130_010 }, ['version']],
    ['without fsync', { fsync: 'off' }, ['fsync']],
    ['that acknowledges before it has written', { synchronousCommit: 'off' }, ['synchronous_commit']],
    ['that waits for its own disk only', { synchronousCommit: 'local' }, []],
    ['a standby', { readOnly: true }, ['writable']],
    ['without the right to migrate', { mayCreateTables: false }, ['rights']],
  ] as const)('%s has these faults', (_, change, faults) => {
    const report = reporter('postgres');
    judgeServer({ ...GOOD, ...change }, report);
    expect(report.findings.filter((one) => one.status === 'fault').map((one) => one.check)).toEqual(faults);
  });

  test.each([
    [{}, 'ok'],
    [{ connectionsUsed: 90 }, 'warning'],
    [{ connectionsMax: 20, connectionsUsed: 0 }, 'fault'],
  ] as const)('connections %j for twenty are %s', (change, status) => {
    const report = reporter('postgres');
    judgeConnections({ ...GOOD, ...change }, 20, report);
    expect(report.findings[0]!.status).toBe(status);
  });

  test.each([
    [{ missing: [], ahead: 0, empty: false }, 'ok'],
    [{ missing: [], ahead: 1, empty: false }, 'warning'],
    [{ missing: [], ahead: 2, empty: false }, 'fault'],
    [{ missing: [4], ahead: 0, empty: false }, 'fault'],
    [{ missing: [1, 2], ahead: 0, empty: true }, 'warning'],
  ])('a schema %j is %s', (facts, status) => {
    const report = reporter('postgres');
    judgeSchema(facts, report);
    expect(report.findings[0]!.status).toBe(status);
  });
});

describe('Redis', () => {
  const INFO = [
    '# Server',
    'redis_version:7.0.15',
    '# Memory',
    'used_memory:1000',
    'maxmemory:100000',
    'maxmemory_policy:noeviction',
    'aof_enabled:1',
    'aof_last_write_status:ok',
    'role:master',
    'cluster_enabled:0',
  ];

  test.each([
    ['a good one', [], { 'maxmemory-policy': 'ok', aof: 'ok', memory: 'ok' }],
    ['one that evicts', ['maxmemory_policy:allkeys-lru'], { 'maxmemory-policy': 'fault' }],
    ['one without a file', ['aof_enabled:0'], { aof: 'warning' }],
    ['one whose file is stuck', ['aof_last_write_status:err'], { aof: 'fault' }],
    ['a full one', ['used_memory:96000'], { memory: 'fault' }],
    ['one that fills up', ['used_memory:85000'], { memory: 'warning' }],
    ['a replica', ['role:slave'], { role: 'fault' }],
    ['a cluster', ['cluster_enabled:1'], { cluster: 'fault' }],
    ['an old one', ['redis_version:6.0.9'], { version: 'warning' }],
    ['one before BullMQ', ['redis_version:4.0.1'], { version: 'fault' }],
  ])('%s', (_, change, expected) => {
    const report = reporter('redis');
    judgeRedis(infoFields([...INFO, ...change].join('\r\n')), report);
    expect(statuses(report.findings)).toMatchObject(expected);
  });

  test('one that tells nothing is no fault, but said', () => {
    const report = reporter('redis');
    judgeRedis({}, report);
    expect(statuses(report.findings)).toEqual({ 'maxmemory-policy': 'warning', aof: 'warning' });
  });
});

test.each([
  ['Endpoint=sb://relay.servicebus.windows.net/;SharedAccessKey=k=', null, 'relay.servicebus.windows.net', 5671, true],
  ['Endpoint=sb://localhost;UseDevelopmentEmulator=true;', null, 'localhost', 5672, false],
  ['Endpoint=sb://127.0.0.1:5999/;UseDevelopmentEmulator=true', null, '127.0.0.1', 5999, false],
  [null, 'relay.servicebus.windows.net', 'relay.servicebus.windows.net', 5671, true],
])('the target of hub %j %j is %s', (connectionString, namespace, host, port, tls) => {
  expect(hubTarget({ connectionString, namespace })).toEqual({ host, port, tls });
});

test('reasons are one line, from the first of several errors, with the cause', () => {
  expect(reasonOf(new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:1')]))).toContain('ECONNREFUSED');
  expect(reasonOf(new Error('a\nb', { cause: new Error('c') }))).toBe('a: c');
  expect(reasonOf('thrown text')).toBe('unknown error');
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [512 * 1024 ** 2, '512 MiB'],
])('%i bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

test('text shows what it means and what to do under what is not well, and obeys no foreign escape', () => {
  const report = reporter('redis');
  report.ok('reach', 'fine');
  report.fault('aof', 'said \u001b[31mred\u202e', { means: 'm', do: 'd' });
  expect(findingsText(report.findings)).toBe(
    [
      'redis',
      '  ok       reach  fine',
      '  FAULT    aof    said [31mred',
      '           means: m',
      '           do:    d',
      '',
      '1 fault, 0 warnings, 1 ok',
      '',
    ].join('\n'),
  );
});

test('without a config, and with a wrong environment, all faults are named and the exit code is 1', async () => {
  const { code, out } = await relay(['doctor', '--json', '--config', 'missing.yaml'], {
    env: { PORT: 'abc', REDIS_URL: 'redis://:pass-word-1@', LOG_LEVEL: 'loud' },
  });
  expect(code).toBe(1);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  expect(findings.map((finding) => finding.check)).toEqual(expect.arrayContaining(['PORT', 'LOG_LEVEL']));
  expect(findings.some((finding) => finding.says.includes('missing.yaml'))).toBe(true);
  expect(out).not.toContain('pass-word-1');
});
