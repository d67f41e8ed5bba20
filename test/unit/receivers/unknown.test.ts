import { describe, expect, test } from 'vitest';
import { readSignals } from '#src/receivers/read.ts';
import type { Signal } from '#src/core/signal.ts';
import { CONTEXT, readOne, SUBSCRIPTION } from './read-fixture.ts';

function read(body: unknown): Signal {
  const signals = readSignals(body, CONTEXT);
  expect(signals.length).toBe(1);
  return signals[0]!;
}

describe('a body that names a tracking ID or Service Health becomes that incident', () => {
  test('as a field in any spelling, with what stands around it', () => {
    expect(readOne('other/salvage-flat-fields.json')).toMatchObject({
      identity: 'sh/cnt1-0ar',
      kind: 'outage',
      phase: 'close',
      title: 'Image pull failures',
      impacts: [{ service: 'Container Registry', region: 'West Europe' }],
      subscriptions: [SUBSCRIPTION],
      reason: 'salvaged: found a tracking ID',
    });
  });

  test('in running text', () => {
    const signal = readOne('other/salvage-running-text.json');
    expect(signal).toMatchObject({
      identity: 'sh/cnt1-0ar',
      phase: 'open',
      reason: 'salvaged: found a tracking ID in a text',
    });
    expect(signal.text).toContain('image pulls fail');
  });

  test('as an operation without a tracking ID', () => {
    const signal = readOne('other/salvage-operation-only.json');
    expect(signal).toMatchObject({ kind: 'outage', phase: 'open', severity: 'error', trackingId: null });
    expect(signal.identity).toMatch(/^sh\/unnamed-/);
    expect(signal.reason).toMatch(/^salvaged: /);
  });

  test('however deep it stands', () => {
    const body: unknown = JSON.parse(`${'{"a":'.repeat(20_000)}{"trackingId":"CNT1-0AR"}${'}'.repeat(20_000)}`);
    expect(read(body).identity).toBe('sh/cnt1-0ar');
  });

  test('inside a schema id that promises more than it holds', () => {
    expect(read({ schemaId: 'azureMonitorCommonAlertSchema', data: { trackingId: 'CNT1-0AR' } }).identity).toBe(
      'sh/cnt1-0ar',
    );
  });
});

describe('an unrecognised body', () => {
  test.each([
    ['null', null, 'null'],
    ['a number', 7, 'a number'],
    ['a text', 'hello', 'a string'],
    ['infinity', JSON.parse('1e400000'), 'a number'],
    ['an empty object', {}, 'an object'],
    ['an empty list', [], 'a list of nothing'],
    ['no records', { records: [] }, 'records'],
  ])('is one open signal with a reason: %s', (_name, body, words) => {
    const signal = read(body);
    expect(signal).toMatchObject({
      kind: 'unrecognised',
      schema: 'unknown',
      phase: 'open',
      state: 'active',
      severity: 'warning',
      title: `Unrecognised signal from prod: ${words}`,
    });
    expect(signal.identity).toMatch(/^unrecognised\/prod\/[\da-f]{32}$/);
    expect(signal.reason).not.toBeNull();
  });

  test('says that a list was empty', () => {
    expect(read([]).reason).toBe('an empty list');
    expect(read({ records: [] }).reason).toBe('an empty list');
  });

  test('has the identity of its source and shape, whatever its values and the order of its keys', () => {
    const first = read({ id: 'a', nested: { when: 1, list: [{ x: 1 }] } });
    const second = read({ nested: { list: [{ x: 2 }, { x: 3 }], when: null }, id: 'b' });
    expect(second.identity).toBe(first.identity);
    expect(second.fingerprint).not.toBe(first.fingerprint);
    expect(read({ id: 'a', nested: { when: 1 } }).identity).not.toBe(first.identity);
    const [elsewhere] = readSignals(
      { id: 'a', nested: { when: 1, list: [{ x: 1 }] } },
      { ...CONTEXT, source: 'other' },
    );
    expect(elsewhere!.identity).not.toBe(first.identity);
    expect(elsewhere!.fingerprint).not.toBe(first.fingerprint);
  });

  test('whose keys are ids does not look new each time', () => {
    const first = read({ 'c0ffee00-0000-4000-8000-000000000001': { a: 1 } });
    expect(read({ 'c0ffee00-0000-4000-8000-000000000002': { a: 1 } }).identity).toBe(first.identity);
  });

  test('is folded by its key paths alone, also where a value names its schema', () => {
    const event = (word: string): unknown => ({
      schemaId: word,
      category: word,
      eventType: word,
      payload: { x: word },
    });
    const [first, second] = [read(event('one')), read(event('two'))];
    expect(second.identity).toBe(first.identity);
    expect(second.title).not.toBe(first.title);
  });

  test('names its keys', () => {
    const signal = readOne('other/unrecognised-alertmanager.json');
    expect(signal.title).toBe('Unrecognised signal from prod: version, groupKey, status, receiver, alerts');
    expect(signal.details['Keys']).toBe('version, groupKey, status, receiver, alerts');
  });
});

describe('times', () => {
  const event = (time: string): unknown => ({
    records: [
      { time, operationName: 'Microsoft.ServiceHealth/incident/action', properties: { trackingId: 'CNT1-0AR' } },
    ],
  });

  test.each([
    '2036-01-01T00:00:00Z',
    '1999-01-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    'soon',
    '+275760-09-13T00:00:00Z',
  ])('an implausible event time gives way to the receipt: %s', (time) => {
    expect(read(event(time)).occurredAt).toBe(CONTEXT.receivedAt);
  });

  test('a little ahead of our clock is plausible', () => {
    expect(read(event('2026-11-25T08:00:00.1234567Z')).occurredAt).toBe('2026-11-25T08:00:00.123Z');
  });
});
