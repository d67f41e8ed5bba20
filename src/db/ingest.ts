/** SQL of the ingest transaction: what is known of a batch, and everything it changes in one statement. */
import type { Incident, Post, Snapshot, TimelineDraft } from '#src/core/incident.ts';
import type { Impact, SignalOutcome } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

export interface KnownSignal {
  fingerprint: string;
  id: string;
  incidentId: string | null;
  outcome: SignalOutcome;
}

/** $1 text[]: fingerprints. */
export const FIND_SIGNALS =
  'select fingerprint, id, incident_id as "incidentId", outcome from signals where fingerprint = any($1::text[])';

/** Which of these exact messages have been taken before. */
export async function findSignals(db: Queryable, fingerprints: readonly string[]): Promise<KnownSignal[]> {
  const { rows } = await db.query<KnownSignal>({
    name: 'find-signals',
    text: FIND_SIGNALS,
    values: [fingerprints],
  });
  return rows;
}

export interface IncidentRow extends Omit<Incident, 'details' | 'posts'> {
  details: Record<string, string>;
  posts: Post[];
  scopeCount: number;
}

const INCIDENT_COLUMNS = `id, identity, episode, tracking_id as "trackingId", kind, state, severity, title, stage, headline, details,
  started_at as "startedAt", mitigated_at as "mitigatedAt", resolved_at as "resolvedAt", ends_at as "endsAt", closed_at as "closedAt",
  retracted, revision, posts, after, scope_count as "scopeCount", first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt"`;

/**
 * $1 text[]: fingerprints, $2 text[]: the identity of each. Newest episode of each identity that has something new, locked
 * in identity order so that concurrent batches queue up instead of deadlocking. Exact repeats lock nothing: a batch of them
 * writes nothing either, so its commit waits for no disk. A signal that another process takes after {@link FIND_SIGNALS} is
 * a conflict on its fingerprint at the latest, and the batch is repeated.
 */
export const LOCK_INCIDENTS = `select ${INCIDENT_COLUMNS} from incidents
  where latest and identity = any(array(select distinct k.identity from unnest($1::text[], $2::text[]) as k(fingerprint, identity)
    where k.fingerprint <> all(array(select s.fingerprint from signals s where s.fingerprint = any($1::text[])))))
  order by identity for no key update`;

/** One element of each per signal. */
export interface BatchKeys {
  fingerprints: readonly string[];
  /** Empty for a test: no incident is called so. */
  identities: readonly string[];
}

/** What is known of a batch before it is folded. */
export interface OpenedBatch {
  known: KnownSignal[];
  incidents: IncidentRow[];
}

/** Reads and locks what a batch concerns, inside the caller's transaction. */
export async function openBatch(db: Queryable, keys: BatchKeys): Promise<OpenedBatch> {
  const known = await findSignals(db, keys.fingerprints);
  const { rows } = await db.query<IncidentRow>({
    name: 'lock-incidents',
    text: LOCK_INCIDENTS,
    values: [keys.fingerprints, keys.identities],
  });
  return { known, incidents: rows };
}

export interface ScopeRow {
  incidentId: string;
  key: string;
  subscription: string;
  service: string;
  region: string;
  resource: string;
  source: string;
  rule: string;
  schema: string;
}

/** Everything told about where these incidents are. */
export async function loadScope(db: Queryable, incidentIds: readonly string[]): Promise<ScopeRow[]> {
  const { rows } = await db.query<ScopeRow>({
    name: 'load-scope',
    text: `select incident_id as "incidentId", key, subscription, service, region, resource, source, rule, schema
      from incident_scope where incident_id = any($1) order by first_seen_at, key`,
    values: [incidentIds],
  });
  return rows;
}

/** Which destinations were ever promised each incident. */
export async function loadDestinations(
  db: Queryable,
  incidentIds: readonly string[],
): Promise<{ incidentId: string; destination: string; destinationId: string }[]> {
  const { rows } = await db.query<{ incidentId: string; destination: string; destinationId: string }>({
    name: 'load-destinations',
    text: `select incident_id as "incidentId", destination, coalesce(destination_id, destination) as "destinationId"
      from deliveries where incident_id = any($1)`,
    values: [incidentIds],
  });
  return rows;
}

