/** SQL of the read side. Keyset paging everywhere: an offset would read what it throws away. */
import type { TimelineKind } from '#src/core/incident.ts';
import type { SignalOutcome } from '#src/core/signal.ts';
import { LISTED_MAX } from './ingest.ts';
import type { Queryable } from './pools.ts';
import { searchSql, searchWords } from './search.ts';

export interface IncidentListRow {
  id: string;
  identity: string;
  episode: number;
  trackingId: string | null;
  kind: string;
  state: string;
  severity: string;
  title: string;
  headline: string;
  stage: string | null;
  startedAt: string | null;
  mitigatedAt: string | null;
  resolvedAt: string | null;
  endsAt: string | null;
  closedAt: string | null;
  revision: number;
  firstSeenAt: string;
  lastSeenAt: string;
  details: Record<string, string>;
  scopeCount: number;
  impacts: { service: string; region: string }[];
  subscriptions: string[];
  subscriptionCount: number;
  resources: string[];
}

const COLUMNS = `i.id, i.identity, i.episode, i.tracking_id as "trackingId", i.kind, i.state, i.severity, i.title, i.headline, i.stage,
  i.started_at as "startedAt", i.mitigated_at as "mitigatedAt", i.resolved_at as "resolvedAt", i.ends_at as "endsAt", i.closed_at as "closedAt",
  i.revision, i.first_seen_at as "firstSeenAt", i.last_seen_at as "lastSeenAt", i.details, i.scope_count as "scopeCount"`;

/** Columns of where an incident is. */
const PLACE = 'place.impacts, place.subscriptions, place.resources, place."subscriptionCount"';

/** From the rows `s` of a scope, in one pass over them. */
function placeOf(limit: number | null): string {
  const cut = limit === null ? '' : ` limit ${limit}`;
  const distinct = (column: string): string =>
    `to_jsonb(array(select distinct ${column} from s where ${column} <> '' order by 1${cut}))`;
  return `select coalesce((select jsonb_agg(jsonb_build_object('service', p.service, 'region', p.region)) from (
      select service, region from s where service <> '' group by 1, 2 order by min(first_seen_at), 1, 2${cut}) p), '[]') as impacts,
    ${distinct('subscription')} as subscriptions, ${distinct('resource')} as resources,
    (select count(distinct subscription) from s where subscription <> '')::int as "subscriptionCount"`;
}

const SCOPE =
  'with s as materialized (select subscription, service, region, resource, first_seen_at from incident_scope where incident_id = i.id)';

/** All of it, from the scope. */
const WHOLE_PLACE = `cross join lateral (${SCOPE} ${placeOf(null)}) place`;

/** What stands with the incident; from the scope where an older release has written it. */
const LISTED_PLACE = `cross join lateral (
    select i.place->'impacts' as impacts, i.place->'subscriptions' as subscriptions, i.place->'resources' as resources,
      (i.place->>'subscriptionCount')::int as "subscriptionCount" where i.place is not null
    union all
    select * from (${SCOPE} ${placeOf(LISTED_MAX)}) old where i.place is null) place`;

export interface IncidentFilter {
  state: string[];
  kind: string[];
  service: string | null;
  region: string | null;
  subscription: string | null;
  source: string | null;
  from: string | null;
  to: string | null;
  q: string | null;
  /** The caller may read the full text of security posts, and so may search in it. */
  full: boolean;
  limit: number;
  /** The last row of the page before. */
  after: { firstSeenAt: string; id: string } | null;
}

/**
 * Newest first. Service and region must hold for one and the same impact; `from` and `to` select incidents that were
 * going on in between. By place or subscription the list jumps from incident to incident along an index (migration
 * 0009): as many looks as incidents, not as rows.
 */
