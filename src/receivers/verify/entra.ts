/** Microsoft Entra tokens of secure webhooks and of Event Grid (azure-local 5): v1 and v2, for one tenant and one calling application. */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { EntraConfig } from '#src/config/types.ts';

/** Why a token is not taken. The reason is for the log only: a caller that forges tokens learns nothing. */
export type EntraVerdict =
  | { ok: true; claims: JWTPayload }
  /** 401: no valid token; 403: a valid token of somebody else; 503: the keys cannot be read, so the sender must come again. */
  | { ok: false; status: 401 | 403 | 503; reason: string };

export type EntraVerifier = (token: string) => Promise<EntraVerdict>;

/** Within the 5 s that a request may take (design 3.1), with time to store. */
const KEYS_TIMEOUT_MS = 3_000;
/** A token that names an unknown key makes us ask at most this often. */
const COOLDOWN_MS = 30_000;
/** Entra publishes a key well before it signs with it. */
const REFRESH_MS = 3_600_000;
/** Known keys stand in this long while their endpoint is away. */
const KEEP_MS = 24 * 3_600_000;
const CLOCK_TOLERANCE_S = 60;

/** China's v1 tokens have an issuer of their own; those of the other clouds share one. */
const V1_ISSUERS: Readonly<Record<string, string>> = {
  'login.partner.microsoftonline.cn': 'https://sts.chinacloudapi.cn',
  'login.chinacloudapi.cn': 'https://sts.chinacloudapi.cn',
};
const V1_ISSUER = 'https://sts.windows.net';

class KeysUnavailableError extends Error {}

const verifiers = new WeakMap<EntraConfig, EntraVerifier>();

/** The verifier of a config; the same config gives the same one, so that its keys stay cached. */
export function entraVerifier(config: EntraConfig): EntraVerifier {
  const known = verifiers.get(config) ?? createVerifier(config);
  verifiers.set(config, known);
  return known;
}

/** True for what looks like a signed token: three parts of base64url. */
export function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

/** Issuers of v1 and v2 tokens: the app registration decides which comes. */
export function tokenIssuers({ tenant, authority }: Pick<EntraConfig, 'tenant' | 'authority'>): string[] {
  const id = tenant.toLowerCase();
  return [`${V1_ISSUERS[new URL(authority).host] ?? V1_ISSUER}/${id}/`, `${authority}/${id}/v2.0`];
}

function createVerifier(config: EntraConfig): EntraVerifier {
  const tenant = config.tenant.toLowerCase();
  const issuer = tokenIssuers(config);
  const keys = keySource(new URL(`${config.authority}/${tenant}/discovery/v2.0/keys`));
  return async (token) => {
    let claims: JWTPayload;
    try {
      ({ payload: claims } = await jwtVerify(token, keys, {
        issuer,
        audience: [...config.audience],
        // Nothing but what Entra signs with: `none`, and HS256 with the public key as its secret, fail here.
        algorithms: ['RS256'],
        clockTolerance: CLOCK_TOLERANCE_S,
        // Without these jose takes a token that has no end.
        requiredClaims: ['exp', 'iss', 'aud', 'tid'],
      }));
    } catch (error) {
      const reason = describe(error);
      return { ok: false, status: error instanceof KeysUnavailableError ? 503 : 401, reason };
    }
    const reason = strangerReason(claims, config, tenant);
    return reason === null ? { ok: true, claims } : { ok: false, status: 403, reason };
  };
}

/** The checks that a valid token of somebody else fails. v1 names the application in `appid`, v2 in `azp`. */
function strangerReason(claims: JWTPayload, config: EntraConfig, tenant: string): string | null {
  const { tid, appid, azp, roles } = claims as Record<string, unknown>;
  if (String(tid).toLowerCase() !== tenant) return 'wrong tenant';
  if (String(appid ?? azp).toLowerCase() !== config.appId.toLowerCase()) return 'wrong calling application';
  if (config.role !== null && !(Array.isArray(roles) && roles.includes(config.role))) return 'role missing';
  return null;
}

/** Keys from the endpoint, cached; renewed in the background, so that no request waits and a short outage is not noticed. */
function keySource(url: URL): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: KEYS_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: KEEP_MS,
  });
  let askedAt = 0;
  return async (header, token) => {
    if (Date.now() - askedAt > REFRESH_MS) {
      askedAt = Date.now();
      if (remote.fresh) void remote.reload().catch(() => undefined);
    }
    try {
      return await remote(header, token);
    } catch (error) {
      // These speak of the token; anything else, of the endpoint and its answer.
      const isTokens =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported;
      if (isTokens) throw error;
      throw new KeysUnavailableError(`keys: ${describe(error)}`, { cause: error });
    }
  };
}

/** Code and words of an error; jose's words hold claim names, never values. */
function describe(error: unknown): string {
  const { code, message, cause } = error as { code?: string; message: string; cause?: { code?: string } };
  return [code ?? cause?.code, message]
    .filter((word) => word !== undefined)
    .join(': ')
    .slice(0, 200);
}
