/** SQL of what is due at a destination. Takes no lock: the claim that follows is what counts. */
import type { Action, Memo } from '#src/core/adapter.ts';
import type { Damping } from '#src/core/damping.ts';
import type { Snapshot } from '#src/core/incident.ts';
import type { Told } from '#src/core/plan.ts';
import type { Severity } from '#src/core/signal.ts';
import type { Standby } from '#src/core/standby.ts';
import type { IncidentRow } from './ingest.ts';
import { PASS_THROUGH_ON } from './pass-through.ts';
import type { Queryable } from './pools.ts';
import { SILENCES_IN_FORCE, type SilenceInForce } from './silences.ts';

/** A process that has not beaten for this long is dead and its leases are free (docs/adr/lease-of-three-and-a-half-seconds.md). */
export const LEASE_DEAD_AFTER_MS = 3_500;
const DEAD = `interval '${LEASE_DEAD_AFTER_MS} milliseconds'`;
/** Condition on a delivery `d`: nobody who is alive holds it. */
export const FREE = `(d.holder is null or not exists (select 1 from workers w where w.id = d.holder and w.beat_at > now() - ${DEAD}))`;
const DUE = `d.state in ('pending', 'retrying', 'delivering', 'suppressed') and d.next_attempt_at <= now() and ${FREE}`;

export interface DueDelivery {
  id: string;
  destination: string;
  incidentId: string;
  fence: number;
  wantedRevision: number;
  deliveredRevision: number;
  firstRevision: number;
  told: Told;
  toldSeverity: Severity | null;
  memo: Memo;
  tries: number;
  stepSince: string | null;
  lastAcceptedAt: string | null;
  fallbackOf: string | null;
  /** The episode whose vendor key the delivery goes on with; null: its own. */
  keyEpisode: number | null;
  /** What the destination has open says that it flaps. */
  announced: boolean;
  /** What `sustained` and `flapping` say of it; filled in before planning (pipeline/damping.ts). */
  damping?: Damping | null;
  /** What the peer says of it; filled in before planning (pipeline/standby/standing-by.ts). */
  standby?: Standby | null;
  /** Until when what it has to tell was left to the peer; null: it never was. */
  standbyUntil?: string | null;
  incident: Omit<IncidentRow, 'posts' | 'after'>;
  revisions: { revision: number; recordedAt: string; snapshot: Snapshot; html: string | null }[] | null;
  unsettled: { action: Action; from: number; to: number; wasRepeat: boolean } | null;
  /** Highest revision of tries without an answer that were given up: what they told may have arrived. */
  doubtedRevision: number | null;
  /** An active outage on the same service and region that this destination has accepted; only for own alerts that were not told yet. */
  parent: { id: string; headline: string } | null;
  /** Alerts that are held back because of this incident, at this destination. */
  children: number;
  /** Failures in a row of the destination. */
  failures: number;
  /** `traceparent` of the signal that made the newest news; null without traces. */
  trace?: string | null;
  /** What its message says of having been held back; null where nothing that it has to tell was. */
  heldMark: string | null;
  /** Those in force now, whatever they match. */
  silences: SilenceInForce[] | null;
  /** The switch that turns off all holding back, as it stands in the database. */
  passThrough: boolean;
}

/**
 * Due deliveries of one destination, most pressing first, with all that planning and rendering needs. Takes no lock:
 * the claim that follows is what counts. Empty while the destination is paused or switched off.
 */
