import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { configSecrets, redactor, urlSecrets } from '#src/config/secrets.ts';
import { good, GOOD, PAGER_KEY } from './fixture.ts';

const CONNECTION = 'Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=hub-key/+=;EntityPath=e';
const TEXT = `${GOOD}api: { tokens: [{ role: read, name: eyes, token: "api-token-0000000000001" }] }
`.replace('receivers:', `receivers:\n  eventHubs: [{ name: a, source: b, connectionString: "${CONNECTION}" }]`);

describe('secrets', () => {
  test('all of a config are collected', () => {
    expect(configSecrets(good(TEXT))).toEqual([
      'receiver-token-000000000001',
      'api-token-0000000000001',
      CONNECTION,
      'hub-key/+=',
      PAGER_KEY,
      'hook-secret-1',
    ]);
  });

  test('no dump of the config holds one', () => {
    const config = good(TEXT);
    const dumps = [
      JSON.stringify(config),
      JSON.stringify(config.destinations[0]),
      JSON.stringify(config.receivers.tokens),
      inspect(config, { depth: 10 }),
    ].join('\n');
    expect(dumps).toContain('contoso');
    expect(dumps).toContain('<secret>');
    for (const secret of configSecrets(config)) expect(dumps).not.toContain(secret);
  });

  test('are taken out of a text in every form they travel in, the longest first', () => {
    const hide = redactor(['abcd', 'abcd/e f"g', 'no', 'a.c+d(']);
    expect(hide('x abcd/e f"g y abcd z')).toBe('x <secret> y <secret> z');
    expect(hide(`q=${encodeURIComponent('abcd/e f"g')} ${JSON.stringify('abcd/e f"g')}`)).toBe('q=<secret> "<secret>"');
    expect(hide('no a.c+d( abc+d(')).toBe('no <secret> abc+d(');
    expect(redactor([])('text')).toBe('text');
  });

  test('the password of a URL counts in both spellings', () => {
    expect(urlSecrets('postgres://u:p%40ss@h/d', 'redis://h', null)).toEqual([
      'postgres://u:p%40ss@h/d',
      'p%40ss',
      'p@ss',
    ]);
  });
});
