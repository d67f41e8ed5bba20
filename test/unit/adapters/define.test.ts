import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAdapter } from '#adapters/shared/define.ts';
import type { Adapter, Outcome } from '#src/core/adapter.ts';
import { makeContext, makeStep } from '#test/support/steps.ts';

const SECRET = 's3cr3t/key+"with"&signs';

/** An adapter that is as careless as can be: it repeats its key everywhere. */
function careless(outcome: Outcome): Adapter {
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
    async deliver(_step, { log, settings: { key } }) {
      log.warn({ nested: { key }, error: new Error(`bad ${key}`) }, `tried ${key}`);
      return outcome;
    },
    probe: async ({ settings: { key } }) => [`${key} is not valid`],
  });
}

describe('defineAdapter', () => {
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
