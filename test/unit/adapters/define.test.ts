import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAdapter } from '#adapters/shared/define.ts';
import type { Adapter, Memo, Outcome } from '#src/core/adapter.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';

const SECRET = 's3cr3t/key+"with"&signs';
const accepted: Outcome = { outcome: 'accepted', status: 200, receipt: { level: 'accepted' } };
/** Nothing in it is long. */
const bare = makeStep({ communication: null, incident: { details: {} } });

/** An adapter that is as careless as can be: it repeats its key everywhere. */
function careless(answer: Outcome | Adapter['deliver']): Adapter {
  const settings = z.strictObject({ key: z.string() });
  return defineAdapter<z.infer<typeof settings>>({
    kind: 'careless',
    settings,
    limits: { bodyBytesMax: 1 },
    repeat: 'key',
    defaults: { updates: 'each', failOpen: false, concurrency: 1 },
    deadlineMs: 1_000,
    secrets: ({ key }) => [key, ''],
    targets: () => [],
    accountKey: () => 'account',
    async deliver(step, context) {
      const { log, settings: of } = context;
      log.warn({ nested: of, error: new Error(`bad ${of.key}`) }, `tried ${of.key}`);
      return typeof answer === 'function' ? answer(step, context) : answer;
    },
    probe: async ({ settings: { key } }) => [`${key} is not valid`],
  });
}

describe('defineAdapter', () => {
  const tooLarge: Outcome = { outcome: 'permanent', reason: 'too-large', status: 413 };
  const long = makeStep({
    communication: communicationView({ html: `<p>${'pulls <b>fail</b> &lt; '.repeat(900)}</p>` }),
  });

  it.each([
    [
      'is sent once more in a smaller form, with what the first try remembered',
      long,
      [{ ...tooLarge, memo: { a: 1 } }, accepted],
      accepted,
    ],
    ['is not sent a third time', long, [tooLarge, tooLarge], tooLarge],
    ['is not sent again where nothing can be taken away', bare, [tooLarge], tooLarge],
  ])('what a vendor finds too large %s', async (_name, step, answers, outcome) => {
    const seen: { text: string; memo: Memo }[] = [];
    const left = [...answers];
    const adapter = careless(async (given, { memo }) => {
      seen.push({ text: given.communication?.html ?? '', memo });
      return left.shift() ?? accepted;
    });
    expect(await adapter.deliver(step, makeContext({ settings: { key: SECRET } }))).toMatchObject(outcome);
    expect(seen).toHaveLength(answers.length);
    if (seen[1]) {
      expect(seen[1].text).toMatch(/^pulls fail &lt; .* … \[cut\]$/);
      expect(seen[1].memo).toEqual(answers[0]?.memo ?? {});
    }
  });

  it('hides secrets in outcome, memo and log, plain and percent-encoded, and leaves the rest as it is', async () => {
    const logged: unknown[] = [];
    const record = (fields: unknown, message: string) => void logged.push(fields, message);
    const outcome = await careless({
      outcome: 'accepted',
      status: 200,
      receipt: { level: 'accepted', id: `x-${SECRET}`, list: [encodeURIComponent(SECRET)], count: 3, none: null },
      memo: { key: SECRET },
      detail: JSON.stringify({ key: SECRET }),
    }).deliver(makeStep(), makeContext({ settings: { key: SECRET }, log: { info: record, warn: record } }));
    expect(outcome).toEqual({
      outcome: 'accepted',
      status: 200,
      receipt: { level: 'accepted', id: 'x-<secret>', list: ['<secret>'], count: 3, none: null },
      memo: { key: '<secret>' },
      detail: '{"key":"<secret>"}',
    });
    expect(logged).toEqual([{ nested: { key: '<secret>' }, error: 'bad <secret>' }, 'tried <secret>']);
  });

  it('hides secrets in what a probe says', async () => {
    const adapter = careless({ outcome: 'unknown', reason: 'reset' });
    expect(await adapter.probe?.(makeContext({ settings: { key: SECRET } }))).toEqual(['<secret> is not valid']);
  });

  it('declares no capability that the adapter does not have', () => {
    expect(Object.keys(careless({ outcome: 'unknown', reason: 'reset' }))).not.toContain('confirm');
  });
});
