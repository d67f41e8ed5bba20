import { describe, expect, it } from 'vitest';
import { classifyHttp, parseRetryAfter } from '#adapters/shared/status.ts';

const now = new Date('2026-11-23T08:00:00Z');
const answer = (status: number, headers: Record<string, string> = {}, body = '') =>
  ({ answered: true, status, headers, body }) as const;
const failure = (sent: boolean) => ({ answered: false, sent, reason: 'reset', detail: 'cut' }) as const;

describe('the status table', () => {
  it('judges every status from 100 to 599', () => {
    const retryable = new Set([408, 425, 429]);
    for (let status = 100; status < 600; status++) {
      const outcome = classifyHttp(answer(status), { now });
      if (status >= 200 && status < 300) expect(outcome).toBeNull();
      else if (retryable.has(status) || status >= 500 || status < 200) expect(outcome?.outcome).toBe('retryable');
      else expect(outcome?.outcome).toBe('permanent');
    }
  });

  it.each([
    [301, 'redirect'],
    [400, 'invalid-request'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [408, 'timeout'],
    [410, 'gone'],
    [413, 'too-large'],
    [422, 'invalid-request'],
    [429, 'rate-limited'],
    [500, 'server-error'],
    [504, 'server-error'],
  ])('gives %i the reason %s', (status, reason) => {
    expect(classifyHttp(answer(status), { now })).toMatchObject({ reason, status });
  });

  it('lets an adapter state its exceptions, also for a 2xx', () => {
    const exceptions = { 404: 'retryable', 500: 'unknown', 409: 'accepted', 202: 'permanent' } as const;
    const classify = (status: number) => classifyHttp(answer(status), { now, exceptions });
    expect(classify(404)).toMatchObject({ outcome: 'retryable', reason: 'not-found' });
    expect(classify(500)).toMatchObject({ outcome: 'unknown', reason: 'server-error' });
    expect(classify(409)).toMatchObject({ outcome: 'accepted', receipt: { level: 'accepted', status: 409 } });
    expect(classify(202)).toMatchObject({ outcome: 'permanent', reason: 'wrong-body' });
  });

  it('takes a request that may have arrived for unknown, and one that cannot for retryable', () => {
    expect(classifyHttp(failure(true), { now })).toMatchObject({ outcome: 'unknown', reason: 'reset', status: null });
    expect(classifyHttp(failure(true), { now, ambiguous: 'retryable' })).toMatchObject({ outcome: 'retryable' });
    expect(classifyHttp(failure(false), { now })).toMatchObject({ outcome: 'retryable', reason: 'reset' });
  });

  it('keeps status and at most 200 characters of the body for people', () => {
    const outcome = classifyHttp(answer(400, {}, '😀'.repeat(300)), { now });
    expect(outcome?.detail).toBe(`HTTP 400: ${'😀'.repeat(200)}`);
  });
});

describe('Retry-After', () => {
  it.each([
    ['30', 30_000],
    ['0', 1_000],
    ['1.5', 1_500],
    ['99999999999', 3_600_000],
    ['Mon, 23 Nov 2026 08:02:00 GMT', 120_000],
    ['Mon, 23 Nov 2026 07:00:00 GMT', 1_000],
    ['Mon, 23 Nov 2099 07:00:00 GMT', 3_600_000],
    ['soon', null],
    ['-5', null],
    ['', null],
    [undefined, null],
  ])('%s means %s ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });

  it('is GMT in the form that names no zone, wherever the relay runs', () => {
    const { TZ } = process.env;
    process.env['TZ'] = 'America/New_York';
    try {
      expect(parseRetryAfter('Mon Nov 23 08:02:00 2026', now)).toBe(120_000);
    } finally {
      if (TZ === undefined) delete process.env['TZ'];
      else process.env['TZ'] = TZ;
    }
  });

  it('reaches the outcome, and is left out where the vendor names no time', () => {
    expect(classifyHttp(answer(429, { 'retry-after': '7' }), { now })).toMatchObject({ retryAfterMs: 7_000 });
    expect(classifyHttp(answer(429), { now })).not.toHaveProperty('retryAfterMs');
  });
});
