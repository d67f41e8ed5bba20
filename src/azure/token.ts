/** Who we are to Azure: managed identity or whatever else the default chain finds; loaded only on first use (65 MB, azure-local 7). */
import type { TokenCredential } from '@azure/identity';
import type { AzureConfig } from '#src/config/types.ts';

export interface TokenSource {
  /** A bearer token for the scope of this source. Rejects in words when there is none. */
  get(): Promise<string>;
  /** Azure has refused the token: the next one is asked for anew. */
  forget(): void;
}

/** A token is not used in its last minutes: a round of calls takes some. */
const MARGIN_MS = 5 * 60_000;

/** Tokens for the identity of the config, kept until shortly before they end. `scope`: Azure Resource Manager unless given. */
export function createTokenSource(
  azure: AzureConfig,
  credentialOf: (azure: AzureConfig) => Promise<TokenCredential> = defaultCredential,
  scope: string = `${azure.armUrl}/.default`,
): TokenSource {
  const { accessToken } = azure;
  if (accessToken !== null) return { get: () => Promise.resolve(accessToken), forget: () => undefined };
  let credential: Promise<TokenCredential> | null = null;
  let known: { token: string; untilMs: number } | null = null;
  return {
    async get() {
      if (known && known.untilMs - MARGIN_MS > Date.now()) return known.token;
      credential ??= credentialOf(azure);
      const access = await (await credential).getToken(scope);
      if (access === null) throw new Error(`the identity gave no token for ${scope}`);
      known = { token: access.token, untilMs: access.expiresOnTimestamp };
      return known.token;
    },
    forget: () => void (known = null),
  };
}

async function defaultCredential({ clientId, tenant }: AzureConfig): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential({
    ...(clientId === null ? {} : { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
    ...(tenant === null ? {} : { tenantId: tenant }),
  });
}
