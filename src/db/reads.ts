/** SQL of the record of an incident, and of what senders sent. Lists of incidents: incident-list.ts. */
import type { TimelineKind } from '#src/core/incident.ts';
import type { SignalOutcome } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

export interface ProvenanceRow {
  subscription: string;
  source: string;
  schema: string;
  rule: string;
  firstSeenAt: string;
  impacts: number;
}

/** Who told us about which subscription, first, by which channel and rule. */
export async function readProvenance(db: Queryable, incidentId: string): Promise<ProvenanceRow[]> {
  const { rows } = await db.query<ProvenanceRow>({
    name: 'read-provenance',
    text: `select subscription, source, schema, rule, min(first_seen_at) as "firstSeenAt", count(distinct (service, region)) filter (where service <> '') as impacts
      from incident_scope where incident_id = $1 group by 1, 2, 3, 4 order by min(first_seen_at), 1, 2, 3, 4`,
    values: [incidentId],
  });
  return rows;
}

export interface TimelineRow {
  id: number;
  at: string;
  recordedAt: string;
  kind: TimelineKind;
  revision: number;
  summary: string;
  data: Record<string, unknown>;
  changes: string[] | null;
}

/** Oldest first by event time. `recordedUntil` shows what was known then; null limit is the whole. */
export async function readTimeline(
  db: Queryable,
  incidentId: string,
  options: { recordedUntil: string | null; limit: number | null },
): Promise<TimelineRow[]> {
  const { rows } = await db.query<TimelineRow>({
    name: 'read-timeline',
    text: `select id, at, recorded_at as "recordedAt", kind, revision, summary, data, snapshot->'changes' as changes from timeline
      where incident_id = $1 and ($2::timestamptz is null or recorded_at <= $2) order by at, id limit $3`,
    values: [incidentId, options.recordedUntil, options.limit],
  });
  return rows;
}

export interface DeliveryRow {
  id: string;
  incidentId: string;
  destination: string;
  type: string;
  state: string;
  wantedRevision: number;
  deliveredRevision: number;
  nextAttemptAt: string;
  createdAt: string;
  fallbackOf: string | null;
  reason: string | null;
  /** By what it is held back, in words; only while it is. */
  heldBack?: string | null;
  attempts: AttemptRow[];
}

export interface AttemptRow {
  number: number;
  action: string;
  covers: [number, number];
  startedAt: string;
  finishedAt: string | null;
  outcome: string | null;
  reason: string | null;
  status: number | null;
  detail: string | null;
  repeat: boolean;
  receipt: Record<string, unknown> | null;
}

/** Deliveries with their attempts, in the order in which they were promised. */
export async function readDeliveries(db: Queryable, incidentId: string): Promise<DeliveryRow[]> {
  const { rows } = await db.query<DeliveryRow>({
    name: 'read-deliveries',
    text: `select d.id, d.incident_id as "incidentId", d.destination, d.type, d.state, d.wanted_revision as "wantedRevision",
        d.delivered_revision as "deliveredRevision", d.next_attempt_at as "nextAttemptAt", d.created_at as "createdAt", d.fallback_of as "fallbackOf", d.reason,
        case when d.state = 'suppressed' then d.held_mark end as "heldBack",
        coalesce((select json_agg(json_build_object('number', a.number, 'action', a.action, 'covers', json_build_array(a.covers_from, a.covers_to),
          'startedAt', a.started_at, 'finishedAt', a.finished_at, 'outcome', a.outcome, 'reason', a.reason, 'status', a.status, 'detail', a.detail,
          'repeat', a.is_repeat, 'receipt', a.receipt) order by a.number) from attempts a where a.delivery_id = d.id), '[]') as attempts
      from deliveries d where d.incident_id = $1 order by d.created_at, d.id`,
    values: [incidentId],
  });
  for (const row of rows) {
    for (const attempt of row.attempts) {
      attempt.startedAt = new Date(attempt.startedAt).toISOString();
      attempt.finishedAt = attempt.finishedAt === null ? null : new Date(attempt.finishedAt).toISOString();
    }
  }
  return rows;
}

export interface SourceRow {
  source: string;
  signals: number;
  lastReceivedAt: string;
}

/**
 * Senders by what they sent in the last 24 hours, and when last. Jumps from one source to the next along the index: a
 * `group by` would read every signal ever received.
 */
export async function readSources(db: Queryable): Promise<SourceRow[]> {
  const { rows } = await db.query<SourceRow>({
    name: 'read-sources',
    text: `with recursive names as (
        (select source from signals order by source limit 1)
        union all
        select (select s.source from signals s where s.source > n.source order by s.source limit 1) from names n where n.source is not null
      )
      select n.source, (select count(*) from signals s where s.source = n.source and s.received_at > now() - interval '1 day') as signals,
        (select s.received_at from signals s where s.source = n.source order by s.received_at desc limit 1) as "lastReceivedAt"
      from names n where n.source is not null order by 1`,
  });
  return rows;
}

export interface OddSignalRow {
  id: string;
  source: string;
  schema: string;
  type: string;
  receivedAt: string;
  outcome: SignalOutcome;
  reason: string | null;
  title: string;
  incidentId: string | null;
}

/** Newest tests, bodies that were not understood, and messages with a reason: what a person setting up wants to see at once. */
export async function readOddSignals(
  db: Queryable,
  limit: number,
  since: string | null = null,
): Promise<OddSignalRow[]> {
  const { rows } = await db.query<OddSignalRow>({
    name: 'read-odd-signals',
    text: `select id, source, schema, type, received_at as "receivedAt", outcome, reason, title, incident_id as "incidentId" from signals
     where (outcome in ('unrecognised', 'test') or (reason is not null and outcome not in ('duplicate', 'noted'))) and ($2::timestamptz is null or received_at > $2)
     order by received_at desc limit $1`,
    values: [limit, since],
  });
  return rows;
}

/** Newest test notifications of the last day: the first thing that a person setting up looks for. */
export async function readTests(db: Queryable, limit: number): Promise<OddSignalRow[]> {
  const { rows } = await db.query<OddSignalRow>({
    name: 'read-tests',
    text: `select id, source, schema, type, received_at as "receivedAt", outcome, reason, title, incident_id as "incidentId" from signals
     where (outcome in ('unrecognised', 'test') or (reason is not null and outcome not in ('duplicate', 'noted'))) and outcome = 'test' and received_at > now() - interval '1 day'
     order by received_at desc limit $1`,
    values: [limit],
  });
  return rows;
}

/** Whether the truth answers, and takes writes: a standby or a server that was set to read only does not. */
export async function ping(db: Queryable): Promise<{ writable: boolean }> {
  const { rows } = await db.query<{ writable: boolean }>(
    `select not (pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool) as writable`,
  );
  return { writable: rows[0]?.writable ?? true };
}