export interface SignalRow {
  id: string;
  fingerprint: string;
  source: string;
  schema: string;
  type: string;
  received_at: string;
  occurred_at: string;
  incident_id: string | null;
  outcome: SignalOutcome;
  reason: string | null;
  title: string;
  raw: string | null;
}

export interface NewDelivery {
  id: string;
  incident_id: string;
  destination: string;
  destination_id: string;
  type: string;
  wanted_revision: number;
  priority: number;
  fallback_of: string | null;
  /** `traceparent` of the signal that made the news; absent without traces. */
  trace?: string;
}

/** A list shows at most this many of each; the incident itself shows all. */
export const LISTED_MAX = 20;

/** What a list shows of where an incident is (migration 0014). */
export interface ListedPlace {
  impacts: readonly Impact[];
  subscriptions: readonly string[];
  resources: readonly string[];
  subscriptionCount: number;
}

export interface StoredIncident {
  incident: Incident;
  scopeCount: number;
  place: ListedPlace;
  /** False where the same batch has begun a newer episode. */
  latest: boolean;
}

/** All that one batch changes. Arrays may be empty. */
export interface IngestBatch {
  signals: SignalRow[];
  created: StoredIncident[];
  changed: StoredIncident[];
  scope: (Omit<ScopeRow, 'incidentId'> & { incident_id: string; first_seen_at: string; incident_seen_at: string })[];
  timeline: { incident_id: string; draft: TimelineDraft }[];
  deliveries: NewDelivery[];
  /** Incidents whose revision has grown: every delivery of theirs wants it. */
  wanted: { incident_id: string; revision: number; priority: number; trace?: string }[];
}

/**
 * Writes a batch in one statement: one round trip and one plan per flush, however many tables it touches. Rows are
 * locked in id order before they are updated. A unique violation means that another process was faster: the caller
 * rolls back and repeats the batch, which then finds the other's rows.
 */
export async function writeBatch(db: Queryable, batch: IngestBatch, retired: readonly string[]): Promise<void> {
  if (retired.length > 0) await db.query({ name: 'retire-episodes', text: RETIRE_EPISODES, values: [retired] });
  if (batch.signals.length > 0) await db.query({ name: 'write-batch', text: WRITE_BATCH, values: batchValues(batch) });
}

/** Parameters of {@link WRITE_BATCH}: JSON texts. */
export function batchValues(batch: IngestBatch): string[] {
  return [
    JSON.stringify(batch.signals),
    JSON.stringify(batch.created.map(incidentColumns)),
    JSON.stringify(batch.changed.map(incidentColumns)),
    JSON.stringify(batch.scope),
    JSON.stringify(batch.timeline.map(timelineColumns)),
    JSON.stringify(batch.deliveries),
    JSON.stringify(batch.wanted),
  ];
}

/** $1 text[]: incident ids. A statement of its own: the partial unique index on the newest episode is checked row by row. */
export const RETIRE_EPISODES = 'update incidents set latest = false where id = any($1::text[])';

function incidentColumns({ incident, scopeCount, place, latest }: StoredIncident): Record<string, unknown> {
  return {
    id: incident.id,
    identity: incident.identity,
    episode: incident.episode,
    tracking_id: incident.trackingId,
    kind: incident.kind,
    state: incident.state,
    severity: incident.severity,
    title: incident.title,
    stage: incident.stage,
    headline: incident.headline,
    details: incident.details,
    started_at: incident.startedAt,
    mitigated_at: incident.mitigatedAt,
    resolved_at: incident.resolvedAt,
    ends_at: incident.endsAt,
    closed_at: incident.closedAt,
    retracted: incident.retracted,
    revision: incident.revision,
    posts: incident.posts,
    after: incident.after,
    scope_count: scopeCount,
    place,
    latest,
    first_seen_at: incident.firstSeenAt,
    last_seen_at: incident.lastSeenAt,
  };
}

function timelineColumns(row: { incident_id: string; draft: TimelineDraft }): Record<string, unknown> {
  const { draft } = row;
  // The text of a post stands in `data`; the snapshot only points at it. Twice made rows of over 2 KB, which are compressed.
  const snapshot: Snapshot | null =
    draft.snapshot?.communication && draft.kind === 'communication'
      ? { ...draft.snapshot, communication: { ...draft.snapshot.communication, html: '' } }
      : draft.snapshot;
  return {
    incident_id: row.incident_id,
    revision: draft.revision,
    at: draft.at,
    kind: draft.kind,
    summary: draft.summary,
    data: draft.data,
    snapshot,
  };
}

