/**
 * The coverage audit on a schedule: by one replica at a time, shared through the database. It only reads Azure and tells;
 * nothing of a notification depends on it.
 */
import type { Pool } from 'pg';
import { openSession, type HeldOff } from '#src/azure/session.ts';
import type { TokenSource } from '#src/azure/token.ts';
import type { RelayConfig } from '#src/config/types.ts';
import type { Outcome } from '#src/core/adapter.ts';
import type { Audit } from '#src/core/coverage.ts';
import { safeLine } from '#src/core/safe.ts';
import { loadCoverage, noteCoverageFault } from '#src/db/coverage.ts';
import { aloneAmongReplicas } from '#src/db/gaps.ts';
import type { HttpClient } from '#src/http/client.ts';
import type { CallAdapter } from '../lane-calls.ts';
import { createRounds } from '../rounds.ts';
import { auditCoverage } from './audit.ts';
import { sendSummary } from './summary.ts';
import { viewOf, type CoverageView } from './view.ts';

export interface CoverageOptions {
  pool: Pool;
  config: () => RelayConfig;
  http: () => HttpClient;
  token: () => TokenSource;
  /** Null where this process calls no vendor: then others send the summary. */
  call: CallAdapter | null;
  onCall: (outcome: string) => void;
  /** Who wants to be left alone; one for all of the process. */
  heldOff?: HeldOff;
  onError: (error: Error, context: Record<string, unknown>) => void;
  onAudit: (audit: Audit, calls: number) => void;
  onSummary: (week: string, outcome: Outcome) => void;
  now: () => Date;
  times?: Partial<CoverageTimes>;
}

export interface CoverageTimes {
  /** Between looks at what other processes have found, milliseconds. */
  lookMs: number;
  /** After an audit that failed. */
  againMs: number;
}

export interface CoverageKeeper {
  start(): void;
  stop(): Promise<void>;
  /** Null where no coverage is configured. */
  view(): CoverageView | null;
  /** One look: takes over what another process found, audits where that is due, sends the summary where that is due. */
  refresh(): Promise<void>;
}

const TIMES: CoverageTimes = { lookMs: 15_000, againMs: 5 * 60_000 };
/** Rules, groups and subscriptions are some pages; the rest is for diagnostic settings, one call per uncovered subscription. */
const CALLS_MAX = 1_000;
const LOCK = 'relay coverage';
const NOTHING: Omit<CoverageView, 'unknown'> = { audit: null, takenAt: null, triedAt: null, fault: null };

/** Nothing runs before `start`. */
export function createCoverageKeeper(options: CoverageOptions): CoverageKeeper {
  const { lookMs, againMs } = { ...TIMES, ...options.times };
  const rounds = createRounds(refresh, lookMs);
  let known = NOTHING;
  let version: number | null = null;

  async function takeOver(): Promise<void> {
    const stored = await loadCoverage(options.pool, version);
    if (stored === null) return;
    const { takenAt, triedAt, fault, data } = stored;
    known = stored.version === 0 ? { ...NOTHING, triedAt, fault } : { ...known, takenAt, triedAt, fault };
    if (data === null) return;
    known = { ...known, audit: data };
    version = stored.version;
  }

  function isDue(everyMs: number): boolean {
    const { takenAt, triedAt, fault } = known;
    if (triedAt === null) return true;
    const sinceMs = (at: string): number => options.now().getTime() - Date.parse(at);
    if (fault !== null) return sinceMs(triedAt) >= Math.min(againMs, everyMs);
    return takenAt === null || sinceMs(takenAt) >= everyMs;
  }

  async function audit(everyMs: number): Promise<void> {
    await takeOver();
    if (!isDue(everyMs)) return;
    await aloneAmongReplicas(options.pool, LOCK, async () => {
      // Another replica may have done it between our look and the lock.
      await takeOver();
      if (isDue(everyMs)) await auditNow();
    });
    await takeOver();
  }

  async function auditNow(): Promise<void> {
    const config = options.config();
    const { azure } = config;
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
      const done = await auditCoverage(session, {
        pool: options.pool,
        config: { ...config, azure },
        signal: rounds.signal,
      });
      options.onAudit(done, session.calls);
    } catch (error) {
      if (rounds.signal.aborted) return;
      options.onError(error as Error, { what: 'coverage' });
      await noteCoverageFault(options.pool, safeLine((error as Error).message, 300));
    }
  }

  async function summarise(): Promise<void> {
    const { call, pool } = options;
    const found = view();
    if (call === null || found === null) return;
    const now = options.now();
    const sent = await sendSummary({ pool, config: options.config(), view: found, call, signal: rounds.signal, now });
    if (sent) options.onSummary(sent.week, sent.outcome);
  }

  function view(): CoverageView | null {
    const { coverage } = options.config();
    return coverage === null ? null : viewOf(known, coverage, options.now());
  }

  async function refresh(): Promise<void> {
    const { coverage } = options.config();
    if (coverage === null) return;
    for (const work of [() => audit(coverage.everyMs), summarise]) {
      try {
        await work();
      } catch (error) {
        if (!rounds.signal.aborted) options.onError(error as Error, { what: 'coverage' });
      }
    }
  }

  return {
    start: () => rounds.start(),
    stop: () => rounds.stop(),
    view,
    refresh,
  };
}
