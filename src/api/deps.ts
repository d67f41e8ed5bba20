/** What the HTTP side needs from the app. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RelayConfig } from '#src/config/types.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import type { Signal } from '#src/core/signal.ts';
import type { Tracing } from '#src/core/trace.ts';
import type { CanaryWatch } from '#src/db/canary.ts';
import type { Pools } from '#src/db/pools.ts';
import type { Log } from '#src/log.ts';
import type { Metrics } from '#src/metrics.ts';
import type { Backfill } from '#src/pipeline/backfill/backfill.ts';
import type { CoverageView } from '#src/pipeline/coverage-audit/view.ts';
import type { Ingest } from '#src/pipeline/ingest.ts';
import type { HubState } from '#src/receivers/event-hubs/hub-receiver.ts';
import type { Caller } from './auth.ts';

export interface Part {
  name: string;
  status: 'ok' | 'degraded' | 'down';
  detail?: string;
}

export interface Readiness {
  /** False only when a signal can neither be committed nor spooled. */
  ready: boolean;
  status: 'ok' | 'degraded' | 'down';
  parts: Part[];
}

export interface CanaryView extends CanaryWatch {
  /** Null while all is well, else what is wrong; `pending` before the first round is over. */
  fault: string | null;
}

export interface CanaryDoor {
  /** Made at the start of the process and told to nobody but its own destination. */
  token: string;
  /** A canary came back. False where none of that name was sent. */
  heard(run: string): Promise<boolean>;
  /** Null without a canary, and where this process sends none. */
  view(): CanaryView | null;
}

export interface ApiDeps {
  config(): RelayConfig;
  /** `worker`: only probes and metrics are served. */
  role: 'all' | 'api' | 'worker';
  pools: Pools;
  ingest: Ingest;
  metrics: Metrics;
  log: Log;
  readiness(): Promise<Readiness>;
  /** Brings gauges that are read from the database up to date. */
  refreshMetrics(): Promise<void>;
  /** Rings for a destination whose deliveries were touched by hand. */
  ring(destinations: Iterable<string>): void;
  /** A test notification came in: told to the `tests` destination, best effort. */
  onTest(signal: Signal): void;
  /** Event Hubs that this process reads; empty in tests of the HTTP side alone. */
  hubs?(): HubState[];
  /** What is known of our own resources. */
  estate?(): EstateView;
  /** What the last coverage audit found; null where none is configured. */
  coverage?(): CoverageView | null;
  /** Null or absent where this process does none. */
  backfill?: Pick<Backfill, 'request' | 'refused' | 'busy'> | null;
  /** Absent: no spans. */
  tracing?: Tracing;
  /** The canary: hears what comes back, shows what is known. Absent in tests of the HTTP side alone. */
  canary?: CanaryDoor;
  now(): Date;
}

/** What handlers find in the context. */
export interface Variables {
  requestId: string;
  caller: Caller;
}
export interface Env {
  Variables: Variables;
  Bindings: { incoming?: IncomingMessage; outgoing?: ServerResponse };
}
