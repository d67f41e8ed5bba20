/** SQL of lists of incidents, and of one incident: newest first, by keyset. */
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
