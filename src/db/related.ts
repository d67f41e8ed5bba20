/** SQL of the incidents that may be related to one: the other side's, around the same time, in a place of its scope. */
import type { Impact, Kind } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

export interface RelatedCandidate {
  id: string;
  trackingId: string | null;
  kind: Kind;
  state: string;
  severity: string;
  headline: string;
  startedAt: string | null;
  firstSeenAt: string;
  /** Null while it goes on. */
  until: string | null;
  impacts: Impact[];
  resources: string[];
}

const EVENTS = ['outage', 'maintenance', 'advisory', 'security'];
const OWN_ALERTS = ['alert', 'resource'];
/** An alert or event that began longer before is looked at only while it is open. */
const BEFORE = `interval '30 days'`;
const CANDIDATES_MAX = 500;

/** Newest first, at most 500. A superset: core/related.ts decides. `own` asks for alerts, else for Service Health events. */
export async function findCandidates(
  db: Queryable,
  incident: { id: string; from: string; until: string | null },
  { own }: { own: boolean },
): Promise<RelatedCandidate[]> {
  const kinds = (own ? OWN_ALERTS : EVENTS).map((kind) => `'${kind}'`).join(', ');
  const { rows } = await db.query<RelatedCandidate>({
    name: own ? 'related-alerts' : 'related-events',
    text: `with mine as (select service, region, resource from incident_scope where incident_id = $1 group by 1, 2, 3),
      places as (
        select array_agg(distinct lower(service)) filter (where service <> '') as services,
          array_agg(distinct lower(replace(region, ' ', ''))) filter (where region <> '' and lower(region) <> 'global') as regions,
          array_agg(distinct resource) filter (where resource <> '') as resources from mine
      ), near as (
        select i.id, i.tracking_id, i.kind, i.state, i.severity, i.headline, i.started_at, i.first_seen_at,
          case when i.state in ('planned', 'active') then null else coalesce(i.mitigated_at, i.resolved_at, i.closed_at, i.last_seen_at) end as until
        from incidents i where i.kind in (${kinds}) and i.first_seen_at <= coalesce($3::timestamptz, now()) + interval '1 day'
          and i.first_seen_at >= $2::timestamptz - ${BEFORE} and i.id <> $1
      )
      select n.id, n.tracking_id as "trackingId", n.kind, n.state, n.severity, n.headline, n.started_at as "startedAt", n.first_seen_at as "firstSeenAt", n.until,
        coalesce((select json_agg(distinct jsonb_build_object('service', s.service, 'region', s.region)) from incident_scope s where s.incident_id = n.id and s.service <> ''), '[]') as impacts,
        coalesce((select array_agg(distinct s.resource) from incident_scope s where s.incident_id = n.id and s.resource <> ''), '{}') as resources
      from near n, places p
      where (n.until is null or n.until >= $2::timestamptz - interval '1 hour') and exists (select 1 from incident_scope s where s.incident_id = n.id
        and (lower(s.service) = any(p.services) or lower(replace(s.region, ' ', '')) = any(p.regions) or s.resource = any(p.resources)))
      order by n.first_seen_at desc limit ${CANDIDATES_MAX}`,
    values: [incident.id, incident.from, incident.until],
  });
  return rows;
}
