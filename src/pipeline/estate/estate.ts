/**
 * The estate of this process: read from Azure by one replica at a time and shared through the database, or read from a
 * file. Failing never delays or silences: what is unknown or stale decides nothing (design 3.7).
 */
import type { Pool } from 'pg';
import { readEstate } from '#src/azure/estate-read.ts';
import { openSession, type HeldOff } from '#src/azure/session.ts';
import type { TokenSource } from '#src/azure/token.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { indexEstate, type EstateIndex } from '#src/core/estate.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import { loadEstate, noteEstateFault, saveEstate } from '#src/db/estate.ts';
import { aloneAmongReplicas } from '#src/db/gaps.ts';
import type { HttpClient } from '#src/http/client.ts';
import { createRounds } from '../rounds.ts';
import { readEstateFile } from './file.ts';

export interface EstateOptions {
  pool: Pool;
  config: () => RelayConfig;
  http: () => HttpClient;
  token: () => TokenSource;
  onCall: (outcome: string) => void;
  /** Who wants to be left alone; one for all of the process. */
  heldOff?: HeldOff;
  onError: (error: Error, context: Record<string, unknown>) => void;
  /** What is known has changed. */
  onChanged: () => Promise<void>;
  now: () => Date;
}

export interface EstateKeeper {
  start(): void;
  stop(): Promise<void>;
  /** What is known now; cheap. */
  view: () => EstateView;
  /** One look: takes over what another process read, and reads anew where that is due. */
  refresh(): Promise<void>;
  /** Why the last reading failed, or null. */
  readonly fault: string | null;
}

/** Other processes' readings are taken over this fast. */
const LOOK_MS = 15_000;
/** A reading that failed is tried again no sooner. */
const AGAIN_MS = 60_000;
/** An estate that was there and is gone is believed after this, where the config names no other time. */
const GONE_AFTER_MS = 24 * 3_600_000;
/** 50,000 registries and clusters are 50 pages. */
const CALLS_MAX = 200;
const LOCK = 'relay estate';
const NOT_CONFIGURED = 'no estate is configured';

/** Nothing runs before `start`. */
export function createEstateKeeper(options: EstateOptions): EstateKeeper {
  const rounds = createRounds(refresh, LOOK_MS);
  let index: EstateIndex | null = null;
  let takenAt: string | null = null;
  let version: number | null = null;
  let fault: string | null = null;

  function view(): EstateView {
    const { estate } = options.config();
    if (estate === null) return { index: null, takenAt: null, unknown: NOT_CONFIGURED };
    if (index === null || takenAt === null)
      return {
        index: null,
        takenAt: null,
        unknown: `the estate has not been read yet${fault === null ? '' : ` (${fault})`}`,
      };
    const ageMs = options.now().getTime() - Date.parse(takenAt);
    const stale = estate.staleAfterMs !== null && ageMs > estate.staleAfterMs;
    const unknown = stale ? `the estate is stale: last read ${takenAt.slice(0, 16).replace('T', ' ')}Z` : null;
    return { index, takenAt, unknown };
  }

  async function fromFile(file: string): Promise<void> {
    const read = await readEstateFile(file);
    const changed = index === null || JSON.stringify(index.estate) !== JSON.stringify(read.estate);
    takenAt = read.takenAt;
    version = null;
    fault = null;
    if (!changed) return;
    index = indexEstate(read.estate);
    await options.onChanged();
  }

  async function fromAzure(everyMs: number): Promise<void> {
    await takeOver();
    const dueMs = takenAt === null || index === null ? 0 : Date.parse(takenAt) + everyMs;
    if (options.now().getTime() < dueMs) return;
    await aloneAmongReplicas(options.pool, LOCK, async () => {
      const stored = await loadEstate(options.pool, version);
      // Another replica may just have read it, or just have failed to.
      const again =
        stored === null || (stored.fault === null ? stored.takenAt === takenAt : older(stored.triedAt, AGAIN_MS));
      if (again) await readAnew();
    });
    await takeOver();
  }

  async function readAnew(): Promise<void> {
    const { azure } = options.config();
    if (azure === null) return;
    const session = openSession({
      armUrl: azure.armUrl,
      http: options.http(),
      token: options.token(),
      callsMax: CALLS_MAX,
      signal: rounds.signal,
      onCall: options.onCall,
      heldOff: options.heldOff,
    });
    try {
      const read = await readEstate(session, {
        subscriptions: azure.subscriptions === 'all' ? null : azure.subscriptions,
      });
      // Nothing at all, not even a subscription, is a missing role and no empty estate.
      if (read.resources.length + read.subscriptions.length === 0) throw new Error('the identity sees no subscription');
      // Neither is, at first, one of which all has gone: every outage would hit nothing, and its owners hear of none.
      const had = index?.estate.resources.length ?? 0;
      const goneMs = options.config().estate?.staleAfterMs ?? GONE_AFTER_MS;
      if (read.resources.length === 0 && had > 0 && takenAt !== null && !older(takenAt, goneMs))
        throw new Error(`Azure lists none of the ${had} registries and clusters of before: a missing role?`);
      await saveEstate(options.pool, read);
    } catch (error) {
      if (rounds.signal.aborted) return;
      options.onError(error as Error, { what: 'estate' });
      await noteEstateFault(options.pool, (error as Error).message.slice(0, 300));
    }
  }

  async function takeOver(): Promise<void> {
    const stored = await loadEstate(options.pool, version);
    fault = stored?.fault ?? null;
    if (!stored || stored.version === 0) return;
    takenAt = stored.takenAt;
    if (stored.data === null) return;
    index = indexEstate(stored.data);
    version = stored.version;
    await options.onChanged();
  }

  function older(at: string, ms: number): boolean {
    return options.now().getTime() - Date.parse(at) > ms;
  }

  async function refresh(): Promise<void> {
    const { estate, azure } = options.config();
    if (estate === null) return;
    try {
      if (estate.file !== null) await fromFile(estate.file);
      else if (azure !== null) await fromAzure(estate.everyMs);
    } catch (error) {
      if (rounds.signal.aborted) return;
      fault = (error as Error).message;
      options.onError(error as Error, { what: 'estate' });
    }
  }

  return {
    start: () => rounds.start(),
    stop: () => rounds.stop(),
    view,
    refresh,
    get fault() {
      return fault;
    },
  };
}
