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
    reload: new Gauge({
      name: 'relay_config_reload_ok',
      help: '1 when the last reload of the config was taken over, 0 when it was refused',
      registers,
    }),
  };
}
