/**
 * A token that is always there: asked for at the start, renewed well before it ends, tried again when Azure has none.
 * For stores that take a token in place of a password.
 */
import type { TokenCredential } from '@azure/identity';
import { within } from '#src/within.ts';

export interface TokenKeeperOptions {
  /** `Postgres` or `Redis`: stands in messages. */
  store: string;
  scope: string;
  /** Who we are to Azure; loaded on first use. */
  credential: () => Promise<TokenCredential>;
  onError: (error: Error) => void;
}

export interface TokenKeeper {
  /** A token that holds for some seconds more at least. Rejects with {@link TokenError} when Azure gives none. */
  get(): Promise<string>;
  /** The newest token, null where there is none or it has ended. */
  current(): string | null;
  /** Calls back after each renewal; what it returns ends that. */
  onRenewed(listener: () => void): () => void;
  /** Why the last try failed and how long the token in use still holds; null while all is well. */
  fault(): string | null;
  /** Begins to renew. Resolves after the first try, whatever came of it. */
  start(): Promise<void>;
  stop(): void;
}

/** Azure gave no token. Counts as "the store is away", never as a fault of the data. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code = 'ENOTOKEN';
}

/**
 * A token lives 60 to 90 minutes, that of a managed identity up to 24 hours. The identity library hands out the one it
 * has until five minutes before its end (azure-local 7), so from ten minutes on we ask, at half the rest each time.
 */
const MARGIN_MS = 10 * 60_000;
const ASK_MS = 20_000;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** A token is not shown to a store in its last seconds: connecting takes some. */
const REST_MS = 2_000;

/** Makes a keeper that does nothing yet; `get` alone works without `start`. */
export function createTokenKeeper(options: TokenKeeperOptions): TokenKeeper {
  const listeners = new Set<() => void>();
  let known: { token: string; untilMs: number } | null = null;
  let asking: Promise<string> | null = null;
  let failure: string | null = null;
  let failures = 0;
  let started = false;
  let timer: NodeJS.Timeout | undefined;

  const leftMs = (): number => (known === null ? 0 : known.untilMs - Date.now());

  function ask(): Promise<string> {
    asking ??= fresh().finally(() => (asking = null));
    return asking;
  }

  async function fresh(): Promise<string> {
    clearTimeout(timer);
    try {
      const { token, expiresOnTimestamp } = await withinLimit(fetchToken());
      const renewed = known?.token !== token;
      known = { token, untilMs: expiresOnTimestamp };
      failure = null;
      failures = 0;
      const restMs = leftMs();
      again(Math.max(RETRY_MS, restMs - Math.min(MARGIN_MS, restMs / 2)));
      if (renewed) for (const listener of listeners) listener();
      return token;
    } catch (error) {
      const wrapped = new TokenError(`no Entra token for ${options.store}: ${firstReason(error as Error)}`);
      failure = wrapped.message;
      again(Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** failures++));
      options.onError(wrapped);
      throw wrapped;
    }
  }

  async function fetchToken(): Promise<{ token: string; expiresOnTimestamp: number }> {
    const credential = await options.credential();
    const access = await credential.getToken(options.scope, { abortSignal: AbortSignal.timeout(ASK_MS) });
    if (access === null) throw new Error('the identity gave none');
    return access;
  }

  function again(delayMs: number): void {
    if (started) timer = setTimeout(() => void ask().catch(() => undefined), delayMs).unref();
  }

  return {
    async get() {
      return known !== null && leftMs() > REST_MS ? known.token : ask();
    },
    current: () => (known !== null && leftMs() > 0 ? known.token : null),
    onRenewed(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    fault() {
      if (failure === null) return null;
      return leftMs() > 0 ? `${failure}; the one in use ends at ${new Date(known!.untilMs).toISOString()}` : failure;
    },
    async start() {
      started = true;
      await ask().catch(() => undefined);
    },
    stop() {
      started = false;
      clearTimeout(timer);
    },
  };
}

/** The library may ignore its abort signal while it waits for an address that does not answer. */
function withinLimit<T>(work: Promise<T>): Promise<T> {
  return within(work, ASK_MS, () => new Error(`no answer within ${ASK_MS / 1000} s`));
}

/**
 * The chain of the identity library lists one reason per kind of identity. That of the managed identity is the one that
 * matters on Azure; the others only say that they are not set up.
 */
function firstReason(error: Error): string {
  const lines = error.message.split('\n').map((line) => line.trim());
  const line = lines.find((one) => /ManagedIdentity|managed_identity/i.test(one)) ?? lines[0] ?? '';
  return line.replace(/^[\s\-*]+/, '').slice(0, 300);
}
