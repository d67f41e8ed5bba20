/** Wires what reads Azure: back-fill, estate and evidence, with one HTTP client and one identity (design 3.7). */
import type { Part } from './api/deps.ts';
import { createTokenSource, type TokenSource } from './azure/token.ts';
import type { ConfigHolder } from './config/holder.ts';
import type { RelayConfig } from './config/types.ts';
import type { EstateView } from './core/estate-facts.ts';
import { countByStatus } from './core/coverage-words.ts';
import type { Signal } from './core/signal.ts';
import type { Pools } from './db/pools.ts';
import { createHttpClient, type HttpClient } from './http/client.ts';
import { newId } from './ids.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createActivityLog } from './pipeline/backfill/activity-log.ts';
import { createBackfill, type Backfill, type BackfillTimes } from './pipeline/backfill/backfill.ts';
import { createCoverageKeeper, type CoverageKeeper, type CoverageTimes } from './pipeline/coverage-audit/coverage.ts';
import type { CoverageView } from './pipeline/coverage-audit/view.ts';
import { createEvidenceKeeper, type EvidenceKeeper } from './pipeline/evidence/evidence.ts';
import { createEstateKeeper, type EstateKeeper } from './pipeline/estate/estate.ts';
import { rejudge } from './pipeline/estate/rejudge.ts';
import type { Ingest, SignalResult } from './pipeline/ingest.ts';
import type { CallAdapter } from './pipeline/lane-calls.ts';
import { coveragePart, refreshCoverageMetrics } from './coverage-parts.ts';

export interface AzurePartsOptions {
  holder: ConfigHolder;
  /** A worker has no receiver that could have been away. */
  role: 'all' | 'api' | 'worker';
  pools: Pools;
  ingest: Ingest;
  /** For the weekly summary; an api process calls no vendor. */
  call: CallAdapter;
  metrics: Metrics;
  log: Log;
  onStored: (signals: readonly Signal[], results: readonly SignalResult[]) => void;
  onError: (error: Error, context: Record<string, unknown>) => void;
  now: () => Date;
  times?: AzureTimes;
}

/** Other times than the usual ones. */
export type AzureTimes = Partial<BackfillTimes> & { coverage?: Partial<CoverageTimes> };

export interface AzureParts {
  start(): void;
  stop(): Promise<void>;
  estate: () => EstateView;
  /** Null in a worker. */
  backfill: Backfill | null;
  coverage: () => CoverageView | null;
  parts(): Part[];
  refreshMetrics(): void;
}