const INCIDENT_RECORD = `id text, identity text, episode int, tracking_id text, kind text, state text, severity text, title text, stage text,
  headline text, details jsonb, started_at timestamptz, mitigated_at timestamptz, resolved_at timestamptz, ends_at timestamptz, closed_at timestamptz,
  retracted boolean, revision int, posts jsonb, after timestamptz, scope_count int, place jsonb, latest boolean, first_seen_at timestamptz, last_seen_at timestamptz`;
const INCIDENT_LIST = INCIDENT_RECORD.replaceAll(/ (text|int|jsonb|timestamptz|boolean)/g, '');
const CHANGED_SET = INCIDENT_LIST.split(/,\s*/)
  .filter((column) => !['id', 'identity', 'episode', 'first_seen_at', 'tracking_id', 'latest'].includes(column))
  .map((column) => `${column} = c.${column}`)
  .join(', ');

/** $1 to $7 text, see {@link batchValues}. */
export const WRITE_BATCH = `
with new_signals as (
  insert into signals (id, fingerprint, source, schema, type, received_at, occurred_at, incident_id, outcome, reason, title, raw)
  select id, fingerprint, source, schema, type, received_at, occurred_at, incident_id, outcome, reason, title, raw
  from json_to_recordset($1::json) as s(id text, fingerprint text, source text, schema text, type text, received_at timestamptz,
    occurred_at timestamptz, incident_id text, outcome text, reason text, title text, raw text)
  order by fingerprint
), created as (
  insert into incidents (${INCIDENT_LIST}) select ${INCIDENT_LIST} from json_to_recordset($2::json) as r(${INCIDENT_RECORD}) order by identity
), changing as (
  select * from json_to_recordset($3::json) as c(${INCIDENT_RECORD})
), changed as (
  -- By key, whatever the tables held when the plan was made (db/deliveries.ts)
  update incidents i set ${CHANGED_SET} from changing c where i.id = c.id and i.id = any(array(select id from changing))
), wider as (
  insert into incident_scope (incident_id, key, subscription, service, region, resource, source, rule, schema, first_seen_at, incident_seen_at)
  select incident_id, key, subscription, service, region, resource, source, rule, schema, first_seen_at, incident_seen_at
  from json_to_recordset($4::json) as s(incident_id text, key text, subscription text, service text, region text, resource text,
    source text, rule text, schema text, first_seen_at timestamptz, incident_seen_at timestamptz)
  on conflict do nothing
), told as (
  insert into timeline (incident_id, revision, at, kind, summary, data, snapshot)
  select incident_id, revision, at, kind, summary, data, snapshot
  from json_to_recordset($5::json) as t(incident_id text, revision int, at timestamptz, kind text, summary text, data jsonb, snapshot jsonb)
), grown as (
  select * from json_to_recordset($7::json) as w(incident_id text, revision int, priority smallint, trace text)
), wanting as (
  select d.id, w.revision, w.priority, w.trace from grown w join deliveries d on d.incident_id = w.incident_id
  where d.incident_id = any(array(select incident_id from grown))
  order by d.id for no key update of d
), woken as (
  update deliveries d set wanted_revision = w.revision, trace = w.trace,
    wanted_at = case when d.wanted_revision = d.delivered_revision then now() else d.wanted_at end,
    priority = case when d.wanted_revision = d.delivered_revision then w.priority else least(d.priority, w.priority) end,
    next_attempt_at = case when d.state in ('delivered', 'failed', 'suppressed') then now() else d.next_attempt_at end,
    tries = case when d.state = 'failed' then 0 else d.tries end,
    step_since = case when d.state = 'failed' then null else d.step_since end,
    state = case when d.state in ('delivered', 'failed', 'suppressed') then 'pending' else d.state end
  from wanting w where d.id = w.id
)
insert into deliveries (id, incident_id, destination, destination_id, type, wanted_revision, first_revision, priority, fallback_of, trace)
select id, incident_id, destination, destination_id, type, wanted_revision, wanted_revision, priority, fallback_of, trace
from json_to_recordset($6::json) as n(id text, incident_id text, destination text, destination_id text, type text, wanted_revision int, priority smallint, fallback_of text, trace text)
on conflict (incident_id, destination) do nothing`;
