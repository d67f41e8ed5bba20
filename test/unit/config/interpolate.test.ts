import { describe, expect, test } from 'vitest';
import { faultLines, good, GOOD, PAGER_KEY } from './fixture.ts';

function files(texts: Record<string, string>): (path: string) => string {
  return (path) => {
    const text = texts[path];
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return text;
  };
}

describe('references', () => {
  test('are filled in from the environment, also inside longer texts', () => {
    const config = good(GOOD.replace('https://example.org/hook', 'https://${HOST_NAME}/hook?key=${KEY}'), {
      env: { HOST_NAME: 'hooks.example', KEY: 'k1' },
    });
    expect(config.destinations[1]?.settings).toMatchObject({ url: 'https://hooks.example/hook?key=k1' });
  });

  test('are filled in from files beside the config, without the last line end', () => {
    const config = good(GOOD.replace(PAGER_KEY, '${file:secrets/pager}'), {
      readFile: files({ 'conf/secrets/pager': `${PAGER_KEY}\r\n` }),
    });
    expect(config.destinations[0]?.settings).toEqual({ routingKey: PAGER_KEY });
  });

  test('a doubled dollar sign stands for itself, and what was filled in is not read again', () => {
    const config = good(
      GOOD.replace('hook-secret-1', () => '$${X}-${VALUE}'),
      { env: { VALUE: '${OTHER}', OTHER: 'no' } },
    );
    expect(config.destinations[1]?.settings).toMatchObject({ secret: '${X}-${OTHER}' });
  });

  test.each([
    ['not set', '${NOPE}', 'the environment variable NOPE is not set'],
    ['set to nothing', '${EMPTY}', 'the environment variable EMPTY is empty'],
    ['an inherited property', '${constructor}', 'the environment variable constructor is not set'],
    ['a missing file', '${file:nope}', 'cannot read the file "nope" (ENOENT)'],
    ['an empty file', '${file:blank}', 'the file "blank" is empty'],
    ['a default, which we do not know', '${A:-b}', 'holds a ${...} that is neither ${NAME} nor ${file:path}'],
    ['an open brace', '${A', 'holds a ${...} that is neither ${NAME} nor ${file:path}'],
  ])('%s is one fault with its line', (_, reference, message) => {
    const lines = faultLines(GOOD.replace(PAGER_KEY, reference), {
      env: { EMPTY: '' },
      readFile: files({ 'conf/blank': '\n' }),
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`relay.yaml:5:38 destinations.oncall.routingKey: ${message}`);
  });

  test('what follows from a missing value is not reported as well', () => {
    const lines = faultLines('receivers: { eventHubs: [{ name: a, source: b, connectionString: "${EH}" }] }\n');
    expect(lines.map((line) => line.split(';')[0])).toEqual([
      'relay.yaml:1:66 receivers.eventHubs[0].connectionString: the environment variable EH is not set',
    ]);
  });

  test('a secret is in no message, even where the config puts it in the wrong place', () => {
    const text = GOOD.replace('[oncall, hook]', '["${SECRET}"]')
      .replace('type: webhook', 'type: "${SECRET}"')
      .concat('relayId2: "${SECRET}"\n');
    const lines = faultLines(text.replace('receiver-token-000000000001', '${SHORT}'), {
      env: { SECRET: 'very-secret-value', SHORT: 'tooshort' },
    });
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(lines.join('\n')).not.toMatch(/very-secret-value|tooshort/);
  });
});
