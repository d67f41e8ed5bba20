/** An exporter may do what it likes: the SDK is always answered, once, and nothing escapes. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { fenced, type Exporter } from '#src/tracing/exporters.ts';

const SPANS = [{}, {}] as ReadableSpan[];
type Export = Exporter['export'];

async function exported(how: Export, times = 1): Promise<{ answers: number; counts: unknown[]; faults: string[] }> {
  const counts: unknown[] = [];
  const faults: string[] = [];
  let answers = 0;
  const exporter = fenced(
    { export: how, shutdown: async () => undefined },
    { onSpans: (...count) => counts.push(count), onFault: (error) => faults.push(error), timeoutMs: 100 },
  );
  for (let n = 0; n < times; n++) {
    await new Promise<void>((resolve) =>
      exporter.export(SPANS, (result) => {
        expect(result.code).toBe(0);
        answers++;
        resolve();
      }),
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 150));
  return { answers, counts, faults };
}

test('what was taken counts as exported', async () => {
  expect(await exported((_, done) => done({ code: 0 }))).toEqual({ answers: 1, counts: [['exported', 2]], faults: [] });
});

test.each<[string, Export, string]>([
  ['refuses', (_, done) => done({ code: 1, error: new Error('503') }), '503'],
  [
    'throws',
    () => {
      throw new Error('boom');
    },
    'Error: boom',
  ],
  [
    'is an async function that fails',
    async () => {
      throw new Error('later');
    },
    'Error: later',
  ],
  ['never answers', () => undefined, 'no answer in time'],
])('an exporter that %s is a failed export and a fault', async (_, how, fault) => {
  expect(await exported(how)).toEqual({ answers: 1, counts: [['failed', 2]], faults: [fault] });
});

test('one that answers twice is heard once', async () => {
  const twice: Export = (_, done) => {
    done({ code: 1, error: new Error('first') });
    done({ code: 0 });
  };
  expect(await exported(twice)).toEqual({ answers: 1, counts: [['failed', 2]], faults: ['first'] });
});

test('a fault that goes on is told once a minute, and counted each time', async () => {
  const { counts, faults } = await exported((_, done) => done({ code: 1 }), 5);
  expect(counts).toHaveLength(5);
  expect(faults).toEqual(['refused']);
});
