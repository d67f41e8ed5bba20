import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fitDetails } from '#adapters/pagerduty/details.ts';
import { pagerduty } from '#adapters/pagerduty/index.ts';
import { originOf, pagerDutySettings } from '#adapters/pagerduty/settings.ts';
import type { Outcome } from '#src/core/adapter.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

const KEY = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
let server: PagerDutyServer;

beforeEach(async () => {
  server = await new PagerDutyServer().start();
});
afterEach(() => server.stop());

function deliver(step: Parameters<typeof makeStep>[0] = {}): Promise<Outcome> {
  const settings = pagerduty.settings.parse({ routingKey: KEY, eventsUrl: server.url });
  return pagerduty.deliver(makeStep(step), makeContext({ settings }));
}

describe('the settings', () => {
  it.each([
    ['31 characters', 'a1b2c3d4e5f60718293a4b5c6d7e8f9'],
    ['a dash', 'a1b2c3d4e5f60718293a4b5c6d7e8f9-'],
    ['a line end', `${KEY}\n`],
  ])('refuse a routing key with %s and say what one looks like, without showing it', (_name, routingKey) => {
    const { error } = pagerDutySettings.safeParse({ routingKey });
    expect(error?.issues[0]).toMatchObject({ path: ['routingKey'] });
    expect(error?.issues[0]?.message).toContain('32 letters and digits');
    expect(error?.message).not.toContain(routingKey.trim());
  });

  it.each(['https://events.pagerduty.com/v2/enqueue', 'https://a:b@example.org', 'ftp://example.org', 'events'])(
    'take no %s for an origin',
    (eventsUrl) => {
      const { error } = pagerDutySettings.safeParse({ routingKey: KEY, eventsUrl });
      expect(error?.issues[0]).toMatchObject({ path: ['eventsUrl'] });
      expect(error?.issues[0]?.message).toContain('must be an origin');
    },
  );

  it('lead to the host of the region, or to the origin in its place', () => {
    const origin = (more: object) => originOf(pagerDutySettings.parse({ routingKey: KEY, ...more }));
    expect(origin({})).toBe('https://events.pagerduty.com');
    expect(origin({ region: 'eu' })).toBe('https://events.eu.pagerduty.com');
    expect(origin({ region: 'eu', eventsUrl: 'http://127.0.0.1:99/' })).toBe('http://127.0.0.1:99');
  });

  it('give another account key to another routing key, and the same one at another origin', () => {
    const account = (more: object) => pagerduty.accountKey(pagerDutySettings.parse({ routingKey: KEY, ...more }));
    expect(account({ routingKey: KEY.toUpperCase() })).not.toBe(account({}));
    expect(account({ eventsUrl: 'https://proxy.example' })).toBe(account({}));
  });
});

describe('the limits', () => {
  it.each(['x', '😀', '容器', 'e\u{301}'])(
    'hold a summary of %s at 1,024 characters, stable part first',
    async (filler) => {
      const headline = `[Outage] Container Registry, West Europe: ${filler.repeat(2_000)} (CNT1-0AR)`;
      for (const action of ['open', 'note'] as const) await deliver({ action, incident: { headline } });
      expect(server.refusals).toEqual([]);
      for (const { summary } of server.entries) {
        expect(Array.from(summary).length).toBeLessThanOrEqual(1_024);
        expect(Array.from(summary).length).toBeGreaterThan(900);
        expect(summary).toContain('[Outage] Container Registry, West Europe: ');
        expect(summary).toContain('[cut]');
      }
    },
  );

  it.each(['failure ', '"\n', '😀', '\\'])(
    'hold a body of %j below 500,000 bytes: the largest detail is cut',
    async (filler) => {
      const html = `<p>${filler.repeat(400_000)}</p>`;
      for (const action of ['open', 'note'] as const)
        await deliver({ action, communication: communicationView({ html }) });
      expect(server.refusals).toEqual([]);
      for (const { body } of server.requests) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(500_000);
      for (const { details } of server.entries) {
        expect(details['Message from Microsoft']).toMatch(/\[cut\]$/);
        expect(details['Tracking ID']).toBe('CNT1-0AR');
      }
    },
  );

  it('are met detail by detail, largest first, and whole details stay whole', () => {
    const details = { small: 'kept', large: 'x'.repeat(9_000), larger: 'y'.repeat(12_000) };
    const body = fitDetails(details, { bytesMax: 12_000, compose: (left) => JSON.stringify(left) });
    const left = JSON.parse(body) as typeof details;
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(12_000);
    expect(left.small).toBe('kept');
    expect(left.large).toBe(details.large);
    expect(left.larger).toMatch(/^y{2000,} … \[cut\]$/);
  });

  it('let details go where there is room for none', () => {
    const body = fitDetails({ a: 'a'.repeat(900) }, { bytesMax: 20, compose: (left) => JSON.stringify(left) });
    expect(body).toBe('{}');
  });
});

describe('an answer', () => {
  it('of 400 fails for good and names what PagerDuty found', async () => {
    const body = {
      status: 'invalid event',
      message: 'Event object is invalid',
      errors: ['a is wrong', 'b is missing'],
    };
    server.failNext({ kind: 'answer', answer: { status: 400, body } });
    expect(await deliver()).toMatchObject({
      outcome: 'permanent',
      reason: 'invalid-request',
      status: 400,
      detail: 'HTTP 400: Event object is invalid: a is wrong; b is missing',
    });
  });

  it('of 429 is tried again in 30 s, or when the vendor says', async () => {
    server.failNext({ kind: 'answer', answer: { status: 429 } });
    expect(await deliver()).toMatchObject({ outcome: 'retryable', reason: 'rate-limited', retryAfterMs: 30_000 });
    server.failNext({ kind: 'answer', answer: { status: 429, headers: { 'retry-after': '7' } } });
    expect(await deliver()).toMatchObject({ outcome: 'retryable', retryAfterMs: 7_000 });
  });

  it.each([
    [202, '<html></html>'],
    [202, '{"status":"invalid event"}'],
    [202, '[]'],
    [200, '{"status":"success"}'],
  ])('of %i %s is no success and leaves no memo', async (status, body) => {
    server.failNext({ kind: 'answer', answer: { status, body } });
    const outcome = await deliver();
    expect(outcome).toMatchObject({ outcome: 'retryable', reason: 'wrong-body', status });
    expect(outcome).not.toHaveProperty('memo');
  });
});
