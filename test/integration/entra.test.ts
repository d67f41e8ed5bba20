/** Secure webhooks at the HTTP door: who gets in, what a refused caller learns, and what the log says. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '#src/app.ts';
import { EntraServer, type TokenOptions } from '#test/support/azure/entra.ts';
import { getFrom, startWithReceivers } from '#test/support/event-hubs/start.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, TOKEN, type Stores } from '#test/support/relay.ts';

let stores: Stores;
let entra: EntraServer;
let relay: App;

beforeAll(async () => {
  stores = await openStores('postgres');
  entra = await new EntraServer().start();
  const { tenant, audience } = entra.config();
  relay = await startWithReceivers({
    databaseUrl: (await stores.environment())['DATABASE_URL']!,
    receivers: `entra: { tenant: "${tenant}", audience: ["${audience[0]}"], role: ActionGroupsSecureWebhook, authority: "${entra.authority}", source: secure }`,
  });
});
afterAll(async () => {
  await relay.stop();
  await entra.stop();
  await stores.stop();
});
beforeEach(() => void (entra.fault = null));

let count = 0;
async function post(token: string): Promise<{ status: number; text: string }> {
  const body = serviceHealth({ trackingId: `ENTR-${100 + count++}`, communication: 1, stage: 'Active' });
  const response = await fetch(`${relay.url}/v1/receivers/azure-monitor`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}
const signed = async (options: TokenOptions = {}): Promise<{ status: number; text: string }> =>
  post(await entra.token(options));

// First, while no key is known yet.
test('while the keys cannot be read the answer is 503, which Azure sends again, and 202 when they are back', async () => {
  entra.fault = 'error';
  expect((await signed()).status).toBe(503);
  entra.fault = null;
  expect((await signed()).status).toBe(202);
});

describe('a secure webhook', () => {
  test('is taken, under the source of the config', async () => {
    expect((await signed()).status).toBe(202);
    const { sources } = await getFrom(relay, '/v1/sources');
    expect(sources.find((one: { source: string }) => one.source === 'secure').signals).toBeGreaterThan(0);
  });

  test.each([
    ['forged', { forged: true }, 401],
    ['expired', { claims: { exp: 1_700_000_000 } }, 401],
    ['endless', { without: ['exp'] }, 401],
    ['of another issuer', { claims: { iss: 'https://sts.windows.net/x/' } }, 401],
    ['for another audience', { claims: { aud: 'api://other' } }, 401],
    ['of another tenant', { claims: { tid: 'other' } }, 403],
    ['of another application', { claims: { appid: 'other' } }, 403],
    ['without the role', { without: ['roles'] }, 403],
  ] as [string, TokenOptions, number][])(
    'with a token that is %s is refused, and not told why',
    async (_, options, status) => {
      const answer = await signed(options);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.text).detail).toBe('the token is not accepted');
    },
  );

  test('without a signature, or with the public key as its secret, is refused', async () => {
    expect((await post(entra.unsigned())).status).toBe(401);
    expect((await post(await entra.confused())).status).toBe(401);
  });

  test('does not shut out senders with a token of the config', async () => {
    expect((await post(TOKEN)).status).toBe(202);
    expect((await post('another-token-0000001')).status).toBe(401);
  });

  test('opens the receivers and nothing else', async () => {
    const token = await entra.token();
    const answer = await fetch(`${relay.url}/v1/incidents`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(401);
    expect((await post(API_TOKEN)).status).toBe(401);
  });
});
