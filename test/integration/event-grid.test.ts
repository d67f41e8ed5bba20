/** The Event Grid door: both handshakes, both envelopes, and the answers that its retry rules want. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '#src/app.ts';
import { EntraServer } from '#test/support/azure/entra.ts';
import { hookConfig, SECRET } from '#test/support/event-hubs/hub-relay.ts';
import { getFrom, startWithReceivers } from '#test/support/event-hubs/start.ts';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import { openStores, TOKEN, type Answer, type Stores } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const PATH = '/v1/receivers/event-grid';
const VALIDATION = fixture('eventgrid/subscription-validation-eventgrid.json');

let stores: Stores;
let hook: WebhookServer;
let entra: EntraServer;
let relay: App;
let open: App;

beforeAll(async () => {
  stores = await openStores('postgres');
  hook = await new WebhookServer(SECRET).start();
  entra = await new EntraServer().start();
  const { tenant, audience } = entra.config();
  const config = hookConfig(hook);
  const start = async (receivers: string): Promise<App> =>
    startWithReceivers({ databaseUrl: (await stores.environment())['DATABASE_URL']!, receivers, config });
  open = await start('eventGrid: {}');
  relay = await start(
    `eventGrid: { allowSubscriptions: [aks-events], allowOrigins: [eventgrid.azure.net] },
  entra: { tenant: "${tenant}", audience: ["${audience[0]}"], role: ActionGroupsSecureWebhook, authority: "${entra.authority}", source: grid }`,
  );
});
afterAll(async () => {
  await relay.stop();
  await open.stop();
  await hook.stop();
  await entra.stop();
  await stores.stop();
});

async function post(body: unknown, headers: Record<string, string> = {}, to = relay, token = TOKEN): Promise<Answer> {
  const response = await fetch(`${to.url}${PATH}?token=${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, json: text === '' ? null : JSON.parse(text), headers: response.headers };
}

describe('the handshake of Event Grid’s own schema', () => {
  const validate = (name: string | null, to = relay): Promise<Answer> =>
    post(
      VALIDATION,
      { 'aeg-event-type': 'SubscriptionValidation', ...(name === null ? {} : { 'aeg-subscription-name': name }) },
      to,
    );
  test('is answered 200 with the code for a subscription on the list, in any case', async () => {
    for (const name of ['aks-events', 'AKS-EVENTS']) {
      const answer = await validate(name);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({ validationResponse: [VALIDATION].flat()[0].data.validationCode });
    }
  });
  test('is refused for any other, and for one without a name', async () => {
    for (const name of ['stranger', null]) {
      const answer = await validate(name);
      expect(answer.status).toBe(403);
      expect(answer.text).not.toContain([VALIDATION].flat()[0].data.validationCode);
    }
  });
  test('is answered for any authenticated sender where there is no list', async () => {
    expect((await validate('stranger', open)).status).toBe(200);
  });
  test('is not answered without a token, whatever the name', async () => {
    const headers = { 'aeg-event-type': 'SubscriptionValidation', 'aeg-subscription-name': 'aks-events' };
    expect((await post(VALIDATION, headers, relay, 'no-such-token-0000000')).status).toBe(401);
  });
  test('without a code in it is refused and echoes nothing', async () => {
    const answer = await post([{ eventType: 'x', topic: 'y', data: {} }], {
      'aeg-event-type': 'SubscriptionValidation',
      'aeg-subscription-name': 'aks-events',
    });
    expect(answer.status).toBe(403);
  });
  test('leaves no incident behind', async () => {
    expect((await getFrom(relay, '/v1/incidents')).incidents).toEqual([]);
  });
});

describe('the handshake of CloudEvents', () => {
  const options = (headers: Record<string, string>, token = TOKEN, to = relay): Promise<Response> =>
    fetch(`${to.url}${PATH}?token=${token}`, { method: 'OPTIONS', headers });
  test('allows an origin on the list, at any rate, for POST', async () => {
    const answer = await options({ 'webhook-request-origin': 'eventgrid.azure.net', 'webhook-request-rate': '120' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net');
    expect(answer.headers.get('webhook-allowed-rate')).toBe('*');
    expect(answer.headers.get('allow')).toBe('POST');
  });
  test.each([
    ['another origin', { 'webhook-request-origin': 'evil.example' }, TOKEN, 403],
    ['no origin', {}, TOKEN, 400],
    ['no valid token', { 'webhook-request-origin': 'eventgrid.azure.net' }, 'no-such-token-0000000', 401],
  ] as const)('allows nothing to %s', async (_, headers, token, status) => {
    const answer = await options(headers, token);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('webhook-allowed-origin')).toBeNull();
  });
  test('allows any origin that holds a token where there is no list', async () => {
    const answer = await options({ 'webhook-request-origin': 'own.example' }, TOKEN, open);
    expect(answer.headers.get('webhook-allowed-origin')).toBe('own.example');
  });
  test('is answered to the holder of an Entra token', async () => {
    const answer = await fetch(relay.url + PATH, {
      method: 'OPTIONS',
      headers: { authorization: `Bearer ${await entra.token()}`, 'webhook-request-origin': 'eventgrid.azure.net' },
    });
    expect(answer.status).toBe(200);
  });
});

describe('events', () => {
  const outcomes = ({ json }: Answer): string[] => json.signals.map((one: { outcome: string }) => one.outcome);
  const notification = { 'aeg-event-type': 'Notification', 'aeg-subscription-name': 'aks-events' };

  test('of a failed node pool are news, of an image push only a line for later', async () => {
    const before = hook.events.length;
    const failed = await post(
      fixture('eventgrid/aks-nodepool-rolling-failed-cloudevents.json'),
      { ...notification, 'content-type': 'application/cloudevents+json; charset=utf-8' },
      open,
    );
    expect([failed.status, ...outcomes(failed)]).toEqual([202, 'opened']);
    const pushed = await post(fixture('eventgrid/acr-image-pushed-eventgrid.json'), notification, open);
    expect(pushed.status).toBe(202);
    await expect.poll(() => hook.events.length).toBe(before + 1);
    const { incidents } = await getFrom(open, '/v1/incidents?kind=change');
    expect(incidents).toHaveLength(1);
  });

  test('come in batches of CloudEvents', async () => {
    const answer = await post(fixture('eventgrid/cloudevents-batch.json'), {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect([answer.status, ...outcomes(answer)]).toEqual([202, 'opened', 'opened']);
  });

  test('that come again, as Event Grid may send them, change nothing', async () => {
    const body = fixture('eventgrid/health-resource-unavailable-eventgrid.json');
    expect(outcomes(await post(body, notification, open))).toEqual(['opened']);
    expect(outcomes(await post(body, notification, open))).toEqual(['duplicate']);
  });

  test('that nobody understands are kept: a 400 would make Event Grid drop them', async () => {
    const answer = await post(fixture('eventgrid/blob-created-eventgrid.json'), notification, open);
    expect([answer.status, ...outcomes(answer)]).toEqual([202, 'unrecognised']);
    expect((await post('[{]', notification, open)).status).toBe(400);
  });

  test('that the subscription was deleted are answered 200 and kept', async () => {
    const answer = await post(
      fixture('eventgrid/subscription-deleted-eventgrid.json'),
      { 'aeg-event-type': 'SubscriptionDeletion' },
      open,
    );
    expect(answer.status).toBe(200);
    expect(answer.json.signals).toHaveLength(1);
  });

  test('of any other door are read here as well', async () => {
    const answer = await post(serviceHealth({ trackingId: 'GRID-001', communication: 1, stage: 'Active' }), {}, open);
    expect(outcomes(answer)).toEqual(['opened']);
  });
});
