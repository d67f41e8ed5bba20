/** How the email adapter signs in, and what it never sends without encryption, on real servers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { email } from '#adapters/email/index.ts';
import { closeTransports } from '#adapters/email/transport.ts';
import { emailSettings, type EmailSettings } from '#adapters/email/settings.ts';
import type { DeliverContext } from '#src/core/adapter.ts';
import { makeContext, makeStep } from '#test/support/steps.ts';
import { SmtpStandIn } from '#test/support/vendors/smtp.ts';
import { VendorServer } from '#test/support/vendors/vendor-server.ts';

let server: SmtpStandIn;
let settings: EmailSettings;
beforeEach(async () => {
  server = await new SmtpStandIn().start();
  const [from, to] = ['relay@contoso.example', ['sre@contoso.example']];
  settings = emailSettings.parse({ smtpUrl: server.smtpUrl, from, to });
});
afterEach(async () => {
  closeTransports();
  await server.stop();
});

const deliver = (
  overrides: Parameters<typeof makeStep>[0] = {},
  context: Partial<DeliverContext<EmailSettings>> = {},
) => email.deliver(makeStep(overrides), makeContext({ settings, ...context }));

describe('encryption', () => {
  /** Egress rules that permit the address, but not without TLS. */
  const demanding = {
    resolveHost: async (_host: string, { tls }: { tls: boolean }) => {
      if (!tls) throw new Error('mail.example would be called without TLS');
      return '127.0.0.1';
    },
  };

  it('is demanded where egress does not permit plain text: no password goes to a server without it', async () => {
    expect(await deliver({}, demanding)).toMatchObject({ outcome: 'retryable', reason: 'tls' });
    expect(server.logins).toEqual([]);
  });

  it.each([{ startTls: true }, { secure: true }])(
    'is checked against the name: nothing goes to %o with an unknown certificate',
    async (options) => {
      const other = await new SmtpStandIn(options).start();
      settings = { ...settings, smtpUrl: other.smtpUrl };
      expect(await deliver({}, demanding)).toMatchObject({ outcome: 'retryable', reason: 'tls' });
      expect(other.logins).toEqual([]);
      await other.stop();
    },
  );

  it('is used where offered, even to a host that may do without', async () => {
    const other = await new SmtpStandIn({ startTls: true }).start();
    settings = { ...settings, smtpUrl: other.smtpUrl };
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    expect(other.mails).toMatchObject([{ secure: true }]);
    closeTransports();
    await other.stop();
  });

  it('a host that egress refuses altogether is permanent, a name server that is away is not', async () => {
    const refuse = (error: Error) => ({ resolveHost: () => Promise.reject(error) });
    const rule = new Error('mail.example resolves to 10.0.0.1, which is private');
    expect(await deliver({}, refuse(rule))).toMatchObject({
      outcome: 'permanent',
      reason: 'egress',
      detail: rule.message,
    });
    const away = Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' });
    expect(await deliver({}, refuse(away))).toMatchObject({ outcome: 'retryable', reason: 'dns' });
    expect(server.connections).toBe(0);
  });
});

describe('XOAUTH2', () => {
  const auth = {
    type: 'oauth2',
    user: 'relay@contoso.example',
    clientId: 'app',
    clientSecret: 'client-secret',
  } as const;

  it('signs in with a token from the endpoint, kept until it ends', async () => {
    server.token = 'token-one';
    const endpoint = await new VendorServer(() => ({
      status: 200,
      body: { access_token: server.token, expires_in: 3_600 },
    })).start();
    settings = emailSettings.parse({ ...settings, smtpUrl: server.url, auth: { ...auth, accessUrl: endpoint.url } });
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    expect(endpoint.requests).toHaveLength(1);
    expect(endpoint.requests[0]?.body).toContain('grant_type=client_credentials');
    expect(server.logins).toEqual([{ method: 'XOAUTH2', token: 'token-one' }]);
    await endpoint.stop();
  });

  it('says so when the endpoint refuses, and sends nothing', async () => {
    const endpoint = await new VendorServer(() => ({ status: 401, body: { error: 'invalid_client' } })).start();
    settings = emailSettings.parse({ ...settings, smtpUrl: server.url, auth: { ...auth, accessUrl: endpoint.url } });
    expect(await deliver()).toMatchObject({ outcome: 'permanent', reason: 'unauthorized' });
    expect(server.connections).toBe(0);
    await endpoint.stop();
  });

  it('gets a new token after a kept one was revoked, and gives up on a fresh one that does not work', async () => {
    const tokens = ['first-token', 'second-token', 'third-token'];
    const endpoint = await new VendorServer(() => ({ status: 200, body: { access_token: tokens.shift() } })).start();
    settings = emailSettings.parse({
      ...settings,
      smtpUrl: server.url,
      auth: { ...auth, refreshToken: 'refresh-token', accessUrl: endpoint.url },
    });
    server.token = 'first-token';
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    closeTransports();
    server.token = 'third-token';
    expect(await deliver()).toMatchObject({ outcome: 'retryable', reason: 'unauthorized' });
    expect(await deliver()).toMatchObject({ outcome: 'permanent', reason: 'unauthorized' });
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    expect(endpoint.requests[0]?.body).toContain('refresh_token=refresh-token');
    await endpoint.stop();
  });
});
