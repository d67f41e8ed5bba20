/**
 * Did it hit us? Looks at every active Service Health incident that meets resources of ours, at first and every few
 * minutes, each by one replica at a time (a lease by the database's clock). Runs beside everything else: no page waits for it, and none is held back by it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createBudget, type CallBudget } from '#src/azure/sdk-transport.ts';
import type { TokenSource } from '#src/azure/token.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { claimEvidence, forgetEvidence, noteEvidenceRound, type DueEvidence } from '#src/db/evidence.ts';
import type { HttpClient } from '#src/http/client.ts';
import { lookAt, type LookOptions, type LookResult } from './look.ts';

export interface EvidenceOptions extends Omit<LookOptions, 'gather' | 'stopping'> {
  config: () => RelayConfig;
  http: () => HttpClient;
  /** Of the identity, for a scope. */
  token: (scope: string) => TokenSource;
  onCall: (outcome: string) => void;
  onLook: (incident: DueEvidence, result: LookResult, durationMs: number) => void;
  onError: (error: Error, context: Record<string, unknown>) => void;
}

export interface EvidenceKeeper {
  start(): void;
  stop(): Promise<void>;
  /** Why the last look could not tell everything, or null. */
  readonly fault: string | null;
}

/** An incident that has just opened is looked at within this time. */
const LOOK_MS = 5_000;
/** Incidents that share a budget. */
const TICK_MAX = 20;
/** One incident; a throttled or hanging Azure must not keep the next one waiting for long. */
const ROUND_MS = 120_000;
/** Another replica takes over what this one has claimed and not finished. */
const LEASE_MARGIN_MS = 30_000;
/** After an error of ours. */
const AGAIN_MS = 60_000;
const FORGET_EVERY_MS = 3_600_000;

/** Nothing runs before `start`, and nothing is loaded before there is something to look at. */
export function createEvidenceKeeper(options: EvidenceOptions): EvidenceKeeper {
  const abort = new AbortController();
  let running: Promise<void> | null = null;
  let fault: string | null = null;
  let forgottenAtMs = 0;

  async function tick(config: RelayConfig): Promise<void> {
    if (Date.now() - forgottenAtMs > FORGET_EVERY_MS) {
      forgottenAtMs = Date.now();
      await forgetEvidence(options.pool, config.retention.incidentsMs);
    }
    const budget = createBudget(config.evidence!.callsMax);
    for (let looked = 0; looked < TICK_MAX && !abort.signal.aborted; looked++) {
      const incident = await claimEvidence(options.pool, ROUND_MS + LEASE_MARGIN_MS);
      if (incident === null) return;
      await look(incident, config, budget);
    }
  }

  async function look(incident: DueEvidence, config: RelayConfig, budget: CallBudget): Promise<void> {
    const started = performance.now();
    const { evidence } = config;
    const shared = {
      http: options.http(),
      budget,
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout(ROUND_MS)]),
      onCall: options.onCall,
    };
    try {
      const result = await lookAt(incident, {
        ...options,
        stopping: abort.signal,
        gather: {
          config: evidence!,
          metrics: { ...shared, token: options.token(evidence!.metricsScope) },
          logs: { ...shared, token: options.token(evidence!.logsScope) },
        },
      });
      if (result === null) return;
      fault = result.faults.length > 0 ? result.faults.join('; ') : null;
      options.onLook(incident, result, performance.now() - started);
    } catch (error) {
      const stopped = abort.signal.aborted;
      if (!stopped) {
        fault = (error as Error).message;
        options.onError(error as Error, { what: 'evidence', incident: incident.id });
      }
      // At the end of this process another may look at once; the lease would keep it waiting.
      const nextInMs = stopped ? 0 : AGAIN_MS;
      await noteEvidenceRound(options.pool, { incidentId: incident.id, nextInMs, over: false });
    }
  }

  async function loop(): Promise<void> {
    while (!abort.signal.aborted) {
      const config = options.config();
      if (config.evidence !== null) {
        try {
          await tick(config);
        } catch (error) {
          if (!abort.signal.aborted) options.onError(error as Error, { what: 'evidence' });
        }
      } else fault = null;
      const pauseMs = Math.min(LOOK_MS, config.evidence?.everyMs ?? LOOK_MS);
      await sleep(pauseMs, undefined, { signal: abort.signal }).catch(() => undefined);
    }
  }

  return {
    start: () => void (running ??= loop()),
    async stop() {
      abort.abort();
      await running;
    },
    get fault() {
      return fault;
    },
  };
}
