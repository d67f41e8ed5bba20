/** The stand-in itself: what the conformance, demo and chaos suites rely on (destinations 1.2, 1.3). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

const KEY = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
let server: PagerDutyServer;

beforeEach(async () => {
  server = await new PagerDutyServer().start();
});
afterEach(() => server.stop());

const payload = { summary: 'Pulls fail', source: 'contoso/Azure', severity: 'error' };
const event = (more: object = {}) => ({ routing_key: KEY, event_action: 'trigger', dedup_key: 'k', payload, ...more });

async function post(body: unknown, path = '/v2/enqueue'): Promise<{ status: number; json: Record<string, unknown> }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body: text });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe('an alert of the stand-in', () => {
  it('is opened once per key while it is open, and its title stays', async () => {
    await post(event());
    await post(event({ payload: { ...payload, summary: 'Another title' } }));
    expect(server.alerts()).toMatchObject([{ dedupKey: 'k', title: 'Pulls fail', status: 'open', severity: 'error' }]);
    expect(server.alerts()[0]?.log.map(({ summary }) => summary)).toEqual(['Pulls fail', 'Another title']);
  });

  it('is opened anew by a trigger after the resolve, which counts as a page', async () => {
    for (const action of ['trigger', 'resolve', 'trigger']) await post(event({ event_action: action }));
    expect(server.pages).toBe(2);
    expect(server.pagesFor('k')).toBe(2);
    expect(server.alerts().map(({ status }) => status)).toEqual(['resolved', 'open']);
  });

  it('is out of reach for another routing key: taken with 202 and dropped', async () => {
    await post(event());
    const other = 'f'.repeat(32);
    expect(await post(event({ event_action: 'resolve', routing_key: other }))).toMatchObject({ status: 202 });
    expect(server.alerts()[0]?.status).toBe('open');
    expect(server.dropped).toEqual([{ event: 'resolve', dedupKey: 'k', routingKey: other }]);
  });

  it('is not opened by a resolve that came first, and the late trigger opens it for good', async () => {
    await post({ routing_key: KEY, event_action: 'resolve', dedup_key: 'k' });
    await post(event());
    expect(server.dropped).toHaveLength(1);
    expect(server.alerts()).toMatchObject([{ status: 'open' }]);
  });

  it('gets a key from the vendor where the trigger has none', async () => {
    const { json } = await post({ ...event(), dedup_key: undefined });
    expect(server.alerts()[0]?.dedupKey).toBe(json['dedup_key']);
  });
});

describe('the stand-in refuses with 400 and a list of errors', () => {
  it.each([
    ['a short routing key', event({ routing_key: 'abc' }), "'routing_key' must be 32 alphanumeric characters"],
    ['no routing key', event({ routing_key: undefined }), "'routing_key'"],
    ['a long summary', event({ payload: { ...payload, summary: 'é'.repeat(1_025) } }), "'payload.summary' is too long"],
    ['no summary', event({ payload: { ...payload, summary: undefined } }), "'payload.summary'"],
    ['no source', event({ payload: { ...payload, source: undefined } }), "'payload.source'"],
    ['a foreign severity', event({ payload: { ...payload, severity: 'fatal' } }), "'payload.severity'"],
    ['a trigger without payload', event({ payload: undefined }), "'payload' is required on trigger"],
    ['a resolve without key', { routing_key: KEY, event_action: 'resolve' }, "'dedup_key' is required"],
    ['a long key', event({ dedup_key: 'k'.repeat(256) }), "'dedup_key' is too long"],
    ['an unknown field', event({ surprise: 1 }), 'surprise'],
    ['a body over 512 KB', event({ payload: { ...payload, custom_details: { a: 'x'.repeat(524_288) } } }), '512 KB'],
    ['no JSON', '{', 'not JSON'],
  ])('for %s', async (_name, body, words) => {
    const { status, json } = await post(body);
    expect({ status, message: json['message'] }).toEqual({ status: 400, message: 'Event object is invalid' });
    expect(String(json['errors'])).toContain(words);
    expect(server.refusals).toEqual([json['errors']]);
    expect(server.pages).toBe(0);
  });

  it('but takes 1,024 characters outside the basic plane and a key of 255', async () => {
    const body = event({ dedup_key: 'k'.repeat(255), payload: { ...payload, summary: '😀'.repeat(1_024) } });
    expect(await post(body)).toMatchObject({ status: 202, json: { status: 'success' } });
  });

  it('for a change event under the key of a ruleset, and keeps change events apart from alerts', async () => {
    const change = { routing_key: KEY, payload: { summary: 'Maintenance planned' } };
    expect(await post(change, '/v2/change/enqueue')).toMatchObject({ status: 202 });
    expect(await post({ ...change, routing_key: `R${KEY.slice(1)}` }, '/v2/change/enqueue')).toMatchObject({
      status: 400,
    });
    expect(server.changeEvents.map(({ summary }) => summary)).toEqual(['Maintenance planned']);
    expect(server.pages).toBe(0);
  });
});