export async function listIncidents(db: Queryable, filter: IncidentFilter): Promise<IncidentListRow[]> {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const after = filter.after
    ? `(${parameter(filter.after.firstSeenAt)}::timestamptz, ${parameter(filter.after.id)}::text)`
    : null;
  const scope = scopeConditions(filter, parameter);
  const where = incidentConditions(filter, parameter);
  let page: string;
  let head = '';
  if (filter.service !== null || filter.region !== null || filter.subscription !== null) {
    head = `with recursive found as (
      (${nextPlace(scope, after)})
      union all
      select n.seen, n.id from found f cross join lateral (${nextPlace(scope, '(f.seen, f.id)')}) n
    )`;
    // `offset 0` keeps the planner from turning this into a join that walks through all that can be found.
    const one = 'cross join lateral (select * from incidents where id = f.id offset 0) i';
    page = `select i.* from found f ${one} ${whereOf(where)} limit ${filter.limit}`;
  } else {
    if (scope.length > 0)
      where.push(`exists (select 1 from incident_scope s where s.incident_id = i.id and ${scope.join(' and ')})`);
    if (after !== null) where.push(`(i.first_seen_at, i.id) < ${after}`);
    page = `select i.* from incidents i ${whereOf(where)} order by i.first_seen_at desc, i.id desc limit ${filter.limit}`;
  }
  const text = `${head} select ${COLUMNS}, ${PLACE} from (${page}) i ${LISTED_PLACE} order by i.first_seen_at desc, i.id desc`;
  return (await db.query<IncidentListRow>(text, values)).rows;
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
}

/** The newest incident before a point that has a row of scope like this. */
function nextPlace(scope: readonly string[], before: string | null): string {
  const conditions = before === null ? scope : [...scope, `(s.incident_seen_at, s.incident_id) < ${before}`];
  return `select s.incident_seen_at as seen, s.incident_id as id from incident_scope s
    where s.incident_seen_at is not null and ${conditions.join(' and ')} order by s.incident_seen_at desc, s.incident_id desc limit 1`;
}

/** What must hold for one and the same row of scope. */
function scopeConditions(filter: IncidentFilter, parameter: (value: unknown) => string): string[] {
  const scope: string[] = [];
  if (filter.service !== null) scope.push(`lower(s.service) = lower(${parameter(filter.service)})`);
  // `westeurope` is `West Europe`, here as in routes.
  if (filter.region !== null)
    scope.push(`lower(replace(s.region, ' ', '')) = lower(replace(${parameter(filter.region)}, ' ', ''))`);
  if (filter.subscription !== null) scope.push(`s.subscription = lower(${parameter(filter.subscription)})`);
  if (filter.source !== null) scope.push(`s.source = ${parameter(filter.source)}`);
  return scope;
}

function incidentConditions(filter: IncidentFilter, parameter: (value: unknown) => string): string[] {
  const where: string[] = [];
  if (filter.state.length > 0) where.push(`i.state = any(${parameter(filter.state)})`);
  if (filter.kind.length > 0) where.push(`i.kind = any(${parameter(filter.kind)})`);
  else where.push(`i.kind <> 'canary'`);
  if (filter.from)
    where.push(
      `(i.state in ('planned', 'active') or greatest(i.resolved_at, i.closed_at, i.last_seen_at) >= ${parameter(filter.from)})`,
    );
  if (filter.to) where.push(`least(i.started_at, i.first_seen_at) <= ${parameter(filter.to)}`);
  if (filter.q) {
    const words = searchWords(filter.q);
    // As an array: with `in` the planner may walk through all incidents, newest first, and ask of each whether it is found.
    where.push(words === null ? 'false' : `i.id = any(array${searchSql(parameter(words), { full: filter.full })})`);
  }
  return where;
}

/** By our id, or by tracking ID in any case: its newest episode. */
export async function findIncident(db: Queryable, idOrTrackingId: string): Promise<IncidentListRow | null> {
  const { rows } = await db.query<IncidentListRow>({
    name: 'find-incident',
    text: `select ${COLUMNS}, ${PLACE} from (
        select * from incidents where id = $1 or lower(tracking_id) = lower($1) order by episode desc limit 1) i ${WHOLE_PLACE}`,
    values: [idOrTrackingId],
  });
  return rows[0] ?? null;
}

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

/** Whether the truth answers. */
export async function ping(db: Queryable): Promise<void> {
  await db.query('select 1');
}
