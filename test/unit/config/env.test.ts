import { describe, expect, test } from 'vitest';
import { formatEnvironmentFaults, readEnvironment } from '#src/config/env.ts';

describe('environment', () => {
  test('an empty one has the documented defaults', () => {
    expect(readEnvironment({ PORT: '' })).toEqual({
      ok: true,
      value: {
        port: 8080,
        host: '127.0.0.1',
        databaseUrl: null,
        redisUrl: null,
        databaseAuth: 'password',
        redisAuth: 'password',
        configFile: 'relay.yaml',
        role: 'all',
        dataDir: '.relay',
        spoolDir: '.relay/spool',
        logLevel: 'info',
        tracing: null,
      },
    });
  });

  test.each([
    ['embedded', {}, '.relay/spool'],
    ['a declared folder', { DATABASE_URL: 'postgres://h/d', RELAY_DATA_DIR: '/data' }, '/data/spool'],
    ['a database and no folder', { DATABASE_URL: 'postgres://h/d' }, null],
    ['a spool of its own', { DATABASE_URL: 'postgres://h/d', RELAY_SPOOL_DIR: '/spool' }, '/spool'],
  ])('the spool is where a folder is durable: %s', (_, env, spoolDir) => {
    expect(readEnvironment(env)).toMatchObject({ ok: true, value: { spoolDir } });
  });

  test('every fault is named at once and no URL is quoted', () => {
    const result = readEnvironment({
      PORT: 'abc',
      HOST: 'a b',
      DATABASE_URL: 'mysql://u:secret@h',
      REDIS_URL: 'secret',
      RELAY_ROLE: 'wroker',
      LOG_LEVEL: 'loud',
    });
    const text = result.ok ? '' : formatEnvironmentFaults(result.faults);
    expect(text.split('\n').map((line) => line.split(':')[0])).toEqual([
      'DATABASE_URL',
      'RELAY_ROLE',
      'PORT',
      'HOST',
      'REDIS_URL',
      'LOG_LEVEL',
    ]);
    expect(text).toContain('PORT: "abc" is not a port; a number from 0 to 65535');
    expect(text).not.toContain('secret');
  });

  test.each(['65536', '-1', '80.5', '1e3'])('PORT=%s is refused', (PORT) => {
    expect(readEnvironment({ PORT })).toMatchObject({ ok: false, faults: [{ variable: 'PORT' }] });
  });

  test('words are taken in any case', () => {
    const env = { LOG_LEVEL: 'WARN', RELAY_ROLE: 'Worker', DATABASE_URL: 'postgres://h/d' };
    expect(readEnvironment(env)).toMatchObject({ ok: true, value: { logLevel: 'warn', role: 'worker' } });
  });

  test.each(['api', 'worker'])('RELAY_ROLE=%s needs a database that others can reach', (RELAY_ROLE) => {
    expect(readEnvironment({ RELAY_ROLE })).toMatchObject({ ok: false, faults: [{ variable: 'DATABASE_URL' }] });
    expect(readEnvironment({ RELAY_ROLE, DATABASE_URL: 'postgresql://u:p@h/d' })).toMatchObject({ ok: true });
  });

  test.each([
    ['no server', { DATABASE_AUTH: 'entra' }, 'DATABASE_URL'],
    ['a password beside it', { DATABASE_AUTH: 'entra', DATABASE_URL: 'postgres://u:p@127.0.0.1/d' }, 'DATABASE_URL'],
    ['no user', { DATABASE_AUTH: 'entra', DATABASE_URL: 'postgres://127.0.0.1/d' }, 'DATABASE_URL'],
    ['no TLS', { DATABASE_AUTH: 'entra', DATABASE_URL: 'postgres://u@db.example/d' }, 'DATABASE_URL'],
    [
      'TLS without a look at the certificate',
      { DATABASE_AUTH: 'entra', DATABASE_URL: 'postgres://u@db.example/d?sslmode=no-verify' },
      'DATABASE_URL',
    ],
    ['a host that only begins like loopback', { REDIS_AUTH: 'entra', REDIS_URL: 'redis://u@127.example' }, 'REDIS_URL'],
    ['Redis without TLS', { REDIS_AUTH: 'entra', REDIS_URL: 'redis://u@redis.example' }, 'REDIS_URL'],
    ['another word', { REDIS_AUTH: 'aad' }, 'REDIS_AUTH'],
  ])('Entra tokens are refused with %s', (_, env, variable) => {
    const result = readEnvironment(env);
    expect(result).toMatchObject({ ok: false, faults: [{ variable }] });
    expect(JSON.stringify(result)).not.toContain('u:p');
  });

  test('Entra tokens are taken over checked TLS, and on loopback', () => {
    const good = {
      DATABASE_AUTH: 'entra',
      DATABASE_URL: 'postgresql://id-relay@db.example/relay?sslmode=verify-full',
      REDIS_AUTH: 'entra',
      REDIS_URL: 'redis://id@[::1]:6379',
    };
    expect(readEnvironment(good)).toMatchObject({ ok: true, value: { databaseAuth: 'entra', redisAuth: 'entra' } });
  });
});
