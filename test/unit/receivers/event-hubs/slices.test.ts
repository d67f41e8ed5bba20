import { describe, expect, test } from 'vitest';
import type { Signal } from '#src/core/signal.ts';
import { readEventBody } from '#src/receivers/event-hubs/body.ts';
import { readEvent, sliceBatch, type HubEvent } from '#src/receivers/event-hubs/slices.ts';

const event = (sequenceNumber: number, body: unknown = {}): HubEvent => ({
  body,
  sequenceNumber,
  offset: String(sequenceNumber * 100),
  enqueuedTimeUtc: new Date(0),
});
/** As many signals as the body says, with the number of the event in the title. */
const read = ({ body, sequenceNumber }: HubEvent): Signal[] =>
  Array.from({ length: body as number }, (_, n) => ({ title: `${sequenceNumber}.${n}` }) as Signal);
const shape = (sizes: number[], signalsMax: number): [number, number | null][] =>
  sliceBatch(
    sizes.map((size, index) => event(index, size)),
    { read, signalsMax },
  ).map(({ signals, upTo }) => [signals.length, upTo?.sequenceNumber ?? null]);

describe('a batch is cut so that', () => {
  test('small events share a commit and the position moves to the last of them', () => {
    expect(shape([1, 2, 3], 10)).toEqual([[6, 2]]);
  });
  test('no commit is over the limit', () => {
    expect(shape([3, 3, 3], 5)).toEqual([
      [3, 0],
      [3, 1],
      [3, 2],
    ]);
  });
  test('the position moves past an event of many records only with its last part', () => {
    expect(shape([1, 12, 1], 5)).toEqual([
      [1, 0],
      [5, null],
      [5, null],
      [3, 2],
    ]);
  });
  test('signals stay in order and none is left out', () => {
    const slices = sliceBatch([event(0, 2), event(1, 7), event(2, 1)], { read, signalsMax: 3 });
    expect(slices.flatMap(({ signals }) => signals.map((signal) => signal.title))).toEqual([
      '0.0',
      '0.1',
      '1.0',
      '1.1',
      '1.2',
      '1.3',
      '1.4',
      '1.5',
      '1.6',
      '2.0',
    ]);
  });
  test('an empty batch needs no commit', () => {
    expect(shape([], 5)).toEqual([]);
  });
});

describe('the body of an event', () => {
  test.each([
    ['one data section', Buffer.from('{"a":1}')],
    ['several data sections', [Buffer.from('{"a"'), Buffer.from(':1}')]],
    ['a text', '{"a":1}'],
    ['a value that AMQP decoded', { a: 1 }],
    ['a marked text', Buffer.from('\uFEFF{"a":1}')],
    ['UTF-16', Buffer.from('\uFEFF{"a":1}', 'utf16le')],
  ])('is read from %s', (_, body) => {
    expect(readEventBody(body)).toEqual({ ok: true, value: { a: 1 } });
  });
  test.each([Buffer.alloc(0), 'x', Buffer.from([0xff, 0xff]), ' '])('that is no JSON is kept as text: %j', (body) => {
    expect(readEventBody(body)).toMatchObject({ ok: false, value: expect.any(String) });
  });
  test.each([undefined, null, 7, [], [1, 2], true])('%j is a value like any other', (body) => {
    expect(readEventBody(body)).toEqual({ ok: true, value: body ?? null });
  });
});

describe('what is not understood', () => {
  const origin = { hub: 'activity', partitionId: '3', source: 'prod', subscription: null };
  test.each([
    ['{"broken', 'the body is not JSON (hub activity, partition 3, sequence number 4711)'],
    ['{"some":"thing"}', 'no known schema (hub activity, partition 3, sequence number 4711)'],
    ['{"records":[]}', 'an empty list (hub activity, partition 3, sequence number 4711)'],
  ])('%s tells where it lies', (text, reason) => {
    const signals = readEvent(event(4711, Buffer.from(text)), origin, '2026-11-24T19:00:00.000Z');
    expect(signals.map((signal) => [signal.kind, signal.reason])).toEqual([['unrecognised', reason]]);
  });
});
