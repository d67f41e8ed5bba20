/** SQL of evidence: which incidents are to be looked at, what was found, and what was told of it. */
import type { NearbyAlert, ResourceEvidence, Verdict } from '#src/core/evidence.ts';
import { PAST_MS } from '#src/core/evidence-window.ts';
import type { Kind, Severity } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

export interface DueEvidence {
  id: string;
  identity: string;
  kind: Kind;
  trackingId: string | null;
  severity: Severity;
  state: string;
  revision: number;
  startedAt: string | null;
  firstSeenAt: string;
  /** When it was over, as far as it is. */
  endedAt: string | null;
  /** Rounds so far. */
  number: number;
}

/** When an incident was over, whoever says so; not after we last heard of it, which a clock that is off may make it. */
const ENDED = 'least(coalesce(i.mitigated_at, i.resolved_at, i.closed_at), i.last_seen_at)';

/**
 * Takes one incident to look at, for `leaseMs`: an active outage or maintenance that was never looked at or whose time
 * has come, or one that has ended since. What waits longest comes first; last of all what was over when it was first
 * heard of, or before anybody had looked. Null: none is due, or another replica was faster. Should the process die, the
 * incident is due again when the lease ends.
 */
export async function claimEvidence(db: Queryable, leaseMs: number): Promise<DueEvidence | null> {
  const { rows } = await db.query<DueEvidence>({
    name: 'claim-evidence',
    // Three parts, each along an index of few rows: with an `or` every incident there ever was would be read.
    text: `with due as (
        select id from (
          select i.id, false as past, r.taken_at, i.first_seen_at from incidents i left join evidence_rounds r on r.incident_id = i.id
          where i.latest and i.kind in ('outage', 'maintenance') and i.state = 'active' and (r.incident_id is null or r.next_at <= now())
          union all
          select i.id, false, r.taken_at, i.first_seen_at from evidence_rounds r join incidents i on i.id = r.incident_id
          where not r.over and r.next_at <= now() and i.state in ('resolved', 'closed')
          union all
          select i.id, true, null, i.first_seen_at from incidents i
          where i.latest and i.kind in ('outage', 'maintenance') and i.state in ('resolved', 'closed')
            and i.first_seen_at > now() - $2 * interval '1 millisecond' and ${ENDED} > now() - $2 * interval '1 millisecond'
            and not exists (select 1 from evidence_rounds r where r.incident_id = i.id)
        ) d order by past, taken_at nulls first, first_seen_at desc limit 1
      ), claimed as (
        insert into evidence_rounds (incident_id, next_at) select id, now() + $1 * interval '1 millisecond' from due
        on conflict (incident_id) do update set next_at = excluded.next_at where evidence_rounds.next_at <= now()
        returning incident_id, number
      )
      select i.id, i.identity, i.kind, i.tracking_id as "trackingId", i.severity, i.state, i.revision,
        i.started_at as "startedAt", i.first_seen_at as "firstSeenAt",
        case when i.state in ('resolved', 'closed') then ${ENDED} end as "endedAt",
        c.number
      from claimed c join incidents i on i.id = c.incident_id`,
    values: [leaseMs, PAST_MS],
  });
  return rows[0] ?? null;
}

/** Notes a look, and when the next one is due; an incident that is open again is looked at again. */
export async function noteEvidenceRound(
  db: Queryable,
  round: { incidentId: string; nextInMs: number; over: boolean },
): Promise<void> {
  await db.query(
    `insert into evidence_rounds (incident_id, number, next_at, over) values ($1, 1, now() + $2 * interval '1 millisecond', $3)
     on conflict (incident_id) do update set number = evidence_rounds.number + 1, taken_at = now(), next_at = excluded.next_at, over = excluded.over`,
    [round.incidentId, round.nextInMs, round.over],
  );
}

/** What the next look has to know of this one, and nobody else. */
export interface EvidenceMemory {
  /** The end of the incident, as it was known when this was asked for the last time; null before. */
  endedAt: string | null;
  /** How often something that may pass kept Azure from answering after the end. */
  tries: number;
  /** Moves of its pulls that destinations were told, each once: `westeurope > northeurope`. */
  moves: readonly string[];
}

export interface EvidenceRow {
  resource: string;
  verdict: Verdict;
  reason: string;
  /** The last verdict that destinations were told. */
  told: Verdict | null;
  data: ResourceEvidence;
  /** Null where an older release has written it. */
  memory: EvidenceMemory | null;
  takenAt: string;
}

