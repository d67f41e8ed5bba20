import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseDuration } from '#src/config/duration.ts';
import { pathText } from '#src/config/fault.ts';
import { configJsonSchema } from '#src/config/schema-json.ts';
import { editDistance, suggest } from '#src/config/suggest.ts';
import { adapters, GOOD, PAGER_KEY } from './fixture.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['400d', 34_560_000_000],
    ['0s', null],
    ['5', null],
    ['5 m', null],
    ['-5m', null],
    ['999999999d', null],
    ['', null],
  ])('%s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });
});

describe('hints', () => {
  test('a swap of neighbours is one edit', () => {
    expect(editDistance('wehbook', 'webhook')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });

  test('name what is near, else what there is', () => {
    expect(suggest('oncal', ['mail', 'oncall'])).toBe('did you mean "oncall"?');
    expect(suggest('xyz', ['mail', 'oncall'])).toBe('known: mail, oncall');
    expect(suggest('xyz', [])).toBe('');
  });

  test('paths read like code', () => {
    expect(pathText(['routes', 0, 'to', 1])).toBe('routes[0].to[1]');
    expect(pathText(['subscriptions', 'a b'])).toBe('subscriptions["a b"]');
  });
});

describe('JSON Schema', () => {
  const validate = new Ajv2020({ strict: false, formats: { uri: true } }).compile(configJsonSchema(adapters));

  test('takes a good config and the common keys of each destination', () => {
    const document: unknown = parse(
      GOOD.replace('secret:', 'updates: { policy: latest }, fallback: { to: oncall }, secret:'),
    );
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  });

  test('takes a reference wherever a text has limits', () => {
    const document: unknown = parse(
      GOOD.replace(PAGER_KEY, '${KEY}').replace('receiver-token-000000000001', '${file:t}'),
    );
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each([
    ['a text of the wrong length', GOOD.replace(PAGER_KEY, 'short')],
    ['unknown type', GOOD.replace('type: webhook', 'type: wehbook')],
    ['unknown key of an adapter', GOOD.replace('secret:', 'secrt:')],
    ['unknown match key', GOOD.replace('kind: outage', 'kinds: outage')],
    ['no destination', GOOD.replace('[oncall, hook]', '[]')],
  ])('refuses what the relay refuses: %s', (_, text) => {
    expect(validate(parse(text))).toBe(false);
  });
});
