/** SQL of the clocks: what happened when, for one incident or for many. */
import type { ClockFacts } from '#src/core/clocks.ts';
import type { Queryable } from './pools.ts';

export interface ClockFactsRow extends ClockFacts {
  id: string;
  trackingId: string | null;
  kind: string;
  state: string;
  headline: string;
  services: string[];
  regions: string[];
  registries: string[];
}

/** Destinations that wake people. */
export const PAGERS: readonly string[] = ['pagerduty', 'opsgenie'];

export interface ClockFilter {
  /** Only this one. */
  id: string | null;
  kind: string[];
  service: string | null;
  region: string | null;
  subscription: string | null;
  /** Incidents that were going on in between. */
  from: string | null;
  to: string | null;
  limit: number;
}

/** Oldest first. What a destination took that pages nobody (a change event) is no page. */
export async function readClockFacts(db: Queryable, filter: ClockFilter): Promise<ClockFactsRow[]> {
  const { rows } = await db.query<ClockFactsRow>({
    name: 'read-clocks',
    text: `with chosen as (
        select i.* from incidents i where ($1::text is null or i.id = $1) and ((cardinality($2::text[]) = 0 and ($1 is not null or i.kind <> 'canary')) or i.kind = any($2))
          and ($6::timestamptz is null or i.state in ('planned', 'active') or coalesce(greatest(i.mitigated_at, i.resolved_at), i.closed_at, i.last_seen_at) >= $6)
          and ($7::timestamptz is null or least(i.started_at, i.first_seen_at) < $7)
          and ($3::text is null and $4::text is null and $5::text is null or exists (select 1 from incident_scope s where s.incident_id = i.id
            and ($3 is null or lower(s.service) = lower($3)) and ($4 is null or lower(s.region) = lower($4)) and ($5 is null or s.subscription = lower($5))))
        order by i.first_seen_at, i.id limit $8
      )
      select i.id, i.tracking_id as "trackingId", i.kind, i.state, i.headline, i.started_at as "impactStartedAt",
        told."firstCommunicationAt", coalesce((select min(received_at) from signals s where s.incident_id = i.id), i.first_seen_at) as "firstSignalAt",
        told."committedAt", paged."firstPageAt", paged."firstToldAt", told."acknowledgedAt",
        i.mitigated_at as "mitigatedAt", i.resolved_at as "resolvedAt", told."reviewedAt", place.services, place.regions, place.registries
      from chosen i
      cross join lateral (select min(t.at) filter (where t.kind = 'communication') as "firstCommunicationAt", min(t.recorded_at) as "committedAt",
          min(t.at) filter (where t.kind = 'note' and t.data->>'event' = 'acknowledged') as "acknowledgedAt",
          min(t.at) filter (where t.kind = 'communication' and lower(t.data->>'stage') in ('rca', 'pir')) as "reviewedAt"
        from timeline t where t.incident_id = i.id) told
      cross join lateral (select min(a.finished_at) filter (where d.type = any($9) and a.action = 'open' and coalesce(a.receipt->>'event', '') <> 'change') as "firstPageAt",
          min(a.finished_at) as "firstToldAt"
        from deliveries d join attempts a on a.delivery_id = d.id where d.incident_id = i.id and a.outcome = 'accepted') paged
      cross join lateral (select coalesce(array_agg(distinct s.service) filter (where s.service <> ''), '{}') as services,
          coalesce(array_agg(distinct s.region) filter (where s.region <> ''), '{}') as regions,
          coalesce(array_agg(distinct s.resource) filter (where s.resource like '%/microsoft.containerregistry/registries/%'), '{}') as registries
        from incident_scope s where s.incident_id = i.id) place
      order by i.first_seen_at, i.id`,
    values: [
      filter.id,
      filter.kind,
      filter.service,
      filter.region,
      filter.subscription,
      filter.from,
      filter.to,
      filter.limit,
      PAGERS,
    ],
  });
  return rows;
}