/** The newest word on each resource of an incident: hit ones first, then by name. */
export async function readEvidence(db: Queryable, incidentId: string): Promise<EvidenceRow[]> {
  const { rows } = await db.query<EvidenceRow>(
    `select resource, verdict, reason, told, data - 'memory' as data, data->'memory' as memory, taken_at as "takenAt" from evidence where incident_id = $1
     order by case verdict when 'hit' then 0 when 'not seen' then 1 else 2 end, resource`,
    [incidentId],
  );
  return rows;
}

/** Replaces what was known of these resources; `told` null leaves what was told before. */
export async function saveEvidence(
  db: Queryable,
  incidentId: string,
  found: readonly { evidence: ResourceEvidence; told: Verdict | null; memory: EvidenceMemory }[],
): Promise<void> {
  await db.query(
    `insert into evidence (incident_id, resource, verdict, reason, told, data, taken_at)
     select $1, e.resource, e.verdict, e.reason, e.told, e.data, now()
     from json_to_recordset($2::json) as e(resource text, verdict text, reason text, told text, data jsonb) order by e.resource
     on conflict (incident_id, resource) do update set verdict = excluded.verdict, reason = excluded.reason,
       told = coalesce(excluded.told, evidence.told), data = excluded.data, taken_at = excluded.taken_at`,
    [
      incidentId,
      JSON.stringify(
        found.map(({ evidence, told, memory }) => ({
          resource: evidence.resource,
          verdict: evidence.verdict,
          reason: evidence.reason,
          told,
          data: { ...evidence, memory },
        })),
      ),
    ],
  );
}

/** An entry that no destination is told of. */
export async function addEvidenceEntry(
  db: Queryable,
  entry: { incidentId: string; at: string; summary: string; data: Record<string, unknown> },
): Promise<void> {
  await db.query(
    `insert into timeline (incident_id, revision, at, kind, summary, data)
     select id, revision, $2, 'evidence', $3, $4 from incidents where id = $1`,
    [entry.incidentId, entry.at, entry.summary, JSON.stringify(entry.data)],
  );
}

/** What the next message says of evidence, in place of what stood under these labels; the fold keeps it (core/details.ts). */
export async function setEvidenceFacts(
  db: Queryable,
  incidentId: string,
  { labels, facts }: { labels: readonly string[]; facts: Record<string, string> },
): Promise<void> {
  await db.query(
    `update incidents set details = (details - $3::text[]) || $2::jsonb
     where id = $1 and details is distinct from (details - $3::text[]) || $2::jsonb`,
    [incidentId, JSON.stringify(facts), labels],
  );
}

/**
 * Own alerts and resource events that name one of these resources, or a part of one, and were open within the span.
 * `platform`: Resource Health called it bad within the span, and not because a user had done so (azure-signals 2).
 */
export async function findNearbyAlerts(
  db: Queryable,
  { resources, from, to }: { resources: readonly string[]; from: string; to: string },
): Promise<(NearbyAlert & { resource: string })[]> {
  const { rows } = await db.query<NearbyAlert & { resource: string }>(
    `select distinct r.resource, i.id, i.kind, i.headline, i.severity, coalesce(i.started_at, i.first_seen_at) as "startedAt",
       i.kind = 'resource' and coalesce(i.started_at, i.first_seen_at) >= $2 and i.posts @> '[{"phase":"open"}]'
         and coalesce(i.details->>'Cause', '') !~* '^ *user' as platform
     from incidents i join incident_scope s on s.incident_id = i.id
     join unnest($1::text[]) as r(resource) on s.resource = r.resource or starts_with(s.resource, r.resource || '/')
     where i.kind in ('alert', 'resource') and (i.state in ('planned', 'active') or i.first_seen_at > $2::timestamptz - interval '1 day')
       and coalesce(i.started_at, i.first_seen_at) <= $3
       and coalesce(i.resolved_at, i.closed_at, 'infinity') >= $2
     order by "startedAt" desc limit 200`,
    [resources, from, to],
  );
  return rows.toReversed();
}

/**
 * Removes evidence of incidents that ended before. Returns how many rows. That one was looked at is remembered for as
 * long as it could be taken for one that nobody has looked at.
 */
export async function forgetEvidence(db: Queryable, incidentsMs: number): Promise<number> {
  const { rowCount } = await db.query(
    `with old as (
       select r.incident_id, i.last_seen_at from evidence_rounds r join incidents i on i.id = r.incident_id
       where i.state in ('resolved', 'closed') and i.last_seen_at < now() - $1 * interval '1 millisecond' limit 500
     ), no_rounds as (
       delete from evidence_rounds r using old where r.incident_id = old.incident_id
         and old.last_seen_at < now() - $2 * interval '1 millisecond'
     )
     delete from evidence e using old where e.incident_id = old.incident_id`,
    [incidentsMs, PAST_MS],
  );
  return rowCount ?? 0;
}
