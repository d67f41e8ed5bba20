/** Entra tokens in place of passwords for Postgres and Redis, where the environment asks for them. */
import type { TokenCredential } from '@azure/identity';
import type { Environment } from '#src/config/env.ts';
import { createTokenKeeper, type TokenKeeper } from './token-keeper.ts';

/** What the two services want to see as the audience of a token (Microsoft's pages on Entra sign-in of each). */
const POSTGRES_SCOPE = 'https://ossrdbms-aad.database.windows.net/.default';
const REDIS_SCOPE = 'https://redis.azure.com/.default';

export interface StoreTokens {
  /** Null: the URL brings a password, or the store needs none. */
  postgres: TokenKeeper | null;
  redis: TokenKeeper | null;
  /** To spread into the address of Postgres: a password that is a token, or nothing. */
  password: { password?: () => Promise<string> };
  /** For `/readyz`: what is missing, and why. Empty while all is well. */
  parts(): { name: string; status: 'degraded'; detail: string }[];
  /** Asks for the first tokens and renews them from then on. Waits for the answer, at most some seconds; never rejects. */
  start(): Promise<void>;
  stop(): void;
}

/** The start of the relay waits no longer for the first answer: connections come by themselves once there is a token. */
const START_MS = 5_000;

/** Loads nothing and asks nobody before `start`, or a first `get`. `credentialOf` replaces the default chain of Azure. */
export function createStoreTokens(
  env: Pick<Environment, 'databaseAuth' | 'redisAuth'>,
  onError: (error: Error, context: Record<string, unknown>) => void,
  { credentialOf = defaultCredential }: { credentialOf?: () => Promise<TokenCredential> } = {},
): StoreTokens {
  let loaded: Promise<TokenCredential> | null = null;
  const credential = (): Promise<TokenCredential> => (loaded ??= credentialOf());
  const keeper = (store: string, scope: string): TokenKeeper =>
    createTokenKeeper({ store, scope, credential, onError: (error) => onError(error, { part: 'token', store }) });
  const postgres = env.databaseAuth === 'entra' ? keeper('Postgres', POSTGRES_SCOPE) : null;
  const redis = env.redisAuth === 'entra' ? keeper('Redis', REDIS_SCOPE) : null;
  const named = Object.entries({ 'postgres token': postgres, 'redis token': redis });
  return {
    postgres,
    redis,
    password: postgres === null ? {} : { password: () => postgres.get() },
    parts: () =>
      named.flatMap(([name, one]) => {
        const detail = one?.fault() ?? null;
        return detail === null ? [] : [{ name, status: 'degraded' as const, detail }];
      }),
    async start() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, START_MS).unref());
      await Promise.race([late, Promise.all(named.flatMap(([, one]) => (one === null ? [] : [one.start()])))]);
    },
    stop() {
      for (const [, one] of named) one?.stop();
    },
  };
}

/** `AZURE_CLIENT_ID` says which user-assigned identity is meant; the library reads it itself. */
async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  // We try again ourselves; the library's own repeats would keep the reason back for half a minute.
  return new DefaultAzureCredential({ retryOptions: { maxRetries: 1, retryDelayInMs: 500 } });
}
