/** What the relay counts about itself (design section 4). One registry per app, so that two apps in a process do not mix. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** Creates and registers every metric. */
export function createMetrics() {
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
      help: 'Calls of Azure (Resource Manager, Resource Graph, metrics, logs), by status or why there was none',
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
    evidenceLooks: new Counter({
      name: 'relay_evidence_looks_total',
      help: 'Looks at incidents: whole, or faulty (something could not be read)',
      labelNames: ['result'],
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
    coverageAge: new Gauge({
      name: 'relay_coverage_age_seconds',
      help: 'Since the last coverage audit that succeeded, of any replica; NaN before the first, and without coverage',
      registers,
    }),
    coverageSubscriptions: new Gauge({
      name: 'relay_coverage_subscriptions',
      help: 'Subscriptions by what the last audit says: covered, weak, uncovered, unknown, exempt; none while the audit is too old',
      labelNames: ['status'],
      registers,
    }),
    coverageFindings: new Gauge({
      name: 'relay_coverage_findings',
      help: 'Subscriptions by kind of finding; none while the audit is too old',
      labelNames: ['finding'],
      registers,
    }),
    canaryAge: new Gauge({
      name: 'relay_canary_age_seconds',
      help: 'Since a canary last passed this hop, by the receiver that it entered by; since the first one where none has passed',
      labelNames: ['receiver', 'hop'],
      registers,
    }),
    canaryHop: new Gauge({
      name: 'relay_canary_hop_seconds',
      help: 'From the sending of a canary to this hop, of the last one that passed it',
      labelNames: ['receiver', 'hop'],
      registers,
    }),
    canaryRuns: new Counter({
      name: 'relay_canary_runs_total',
      help: 'Canaries that this process has sent: ok, or the hop that they did not pass',
      labelNames: ['receiver', 'result'],
      registers,
    }),
    auditFindings: new Gauge({
      name: 'relay_audit_findings',
      help: 'What the last audit found: lost, unpromised, behind, overdue; at most 20 of each',
      labelNames: ['finding'],
      registers,
    }),
    auditAge: new Gauge({
      name: 'relay_audit_age_seconds',
      help: 'Since the last audit; NaN before the first',
      registers,
    }),
    heartbeats: new Counter({
      name: 'relay_heartbeats_total',
      help: 'Beats to the dead-man switch by this process: sent, failed, withheld (not well)',
      labelNames: ['result'],
      registers,
    }),
    heartbeatAge: new Gauge({
      name: 'relay_heartbeat_age_seconds',
      help: 'Since the last beat that was taken, of any replica, or since canaries are sent; NaN without a heartbeat',
      registers,
    }),
    silencesActive: new Gauge({
      name: 'relay_silences_active',
      help: 'Silences in force, of the config and by call',
      registers,
    }),
    passThrough: new Gauge({
      name: 'relay_pass_through',
      help: '1 while everything that can hold a notification back is turned off, by the config or by call',
      registers,
    }),
    peerUp: new Gauge({
      name: 'relay_peer_up',
      help: 'Whether the relay of the same relayId elsewhere delivers, by the host of peer.url',
      labelNames: ['peer'],
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
    spoolAge: new Gauge({
      name: 'relay_spool_age_seconds',
      help: 'How long signals have been waiting in the spool; 0 while it is empty',
      registers,
    }),
    directOpenings: new Counter({
      name: 'relay_direct_openings_total',
      help: 'Pagers that were opened without the record, while Postgres was away',
      labelNames: ['destination'],
      registers,
    }),
    folds: new Counter({
      name: 'relay_fold_results_total',
      help: 'What the fold made of signals, whichever way they came: pushed, spooled, back-filled, our own',
      labelNames: ['outcome'],
      registers,
    }),
    breaker: new Gauge({
      name: 'relay_destination_breaker',
      help: '1 for the state that the breaker of a destination is in: closed, open (one probe at a time), off (gone for good)',
      labelNames: ['destination', 'state'],
      registers,
    }),
    destinationFailures: new Gauge({
      name: 'relay_destination_failures',
      help: 'Failures in a row of a destination',
      labelNames: ['destination'],
      registers,
    }),
    destinationPause: new Gauge({
      name: 'relay_destination_pause_seconds',
      help: 'How long a destination is still left alone, after a 429 or by the breaker',
      labelNames: ['destination'],
      registers,
    }),
    traceSpans: new Counter({
      name: 'relay_trace_spans_total',
      help: 'Spans exported, failed (the exporter got no good answer) or dropped (the queue was full)',
      labelNames: ['result'],
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
