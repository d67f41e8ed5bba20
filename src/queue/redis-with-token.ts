/**
 * Redis connections that sign in with a token: a new connection takes the newest one, a living one shows each new token
 * before the old one ends, since Azure cuts connections whose token has run out. Whatever BullMQ duplicates from such a
 * connection, its blocking one included, does the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';

/** The part of a token keeper that is needed here. */
export interface RedisTokens {
  /** Null: there is none, or it has ended. */
  current(): string | null;
  onRenewed(listener: () => void): () => void;
}

/** Between tries to show a token that Redis has refused; the old one holds for minutes still. */
const AGAIN_MS = 5_000;

/** Opens a connection; the URL names the user, with Azure the object id of the identity. */
export function openRedis(
  url: string,
  options: RedisOptions,
  { tokens, onError }: { tokens: RedisTokens; onError: (error: Error) => void },
): Redis {
  return follow(new Redis(url, { ...options, lazyConnect: true }), { tokens, onError });
}

function follow(redis: Redis, { tokens, onError }: { tokens: RedisTokens; onError: (error: Error) => void }): Redis {
  let shown: string | null = null;
  let showing = false;
  let end: () => void = () => undefined;

  // ioredis 6 reads the option at each connect (Redis.js, _connect), so a reconnect signs in with the newest token.
  Object.defineProperty(redis.options, 'password', {
    get: () => tokens.current() ?? '',
    // Whoever sets it sets nothing: there is no password but the token.
    set() {},
    enumerable: true,
    configurable: true,
  });

  /** On a connection that waits in a blocking command Redis gets to it when that ends: 10 s at most with BullMQ. */
  async function show(): Promise<void> {
    if (showing) return;
    showing = true;
    for (let token = tokens.current(); redis.status === 'ready' && token !== null && token !== shown;) {
      try {
        await redis.auth(redis.options.username ?? 'default', token);
        shown = token;
      } catch (error) {
        onError(new Error(`Redis refused a renewed token: ${(error as Error).message}`));
        await sleep(AGAIN_MS, undefined, { ref: false });
      }
      token = tokens.current();
    }
    showing = false;
  }

  // Comes before anything else can run after the option was read.
  redis.on('connecting', () => void (shown = tokens.current()));
  redis.on('ready', () => {
    end();
    end = tokens.onRenewed(() => void show());
    void show();
  });
  redis.on('close', () => end());
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => follow(duplicate({ ...override, lazyConnect: true }), { tokens, onError });
  void redis.connect().catch(() => undefined);
  return redis;
}
