/** SQL of what is done by the clock: closing by age, retention. */
import type { Kind, Severity } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

export interface AgedIncident {
  id: string;
  identity: string;
  kind: Kind;
  trackingId: string | null;
  severity: Severity;
  revision: number;
  reason: string;
}

/**
 * Open incidents that no message will ever close. Ages count from our receipt, never from event time (design 3.6):
 * advisories and security posts at their own end date, 90 days where they have none; unrecognised bodies and operations without an end one
 * day; own alerts and resources 30 days without a word; an outage seven days after its post-incident review.
 */
export async function findAged(db: Queryable, limit: number): Promise<AgedIncident[]> {
  const { rows } = await db.query<AgedIncident>(
    `select id, identity, kind, tracking_id as "trackingId", severity, revision,
       case when ends_at < now() then 'its end date has passed' else 'nothing heard for long' end as reason
     from incidents where state in ('planned', 'active') and latest and (
       (kind in ('advisory', 'security') and (ends_at is null or ends_at < now()) and last_seen_at < now() - case when ends_at < now() then interval '1 day' else interval '90 days' end)
       or (kind = 'maintenance' and ends_at < now() - interval '50 days' and last_seen_at < now() - interval '7 days')
       or (kind in ('unrecognised', 'change') and last_seen_at < now() - interval '1 day')
       or (kind in ('alert', 'resource') and last_seen_at < now() - interval '30 days'))
     order by last_seen_at limit $1`,
    [limit],
  );
  return rows;
}

/** Gives rows of scope that a release before migration 0009 has written their place in the list. Returns how many. */
export async function placeScope(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `update incident_scope s set incident_seen_at = i.first_seen_at from incidents i where s.incident_seen_at is null and i.id = s.incident_id`,
  );
  return rowCount ?? 0;
}

/** Removes raw bodies after `rawMs`, and the details of attempts with them; rows stay as tombstones. Returns how many. */
export async function forgetRaw(db: Queryable, rawMs: number): Promise<number> {
  const { rowCount } = await db.query(
    `update signals set raw = null where id in (select id from signals where raw is not null and received_at < now() - $1 * interval '1 millisecond' limit 5000)`,
    [rawMs],
  );
  return rowCount ?? 0;
}

/** Removes what vendors called back before `incidentsMs`; a call that old is not repeated any more. Returns how many. */
export async function forgetCallbacks(db: Queryable, incidentsMs: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from callbacks where (vendor, event_key) in (select vendor, event_key from callbacks where received_at < now() - $1 * interval '1 millisecond' limit 5000)`,
    [incidentsMs],
  );
  return rowCount ?? 0;
}

/** Removes attempts, scope and timelines of incidents that ended before `incidentsMs`; the incident rows stay as tombstones (design section 5). */
export async function forgetIncidents(db: Queryable, incidentsMs: number): Promise<number> {
  const { rowCount } = await db.query(
    `with old as (
       select i.id from incidents i where i.state in ('resolved', 'closed') and i.last_seen_at < now() - $1 * interval '1 millisecond'
         and exists (select 1 from timeline t where t.incident_id = i.id) limit 500
     ), no_scope as (
       delete from incident_scope s using old where s.incident_id = old.id
     ), no_count as (
       update incidents i set scope_count = 0, place = null from old where i.id = old.id
     ), no_attempts as (
       delete from attempts a using deliveries d, old where a.delivery_id = d.id and d.incident_id = old.id
     ), no_deliveries as (
       delete from deliveries d using old where d.incident_id = old.id
     )
     delete from timeline t using old where t.incident_id = old.id`,
    [incidentsMs],
  );
  return rowCount ?? 0;
}
