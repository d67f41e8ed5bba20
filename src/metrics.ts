/** What the relay counts about itself (design section 4). One registry per app, so that two apps in a process do not mix. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  registry: Registry;
  signals: Counter<'source' | 'schema' | 'outcome'>;
  deliveries: Gauge<'destination' | 'state'>;
  attempts: Counter<'destination' | 'reason'>;
  firstPage: Histogram;
  backlogAge: Gauge<'destination'>;
  flush: Histogram;
  flushSize: Histogram;
  rings: Counter<'result'>;
  reconciled: Counter<'destination'>;
  reload: Gauge;
  hubLag: Gauge<'hub' | 'partition'>;
  hubLagAge: Gauge<'hub' | 'partition'>;
  hubProgressAge: Gauge<'hub' | 'partition'>;
  hubEvents: Counter<'hub' | 'what'>;
  spooled: Gauge;
  orphans: Gauge;
  azureCalls: Counter<'outcome'>;
  backfillRounds: Counter<'result'>;
  backfillFound: Counter;
  backfillAge: Gauge;
  estateAge: Gauge;
  estateResources: Gauge<'kind'>;
}

/** Creates and registers every metric. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    signals: new Counter({
      name: 'relay_signals_total',
      help: 'Signals taken, by what became of them',
      labelNames: ['source', 'schema', 'outcome'],
      registers,
    }),
    deliveries: new Gauge({
      name: 'relay_deliveries',
      help: 'Deliveries by destination and state',
      labelNames: ['destination', 'state'],
      registers,
    }),
    attempts: new Counter({
      name: 'relay_attempts_total',
      help: 'Attempts by destination and why they ended',
      labelNames: ['destination', 'reason'],
      registers,
    }),
    firstPage: new Histogram({
      name: 'relay_first_page_seconds',
      help: 'From the promise of a delivery to its first accepted receipt',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    backlogAge: new Gauge({
      name: 'relay_backlog_age_seconds',
      help: 'Age of the oldest undelivered revision',
      labelNames: ['destination'],
      registers,
    }),
    flush: new Histogram({
      name: 'relay_ingest_commit_seconds',
      help: 'Time of one ingest transaction',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    flushSize: new Histogram({
      name: 'relay_ingest_commit_signals',
      help: 'Signals that shared one ingest transaction',
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
      registers,
    }),
    rings: new Counter({
      name: 'relay_rings_total',
      help: 'Rings of the bell: sent, answered, failed',
      labelNames: ['result'],
      registers,
    }),
    reconciled: new Counter({
      name: 'relay_reconciled_total',
      help: 'Drains that no ring but the reconciler started',
      labelNames: ['destination'],
      registers,
    }),
    azureCalls: new Counter({
      name: 'relay_azure_calls_total',
      help: 'Calls of Azure Resource Manager and Resource Graph, by status or why there was none',
      labelNames: ['outcome'],
      registers,
    }),
    backfillRounds: new Counter({
      name: 'relay_backfill_rounds_total',
      help: 'Rounds of back-fill: whole, or faulty (see /v1/gaps)',
      labelNames: ['result'],
      registers,
    }),
    backfillFound: new Counter({
      name: 'relay_backfill_found_total',
      help: 'Communications that push did not bring and back-fill found',
      registers,
    }),
    backfillAge: new Gauge({
      name: 'relay_backfill_age_seconds',
      help: 'Since this process last compared everything with Azure; NaN before the first time, and where another replica does it',
      registers,
    }),
    estateAge: new Gauge({
      name: 'relay_estate_age_seconds',
      help: 'Age of what is known of our own resources',
      registers,
    }),
    estateResources: new Gauge({
      name: 'relay_estate_resources',
      help: 'Registries and clusters of the estate',
      labelNames: ['kind'],
      registers,
    }),
    orphans: new Gauge({
      name: 'relay_orphaned_deliveries',
      help: 'Open deliveries of destinations that the config no longer names',
      registers,
    }),
    spooled: new Gauge({
      name: 'relay_spool_bytes',
      help: 'Bytes of signals that wait on disk for Postgres',
      registers,
    }),
    hubLag: new Gauge({
      name: 'relay_event_hub_lag_events',
      help: 'Events in the hub that are not durable here yet, for partitions that this process reads',
      labelNames: ['hub', 'partition'],
      registers,
    }),
    hubLagAge: new Gauge({
      name: 'relay_event_hub_lag_seconds',
      help: 'At most how long the oldest of those events has been in the hub',
      labelNames: ['hub', 'partition'],
      registers,
    }),
    hubProgressAge: new Gauge({
      name: 'relay_event_hub_progress_age_seconds',
      help: 'Since a partition last moved or had nothing left to read',
      labelNames: ['hub', 'partition'],
      registers,
    }),
    hubEvents: new Counter({
      name: 'relay_event_hub_events_total',
      help: 'What happened to the reading of a hub: restarted, dropped (a partition changed hands), expired (events lost to retention)',
      labelNames: ['hub', 'what'],
      registers,
    }),
    reload: new Gauge({
      name: 'relay_config_reload_ok',
      help: '1 when the last reload of the config was taken over, 0 when it was refused',
      registers,
    }),
  };
}