export async function findDue(db: Queryable, destination: string, limit: number): Promise<DueDelivery[]> {
  const { rows } = await db.query<DueDelivery>({
    name: 'find-due',
    text: `select d.id, d.destination, d.incident_id as "incidentId", d.fence, d.wanted_revision as "wantedRevision",
        d.delivered_revision as "deliveredRevision", d.first_revision as "firstRevision", d.told, d.told_severity as "toldSeverity",
        d.memo, d.tries, d.step_since as "stepSince", d.last_accepted_at as "lastAcceptedAt", d.fallback_of as "fallbackOf", d.trace,
        d.key_episode as "keyEpisode", d.flapping_since is not null as announced,
        json_build_object('id', i.id, 'identity', i.identity, 'episode', i.episode, 'trackingId', i.tracking_id, 'kind', i.kind,
          'state', i.state, 'severity', i.severity, 'title', i.title, 'stage', i.stage, 'headline', i.headline, 'details', i.details,
          'startedAt', i.started_at, 'mitigatedAt', i.mitigated_at, 'resolvedAt', i.resolved_at, 'endsAt', i.ends_at,
          'closedAt', i.closed_at, 'retracted', i.retracted, 'revision', i.revision, 'scopeCount', i.scope_count,
          'firstSeenAt', i.first_seen_at, 'lastSeenAt', i.last_seen_at) as incident,
        (select json_agg(json_build_object('revision', t.revision, 'recordedAt', t.recorded_at, 'snapshot', t.snapshot, 'html', t.data->>'html') order by t.revision)
          from timeline t where t.incident_id = d.incident_id and t.revision > d.delivered_revision and t.snapshot is not null) as revisions,
        (select json_build_object('action', a.action, 'from', a.covers_from, 'to', a.covers_to, 'wasRepeat', a.is_repeat)
          from attempts a where a.delivery_id = d.id and (a.outcome is null or (a.outcome = 'unknown' and not a.settled))
          order by a.number desc limit 1) as unsettled,
        (select max(a.covers_to) from attempts a where a.delivery_id = d.id and a.outcome = 'unknown' and a.settled
          and a.covers_to > d.delivered_revision) as "doubtedRevision",
        case when i.kind in ('alert', 'resource') and i.severity in ('warning', 'info') and d.told = 'nothing' then (
          -- By the index on places, a probe for each: an outage of 30,000 rows of scope cost each alert that was due 57 ms
          select json_build_object('id', p.id, 'headline', p.headline) from incidents p
          join deliveries pd on pd.incident_id = p.id and pd.destination = d.destination and pd.told = 'open' and pd.first_accepted_at is not null
          where p.kind = 'outage' and p.state = 'active' and exists (
            select 1 from incident_scope c cross join lateral (select 1 from incident_scope s
              where lower(replace(s.region, ' ', '')) = lower(replace(c.region, ' ', '')) and s.incident_seen_at = p.first_seen_at
                and s.incident_id = p.id and lower(s.service) = lower(c.service) and s.service = c.service and s.region = c.region limit 1) s
            where c.incident_id = d.incident_id and c.service <> '' and c.region <> '') limit 1) end as parent,
        case when i.kind = 'outage' then (select count(*) from deliveries h where h.held_by = i.id and h.destination = d.destination and h.state = 'suppressed') else 0 end::int as children,
        coalesce((select s.consecutive_failures from destination_state s where s.destination = $1), 0) as failures,
        case when d.held_revision > d.delivered_revision then d.held_mark end as "heldMark",
        case when d.held_why = 'standby' and d.held_revision > d.delivered_revision then d.held_until end as "standbyUntil",
        ${SILENCES_IN_FORCE} as silences, ${PASS_THROUGH_ON} as "passThrough"
      from (
        -- The page first, straight from the index; joined before the limit, a backlog of 10,000 made each look read all of it
        select d.* from deliveries d where d.destination = $1 and ${DUE} order by d.priority, d.next_attempt_at limit $2
      ) d join incidents i on i.id = d.incident_id
      where not exists (select 1 from destination_state s where s.destination = $1 and (s.disabled or s.paused_until > now()))
      order by d.priority, d.next_attempt_at`,
    values: [destination, limit],
  });
  for (const row of rows) {
    for (const key of INCIDENT_TIMES) row.incident[key] = iso(row.incident[key]);
    row.incident.firstSeenAt = iso(row.incident.firstSeenAt)!;
    for (const revision of row.revisions ?? []) {
      revision.recordedAt = iso(revision.recordedAt)!;
      // The text stands beside the snapshot, not in it (db/ingest.ts).
      const { communication } = revision.snapshot;
      if (communication && communication.html === '') communication.html = revision.html ?? '';
    }
  }
  return rows;
}

const INCIDENT_TIMES = ['startedAt', 'mitigatedAt', 'resolvedAt', 'endsAt'] as const;

/** Inside JSON the server writes times with its own offset and precision. */
function iso(value: string | null): string | null {
  return value === null ? null : new Date(value).toISOString();
}

/** Destinations with work that has been due for a while: a ring was lost, or a worker died (design 3.3). */
export async function findNeglected(
  db: Queryable,
  { dueForMs, among }: { dueForMs: number; among: readonly string[] },
): Promise<string[]> {
  const { rows } = await db.query<{ destination: string }>({
    name: 'find-neglected',
    text: `select a.destination from unnest($2::text[]) as a(destination)
      where exists (select 1 from deliveries d where d.destination = a.destination and ${DUE} and d.next_attempt_at <= now() - $1 * interval '1 millisecond')
        and not exists (select 1 from destination_state s where s.destination = a.destination and (s.disabled or s.paused_until > now()))`,
    values: [dueForMs, among],
  });
  return rows.map((row) => row.destination);
}
