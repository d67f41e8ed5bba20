/** Only a well-formed W3C traceparent counts: anything else is as if there were none. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTraceparent, parseTraceparent, traceFields } from '#src/core/trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('ids and the sampled flag are read; other flags are not ours', () => {
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true });
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: false });
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`)?.traceId).toBe(TRACE);
});

test.each([
  ['no text', ''],
  ['ids of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['more than version 00 has', `00-${TRACE}-${SPAN}-01-more`],
  ['a short id', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a line end', `00-${TRACE}-${SPAN}-01\n`],
  ['a novel', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(10_000)}`],
])('%s is no trace', (_, text) => {
  expect(parseTraceparent(text)).toBeNull();
  expect(traceFields(text)).toEqual({});
});

test('what is written is read back, and nothing makes the reader throw', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 2n ** 128n - 1n }),
      fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
      fc.boolean(),
      (a, b, sampled) => {
        const place = { traceId: a.toString(16).padStart(32, '0'), spanId: b.toString(16).padStart(16, '0'), sampled };
        expect(parseTraceparent(formatTraceparent(place))).toEqual(place);
      },
    ),
  );
  fc.assert(fc.property(fc.string(), (text) => void parseTraceparent(text)));
});
