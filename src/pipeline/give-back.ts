/**
 * Claims that this process holds and does not work on: their outcome could not be written, or nobody knows whether the
 * claim was. The process lives on and its lease with it, so nobody else would ever take them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { letGo } from '#src/db/deliveries.ts';

export interface GiveBackOptions {
  pool: Pool;
  holder: string;
  stopping(): boolean;
  onError(error: Error, context: Record<string, unknown>): void;
}

export interface Claimed {
  id: string;
  fence: number;
}

export interface GiveBack {
  /** A call of ours is under way for it until `ended`. */
  began(claimed: Claimed): void;
  ended(claimed: Claimed): void;
  /** Lets go; the next try is `delayMs` away. Tries until the store answers or the process ends. */
  now(claimed: Claimed, delayMs: number): Promise<void>;
  /** The claim itself was not answered: lets go of what it may have taken, now and once it can no longer take anything. */
  perhaps(claims: readonly Claimed[]): void;
}

/** Postgres is away, as a rule; the lease may be over by then, and another has taken it. */
const AGAIN_MS = 1_000;
/** A little more than a statement of the lanes may take (db/pools.ts): after that no claim can come true any more. */
const CLAIM_MAX_MS = 16_000;

/** For one lane. */
export function createGiveBack(options: GiveBackOptions): GiveBack {
  const working = new Set<string>();
  const keyOf = ({ id, fence }: Claimed): string => `${id} ${fence}`;

  async function now(claimed: Claimed, delayMs: number): Promise<void> {
    while (!options.stopping() && !working.has(keyOf(claimed))) {
      try {
        return await letGo(options.pool, { ...claimed, holder: options.holder, delayMs });
      } catch (error) {
        options.onError(error as Error, { what: 'let go', delivery: claimed.id });
        await sleep(AGAIN_MS);
      }
    }
  }

  async function perhaps(claims: readonly Claimed[]): Promise<void> {
    for (const claimed of claims) await now(claimed, 0);
    await sleep(CLAIM_MAX_MS, undefined, { ref: false });
    for (const claimed of claims) await now(claimed, 0);
  }

  return {
    began: (claimed) => void working.add(keyOf(claimed)),
    ended: (claimed) => void working.delete(keyOf(claimed)),
    now,
    perhaps: (claims) => void perhaps(claims),
  };
}