/** A thousand events of a year with their texts are some megabytes a page. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** Nothing runs before `start`. */
export function createAzureParts(options: AzurePartsOptions): AzureParts {
  const { holder, pools, ingest, metrics, log, onError, now } = options;
  const config = (): RelayConfig => holder.current();
  let http: HttpClient | null = null;
  let token: TokenSource | null = null;
  const tokens = new Map<string, TokenSource>();
  const shared = {
    pool: pools.read,
    config,
    http: () => (http ??= createHttpClient({ egress: config().egress, bodyBytesMax: BODY_BYTES_MAX })),
    token: () => (token ??= createTokenSource(config().azure!)),
    onCall: (outcome: string) => metrics.azureCalls.inc({ outcome }),
    onError,
    now,
    heldOff: new Map<string, number>(),
  };
  const scopedToken = (scope: string): TokenSource => {
    const known = tokens.get(scope) ?? createTokenSource(config().azure!, undefined, scope);
    tokens.set(scope, known);
    return known;
  };
  let stopping = false;
  const keeper: EstateKeeper = createEstateKeeper({
    ...shared,
    async onChanged() {
      const { resources = [], subscriptions = [] } = keeper.view().index?.estate ?? {};
      log.info({ resources: resources.length, subscriptions: subscriptions.length }, 'estate.read');
      const again = await rejudge({ pool: pools.read, ingest, config, estate: keeper.view, now });
      if (again > 0) log.info({ incidents: again }, 'estate.rejudged');
    },
  });
  const backfill =
    options.role === 'worker'
      ? null
      : createBackfill({
          ...shared,
          ingest,
          activityLog: createActivityLog({ ...shared, token: scopedToken }),
          process: newId('wrk'),
          onStored: options.onStored,
          onRound({ left, faults, notes, begunAt: _begun, ...rest }, durationMs) {
            metrics.backfillRounds.inc({ result: faults.length > 0 ? 'faulty' : 'whole' });
            metrics.backfillFound.inc(rest.found);
            log.info(
              { ...rest, left: left.length, faults, notes, durationMs: Math.round(durationMs) },
              'backfill.round',
            );
          },
          ...(options.times ? { times: options.times } : {}),
        });
  const evidence: EvidenceKeeper = createEvidenceKeeper({
    ...shared,
    ingest,
    estate: keeper.view,
    token: scopedToken,
    onLook({ id }, { faults, ...rest }, durationMs) {
      metrics.evidenceLooks.inc({ result: faults.length > 0 ? 'faulty' : 'whole' });
      log.info({ incident: id, ...rest, faults, durationMs: Math.round(durationMs) }, 'evidence.looked');
    },
  });
  const coverage: CoverageKeeper = createCoverageKeeper({
    ...shared,
    call: options.role === 'api' ? null : options.call,
    ...(options.times?.coverage ? { times: options.times.coverage } : {}),
    onAudit(audit, calls) {
      log.info({ ...countByStatus(audit), unlisted: audit.unlisted.length, calls }, 'coverage.audited');
    },
    onSummary(week, { outcome }) {
      log[outcome === 'accepted' ? 'info' : 'warn']({ week, outcome }, 'coverage.summary');
    },
  });
  holder.onChange(() => {
    const old = http;
    [http, token] = [null, null];
    tokens.clear();
    // Calls that are under way end by themselves.
    if (old) setTimeout(() => void old.close(), 60_000).unref();
    if (!stopping) void keeper.refresh();
  });
  return {
    start() {
      keeper.start();
      backfill?.start();
      evidence.start();
      coverage.start();
    },
    async stop() {
      stopping = true;
      await Promise.all([keeper.stop(), backfill?.stop(), evidence.stop(), coverage.stop()]);
      await http?.close();
    },
    estate: keeper.view,
    backfill,
    coverage: () => coverage.view(),
    parts: () => [
      ...backfillPart(config(), backfill),
      ...estatePart(config(), keeper),
      ...evidencePart(config(), evidence),
      ...coveragePart(coverage.view()),
    ],
    refreshMetrics() {
      if (backfill) metrics.backfillAge.set(backfill.okAtMs === 0 ? Number.NaN : (Date.now() - backfill.okAtMs) / 1000);
      refreshCoverageMetrics(metrics, coverage.view());
      const { takenAt, index } = keeper.view();
      metrics.estateAge.set(takenAt === null ? Number.NaN : (Date.now() - Date.parse(takenAt)) / 1000);
      metrics.estateResources.set({ kind: 'registry' }, index?.byKind.get('registry')?.length ?? 0);
      metrics.estateResources.set({ kind: 'cluster' }, index?.byKind.get('cluster')?.length ?? 0);
    },
  };
}

function backfillPart(config: RelayConfig, backfill: Backfill | null): Part[] {
  if (config.backfill === null || backfill === null) return [];
  const { fault } = backfill;
  return [
    { name: 'backfill', status: fault === null ? 'ok' : 'degraded', ...(fault === null ? {} : { detail: fault }) },
  ];
}

function estatePart(config: RelayConfig, keeper: EstateKeeper): Part[] {
  if (config.estate === null) return [];
  const detail = keeper.view().unknown ?? keeper.fault;
  return [{ name: 'estate', status: detail === null ? 'ok' : 'degraded', ...(detail === null ? {} : { detail }) }];
}

function evidencePart(config: RelayConfig, { fault }: EvidenceKeeper): Part[] {
  if (config.evidence === null) return [];
  return [
    { name: 'evidence', status: fault === null ? 'ok' : 'degraded', ...(fault === null ? {} : { detail: fault }) },
  ];
}
