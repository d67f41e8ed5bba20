import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entraVerifier, isJwt, tokenIssuers, type EntraVerdict } from '#src/receivers/verify/entra.ts';
import { AUDIENCE, CALLER, EntraServer, TENANT, type TokenOptions } from '#test/support/azure/entra.ts';

const OTHER = '99999999-9999-4999-8999-999999999999';
const NOW_S = Math.floor(Date.now() / 1000);
let entra: EntraServer;

beforeAll(async () => {
  entra = await new EntraServer().start();
});
afterAll(() => entra.stop());
beforeEach(() => void (entra.fault = null));

async function judge(options: TokenOptions): Promise<EntraVerdict> {
  return entraVerifier(entra.config())(await entra.token(options));
}

describe('a token of our tenant, made for us and sent by action groups', () => {
  const v2 = (): Record<string, unknown> => ({
    iss: `${entra.authority}/${TENANT}/v2.0`,
    ver: '2.0',
    azp: CALLER,
  });
  test('is taken in version 1', async () => {
    expect(await judge({})).toMatchObject({ ok: true, claims: { tid: TENANT } });
  });
  test('is taken in version 2, which names the application in azp', async () => {
    expect(await judge({ claims: v2(), without: ['appid'] })).toMatchObject({ ok: true });
  });
  test('is taken with any of several audiences', async () => {
    const verify = entraVerifier(entra.config({ audience: ['api://other', AUDIENCE] }));
    expect(await verify(await entra.token())).toMatchObject({ ok: true });
  });
  test('is taken 30 s after its end: clocks differ', async () => {
    expect(await judge({ claims: { exp: NOW_S - 30 } })).toMatchObject({ ok: true });
  });
  test('needs no role where none is configured', async () => {
    const verify = entraVerifier(entra.config({ role: null }));
    expect(await verify(await entra.token({ without: ['roles'] }))).toMatchObject({ ok: true });
  });
  test('is taken where the tenant is configured in capitals', async () => {
    const verify = entraVerifier(entra.config({ tenant: TENANT.toUpperCase() }));
    expect(await verify(await entra.token())).toMatchObject({ ok: true });
  });
  test.each([
    ['https://login.microsoftonline.com', 'https://sts.windows.net'],
    ['https://login.microsoftonline.us', 'https://sts.windows.net'],
    ['https://login.partner.microsoftonline.cn', 'https://sts.chinacloudapi.cn'],
  ])('comes from the issuers of its cloud: %s', (authority, v1) => {
    expect(tokenIssuers({ tenant: 'ABC', authority })).toEqual([`${v1}/abc/`, `${authority}/abc/v2.0`]);
  });
});

describe('is refused with 401, for its maker is not known', () => {
  const cases: [string, TokenOptions][] = [
    ['signed with another key under a known name', { forged: true }],
    ['expired beyond the tolerance', { claims: { exp: NOW_S - 120 } }],
    ['without an end', { without: ['exp'] }],
    ['not valid yet', { claims: { nbf: NOW_S + 600 } }],
    ['of another issuer', { claims: { iss: `https://sts.windows.net/${OTHER}/` } }],
    ['of an issuer that only begins like ours', { claims: { iss: `https://sts.windows.net/${TENANT}/x` } }],
    ['without an issuer', { without: ['iss'] }],
    ['for another audience', { claims: { aud: 'api://somebody-else' } }],
    ['without an audience', { without: ['aud'] }],
    ['without a tenant', { without: ['tid'] }],
  ];
  test.each(cases)('a token %s', async (_, options) => {
    const verdict = await judge(options);
    expect(verdict).toMatchObject({ ok: false, status: 401 });
    expect(verdict.ok ? '' : verdict.reason).not.toBe('');
  });
  test('a token without a signature', async () => {
    expect(isJwt(entra.unsigned())).toBe(true);
    expect(await entraVerifier(entra.config())(entra.unsigned())).toMatchObject({ ok: false, status: 401 });
  });
  test('a token that takes the public key for a shared secret', async () => {
    expect(await entraVerifier(entra.config())(await entra.confused())).toMatchObject({ ok: false, status: 401 });
  });
  test.each(['a.b.c', 'e30.e30.e30', '..', 'ab.', 'eyJhbGciOiJSUzI1NiJ9.e30.AA'])('the nonsense %s', async (text) => {
    expect(await entraVerifier(entra.config())(text)).toMatchObject({ ok: false, status: 401 });
  });
});

describe('is refused with 403, for it is somebody else', () => {
  const cases: [string, TokenOptions, string][] = [
    ['of another tenant', { claims: { tid: OTHER } }, 'wrong tenant'],
    ['of another application', { claims: { appid: OTHER } }, 'wrong calling application'],
    ['of no application', { without: ['appid'] }, 'wrong calling application'],
    ['without the role', { claims: { roles: ['Reader'] } }, 'role missing'],
    ['without any role', { without: ['roles'] }, 'role missing'],
    ['with the role as a bare text', { claims: { roles: 'xActionGroupsSecureWebhookx' } }, 'role missing'],
  ];
  test.each(cases)('a token %s', async (_, options, reason) => {
    expect(await judge(options)).toEqual({ ok: false, status: 403, reason });
  });
});

describe('the keys', () => {
  test('are fetched once for many tokens, and unknown names do not make us ask again', async () => {
    const verify = entraVerifier(entra.config());
    const before = entra.asked;
    const token = await entra.token();
    await Promise.all(Array.from({ length: 50 }, () => verify(token)));
    for (let i = 0; i < 20; i++) await verify((await entra.token()).replace(/^[^.]+/, header(`made-up-${i}`)));
    expect(entra.asked - before).toBe(1);
  });

  test.each(['hang', 'error', 'html'] as const)(
    'that cannot be read (%s) are our trouble and not the sender’s: 503, and 200 once they are back',
    async (fault) => {
      entra.fault = fault;
      const verify = entraVerifier(entra.config());
      const started = Date.now();
      expect(await verify(await entra.token())).toMatchObject({ ok: false, status: 503 });
      expect(Date.now() - started).toBeLessThan(4500);
      entra.fault = null;
      expect(await verify(await entra.token())).toMatchObject({ ok: true });
    },
  );

  test('known ones are enough while their endpoint is away', async () => {
    const verify = entraVerifier(entra.config());
    expect(await verify(await entra.token())).toMatchObject({ ok: true });
    entra.fault = 'error';
    expect(await verify(await entra.token())).toMatchObject({ ok: true });
  });

  test('stay cached as long as the config stays the same', () => {
    const config = entra.config();
    expect(entraVerifier(config)).toBe(entraVerifier(config));
    expect(entraVerifier(entra.config())).not.toBe(entraVerifier(config));
  });
});

function header(kid: string): string {
  return Buffer.from(JSON.stringify({ alg: 'RS256', kid })).toString('base64url');
}
